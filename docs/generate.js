'use strict'

/**
 * Writes docs/api.md from the declarations that the compiler has emitted and the comments in them.
 *
 *     npm run docs                     builds, and writes the page
 *     node docs/generate.js --check    fails if the page is not what would be written
 */

const fs = require('node:fs')
const path = require('node:path')
const ts = require('typescript')

const root = path.join(__dirname, '..')
const page = path.join(__dirname, 'api.md')

/** The headings, and the files of lib/ whose names stand under each. */
const sections = [
  ['Tensors', ['tensor']],
  ['Packed sequences', ['sequence', 'check']],
  ['Recurrent modules', ['recurrent', 'engine', 'kinds', 'weights']],
  ['Streams', ['stream']],
  ['Layers around them', ['layers']],
  ['Files of weights', ['safetensors']],
  ['Runtime and errors', ['runtime', 'errors']]
]

// ---- what there is ----------------------------------------------------------------------------------------------------

/** The declarations in dist/: by file, without its extension, and by name. */
function readDeclarations() {
  const folder = path.join(root, 'dist')
  const sources = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.d.ts'))
    .map((name) => [path.basename(name, '.d.ts'), fs.readFileSync(path.join(folder, name), 'utf8')])
    .map(([file, text]) => [file, ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)])
  const { index } = Object.fromEntries(sources)
  return { index, declarations: new Map(sources.map(([file, source]) => [file, byName(source)])) }
}

function byName(source) {
  const named = source.statements.map((statement) => {
    const [variable] = statement.declarationList?.declarations ?? []
    return [(statement.name ?? variable?.name)?.text, statement]
  })
  // Of overloads the first, which has the comment.
  return new Map(named.filter(([name]) => name).reverse())
}

/** The signatures of a function; of anything else itself. */
function overloads(declaration) {
  if (!ts.isFunctionDeclaration(declaration)) return [declaration]
  const { statements } = declaration.parent
  return statements.filter((other) => ts.isFunctionDeclaration(other) && other.name.text === declaration.name.text)
}

/**
 * The entries of the page, in the order of index.ts: its names; before them the classes that they extend, with the names
 * of the public ones that do; and after them the types that they mention and their file exports.
 */
function collect({ index, declarations }) {
  const entries = new Map()
  const add = (name, file, heir) => {
    const declaration = declarations.get(file).get(name)
    if (!declaration) return
    const base = ts.isClassDeclaration(declaration) && baseOf(declaration)
    if (base) add(base, file, heir ?? name)
    const entry = entries.get(name) ?? { name, file, declaration, heirs: [] }
    entries.set(name, entry)
    if (heir) entry.heirs.push(heir)
    for (const mentioned of overloads(declaration).flatMap(identifiersIn)) {
      const other = declarations.get(file).get(mentioned)
      if (!entries.has(mentioned) && other && isExported(other) && isType(other)) add(mentioned, file)
    }
  }
  for (const statement of index.statements) {
    const file = path.basename(statement.moduleSpecifier.text)
    for (const element of statement.exportClause.elements) add(element.name.text, file)
  }
  return [...entries.values()]
}

function baseOf(declaration) {
  return declaration.heritageClauses?.[0]?.types[0].expression.getText()
}

/** What a class extends, the nearest first. */
function basesOf(declaration, named) {
  const base = ts.isClassDeclaration(declaration) && baseOf(declaration)
  return base && named.has(base) ? [base, ...basesOf(named.get(base), named)] : []
}

function identifiersIn(node) {
  const names = ts.isIdentifier(node) ? [node.text] : []
  ts.forEachChild(node, (child) => void names.push(...identifiersIn(child)))
  return names
}

function isExported(declaration) {
  return declaration.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

function isType(declaration) {
  return ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)
}

function isPublic(member) {
  const isPrivate = member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
  return !isPrivate && member.name?.kind !== ts.SyntaxKind.PrivateIdentifier
}

function isField(member) {
  return ts.isPropertyDeclaration(member) || ts.isPropertySignature(member) || ts.isGetAccessor(member)
}

// ---- the page ---------------------------------------------------------------------------------------------------------

/** Headings, and the anchors that they get. */
class Outline {
  #used = new Map()
  #anchors = new Map()

  heading(level, title, name) {
    const slug = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const count = this.#used.get(slug) ?? 0
    this.#used.set(slug, count + 1)
    if (name) this.#anchors.set(name, count === 0 ? slug : `${slug}-${count}`)
    return `${'#'.repeat(level)} ${title}`
  }

  link(name, text = name) {
    return this.#anchors.has(name) ? `[${text}](#${this.#anchors.get(name)})` : text
  }
}

function render(declarations) {
  const entries = collect(declarations)
  const outline = new Outline()
  const title = outline.heading(1, 'API')
  const parts = sections.map(([heading, files]) => {
    const own = entries.filter(({ file }) => files.includes(file))
    const ordered = [
      ...own.filter((entry) => !isType(entry.declaration)),
      ...own.filter((entry) => isType(entry.declaration))
    ]
    const text = [outline.heading(2, heading), ...ordered.flatMap((entry) => renderEntry(entry, declarations, outline))]
    return { heading, ordered, text }
  })
  const contents = parts.map(({ heading, ordered }) => {
    const names = ordered.map(({ name }) => outline.link(name))
    return `- ${heading}: ${names.join(', ')}`
  })
  const introduction = 'Made from the comments in `lib/` by `npm run docs`.'
  const text = [title, introduction, contents.join('\n'), ...parts.flatMap((part) => part.text)].join('\n\n')
  return `${text.replace(/\{@link (\w+)(\.\w+)?\}/g, (_, name, member = '') => outline.link(name, `\`${name}${member}\``))}\n`
}

function renderEntry(entry, { declarations }, outline) {
  const { name, file, declaration, heirs } = entry
  if (heirs.length > 0) return [outline.heading(3, inCommon(entry), name), ...renderMembers(declaration, outline)]
  const heading = outline.heading(3, name, name)
  const { text, more } = comment(declaration)
  const hasMethods = ts.isInterfaceDeclaration(declaration) && declaration.members.some((member) => !isField(member))
  if (ts.isClassDeclaration(declaration) || hasMethods) {
    const inherited = basesOf(declaration, declarations.get(file)).map((base) => outline.link(base))
    const about = inherited.length > 0 ? [`Its methods are those of ${inherited.join(' and ')}.`] : []
    return [
      heading,
      code(signature(declaration).replace(/ \{[^]*/, '')),
      ...about,
      ...renderMembers(declaration, outline)
    ]
  }
  const key = ts.isTypeAliasDeclaration(declaration) && /^keyof typeof (\w+)$/.exec(declaration.type.getText())
  const shown = key
    ? renderKeys(declarations.get(file).get(key[1]))
    : code(overloads(declaration).map(signature).join('\n'))
  return [heading, shown, text, ...more].filter(Boolean)
}

function inCommon({ name, heirs }) {
  return `${name}: what ${heirs.slice(0, -1).join(', ')} and ${heirs.at(-1)} have in common`
}

function renderMembers(declaration, outline) {
  const { text, more } = comment(declaration)
  const members = declaration.members.filter(isPublic)
  const fields = members.filter(isField).map((field) => {
    const about = comment(field).text.replaceAll('\n', ' ')
    return `- \`${signature(field)}\`${about && `: ${about}`}`
  })
  const methods = members.filter((member) => !isField(member))
  return [
    text,
    ...more,
    fields.join('\n'),
    ...methods.flatMap((method) => {
      const name = ts.isConstructorDeclaration(method) ? 'constructor' : method.name.getText()
      const about = comment(method)
      return [outline.heading(4, name), code(signature(method)), about.text, ...about.more]
    })
  ].filter(Boolean)
}

/** The keys of a constant object, with what their comments say. */
function renderKeys(constant) {
  const { members } = constant.declarationList.declarations[0].type
  const rows = members.map((member) => {
    const type = member.type.getText().replace('Constructor', '')
    return `| \`${member.name.getText()}\` | ${type} | ${comment(member).text.replaceAll('\n', ' ')} |`
  })
  return ['| | | |', '|---|---|---|', ...rows].join('\n')
}

/** A declaration in TypeScript, as the project sets it and without the words that only a declaration file needs. */
function signature(declaration) {
  return declaration
    .getText()
    .replace(/^(export )?(declare )?(abstract )?/, '')
    .replace(/;$/gm, '')
    .replace(/^( {4})+/gm, (indent) => indent.slice(indent.length / 2))
    .replace(/\{@link ([\w.]+)\}/g, '$1')
}

function code(text) {
  return `\`\`\`ts\n${text}\n\`\`\``
}

/** A comment: its text; its tags as a list, and what follows the last of them. */
function comment(declaration) {
  const [own] = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc)
  const text = (ts.getTextOfJSDocComment(own?.comment) ?? '').trim()
  const items = []
  const after = []
  for (const tag of own?.tags ?? []) {
    const [first, ...others] = tagText(tag).split('\n\n')
    items.push(`- ${first.replaceAll('\n', ' ')}`)
    after.push(...others)
  }
  return { text, more: [items.join('\n'), ...after].filter(Boolean) }
}

function tagText(tag) {
  const text = (ts.getTextOfJSDocComment(tag.comment) ?? '').trim()
  if (ts.isJSDocParameterTag(tag)) return `\`${tag.name.getText()}\`: ${text}`
  // The parser takes the start of an address for a name.
  if (ts.isJSDocSeeTag(tag))
    return `See ${tag
      .getText()
      .replace(/^@see\s+/, '')
      .replace(/\n? \*.*/g, '')
      .trim()}`
  return `${tag.tagName.text === 'returns' ? 'Returns' : 'Throws'} ${text}`
}

function main() {
  const declarations = readDeclarations()
  const text = render(declarations)
  if (!process.argv.includes('--check')) return fs.writeFileSync(page, text)
  if (fs.existsSync(page) && fs.readFileSync(page, 'utf8') === text) return
  console.error('docs/api.md is not what the comments in lib/ say: run `npm run docs`')
  process.exitCode = 1
}

main()
