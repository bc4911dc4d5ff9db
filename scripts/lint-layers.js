'use strict'
// Proves the architecture: who may import and include whom, in lib/ and in native/.
const fs = require('node:fs')
const path = require('node:path')
const ts = require('typescript')

const root = path.join(__dirname, '..')
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8')
const json = (file) => JSON.parse(read(file))
const list = (folder, pattern) =>
  fs
    .readdirSync(path.join(root, folder), { recursive: true })
    .map((file) => `${folder}/${file.replaceAll(path.sep, '/')}`)
    .filter((file) => pattern.test(file) && !file.includes('/node_modules/'))

const problems = []
const complain = (where, what) => problems.push(`${where}: ${what}`)

// ---- lib/ --------------------------------------------------------------------------------------------------------------

// A file imports from its own row or from one below.
const rows = [
  ['index'],
  ['layers', 'recurrent', 'engine', 'runtime', 'safetensors', 'sequence', 'stream'],
  ['binding', 'check', 'kinds', 'memory', 'structure', 'tensor', 'weights'],
  ['errors']
]
const rowOf = (name) => rows.findIndex((row) => row.includes(name))
const reachBinding = ['layers', 'engine', 'runtime', 'sequence']

function importsOf(file) {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest)
  const imports = []
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      imports.push({ from: node.moduleSpecifier.text, types: isTypeOnly(node) })
    } else if (ts.isCallExpression(node) && isLoad(node.expression) && ts.isStringLiteralLike(node.arguments[0])) {
      imports.push({ from: node.arguments[0].text, types: false })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return imports
}

const isLoad = (callee) =>
  callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')

function isTypeOnly(node) {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  const clause = node.importClause
  if (!clause) return false
  if (clause.isTypeOnly) return true
  const named = clause.namedBindings
  return !clause.name && named && ts.isNamedImports(named) && named.elements.every((element) => element.isTypeOnly)
}

function checkTypeScript() {
  const { dependencies } = json('package.json')
  const graph = new Map()
  for (const file of list('lib', /\.ts$/)) {
    const name = file.slice('lib/'.length, -'.ts'.length)
    if (name.endsWith('.d')) continue
    if (rowOf(name) < 0) complain(file, 'has no place among the rows of scripts/lint-layers.js')
    const edges = []
    for (const { from, types } of importsOf(file)) {
      if (from.startsWith('./')) {
        const target = from.slice(2)
        if (rowOf(target) < rowOf(name)) complain(file, `imports ${from}, which lies above it`)
        if (target === 'binding' && !types && !reachBinding.includes(name)) {
          complain(file, `imports ./binding: only ${reachBinding.join(', ')} reach it`)
        }
        if (!types) edges.push(target)
      } else if (from === 'node-gyp-build') {
        if (name !== 'binding') complain(file, 'imports node-gyp-build: only binding loads the binary')
      } else if (!from.startsWith('node:') && !(from in dependencies)) {
        complain(file, `imports ${from}, which is no dependency of the package`)
      }
    }
    graph.set(name, edges)
  }
  for (const cycle of cyclesOf(graph)) complain('lib', `imports in a circle: ${cycle.join(' → ')}`)
  return graph.size
}

function cyclesOf(graph) {
  const cycles = []
  const done = new Set()
  const walk = (name, trail) => {
    if (trail.includes(name)) return cycles.push([...trail.slice(trail.indexOf(name)), name])
    if (done.has(name)) return
    for (const next of graph.get(name) ?? []) walk(next, [...trail, name])
    done.add(name)
  }
  for (const name of graph.keys()) walk(name, [])
  return cycles
}

// ---- native/ -----------------------------------------------------------------------------------------------------------

// What each room may include from the others.
const rooms = [
  { folder: 'native/binding', may: /^(binding\/|core\/|kernels\/kernels\.h$)/ },
  { folder: 'native/core', may: /^(core\/|kernels\/kernels\.h$)/ },
  { folder: 'native/kernels', may: /^kernels\// },
  { folder: 'test/native', may: /^(core\/|kernels\/(kernels|tables)\.h$)/, beside: true },
  { folder: 'bench/native', may: /^(core\/|kernels\/kernels\.h$)/, beside: true }
]
// Headers that these rooms alone may include. Benchmarks measure the machine itself beside the kernels.
const reserved = [
  {
    owners: ['native/binding'],
    what: 'Node-API',
    header: /^(napi|node_api|js_native_api|node_api_types|node|uv|v8)\b/
  },
  { owners: ['native/kernels', 'bench/native'], what: 'intrinsics', header: /^(\w*intrin|arm_\w+|cpuid)\.h$/ }
]
// Who includes the kernels that are written once.
const inner = [
  {
    header: /^kernels\/generic\.inl$/,
    by: /^native\/kernels\/(?!select)\w+\.cpp$/,
    who: 'the file of an instruction set'
  },
  { header: /^kernels\/(?!generic)\w+\.inl$/, by: /^native\/kernels\/\w+\.inl$/, who: 'generic.inl with its parts' }
]
// These include from their own row or from one below, as the modules of lib/ do.
const innerRows = [['generic.inl'], ['beside.inl', 'tiles.inl'], ['cells.inl', 'products.inl'], ['math.inl']]
const innerRowOf = (file) => innerRows.findIndex((row) => row.includes(path.basename(file)))

/** Returns what a file includes of native/, as paths from there. */
function checkIncludes(room, file) {
  const included = []
  for (const [, open, header] of read(file).matchAll(/^\s*#\s*include\s*([<"])([^>"]+)[>"]/gm)) {
    for (const { owners, what, header: pattern } of reserved) {
      if (pattern.test(header) && !owners.includes(room.folder))
        complain(file, `includes ${header}: ${what} belong in ${owners[0]}`)
    }
    for (const { header: pattern, by, who } of inner) {
      if (pattern.test(header) && !by.test(file)) complain(file, `includes ${header}: only ${who} does`)
    }
    if (header.endsWith('.inl') && innerRowOf(header) < innerRowOf(file)) {
      complain(file, `includes "${header}", which ${innerRowOf(header) < 0 ? 'has no row' : 'lies above it'}`)
    }
    if (open === '<') continue
    included.push(header)
    const exists = fs.existsSync(path.join(root, 'native', header))
    const beside = room.beside && fs.existsSync(path.join(root, room.folder, header))
    if (!exists && !beside) complain(file, `includes "${header}", which is no path from native/`)
    else if (exists && !room.may.test(header)) complain(file, `includes "${header}", which ${room.folder} may not`)
  }
  return included
}

function checkNative() {
  const graph = new Map()
  for (const room of rooms) {
    for (const file of list(room.folder, /\.(cpp|h|inl|inc)$/)) {
      graph.set(file.replace(/^native\//, ''), checkIncludes(room, file))
    }
  }
  for (const cycle of cyclesOf(graph)) complain('native', `includes in a circle: ${cycle.join(' → ')}`)
  const named = Object.values(json('native/sources.gypi').variables).flat()
  const present = list('native', /\.cpp$/)
  for (const file of named)
    if (!present.includes(file)) complain('native/sources.gypi', `names ${file}, which is not there`)
  for (const file of present) if (!named.includes(file)) complain('native/sources.gypi', `does not name ${file}`)
  return graph.size
}

// ---- packages ----------------------------------------------------------------------------------------------------------

const allDependencies = ({ dependencies, devDependencies, optionalDependencies, peerDependencies }) =>
  Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies })

function checkPackages() {
  const main = json('package.json')
  const allowed = ['node-addon-api', 'node-gyp-build']
  if (Object.keys(main.dependencies).sort().join() !== allowed.join()) {
    complain('package.json', `depends on other packages than ${allowed.join(' and ')}`)
  }
  for (const script of ['preinstall', 'install', 'postinstall']) {
    if (main.scripts[script])
      complain('package.json', `has a lifecycle script that runs for who installs it: ${script}`)
  }
  const ours = allDependencies(main)
  for (const rival of allDependencies(json('bench/package.json'))) {
    if (ours.includes(rival)) complain('package.json', `depends on ${rival}, which only bench/ may`)
  }
}

const modules = checkTypeScript()
const sources = checkNative()
checkPackages()
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
console.log(`layers: ${modules} modules of lib and ${sources} C++ files import as the design has it`)
