import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { LSTM, saveSafetensors, Tensor } from '../lib'
import { errorCodes, fail } from '../lib/errors'

const root = path.join(__dirname, '..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** A program of a document: the TypeScript block that begins with an import, and those up to the next that does. */
interface Program {
  readonly name: string
  readonly code: string
  /** What its comments say that it prints. */
  readonly prints: string
}

const documents = ['README.md', 'docs/from-pytorch.md']
const programs = documents.flatMap(programsOf)

function programsOf(document: string): Program[] {
  const blocks = Array.from(read(document).matchAll(/^```ts\n([^]*?)^```$/gm), ([, code]) => code!)
  const sources: string[][] = []
  for (const block of blocks) {
    if (block.startsWith('import ')) sources.push([block])
    else sources.at(-1)?.push(block)
  }
  const name = path.basename(document, '.md').toLowerCase()
  return sources.map((source, i) => {
    const code = source.join('')
    return { name: `${name}-${i + 1}`, code, prints: printedBy(code) }
  })
}

/** The comments at the end of a line that prints, or on the lines right below it. */
function printedBy(code: string): string {
  const printed: string[] = []
  let below = false
  for (const line of code.split('\n')) {
    const comment = /(?:^|.*?\s)\/\/ (.*)$/.exec(line)?.[1]
    const prints = line.includes('console.log(')
    if (comment !== undefined && (prints || below)) printed.push(comment)
    below = prints || (below && comment !== undefined)
  }
  return printed.map((line) => `${line}\n`).join('')
}

let folder: string

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'packed-rnn-'))
  mkdirSync(path.join(folder, 'node_modules'))
  symlinkSync(root, path.join(folder, 'node_modules', 'packed-rnn'), 'junction')
  for (const { name, code } of programs) writeFileSync(path.join(folder, `${name}.mts`), code)
  await saveModels()
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** The files of weights that the documents load. */
async function saveModels(): Promise<void> {
  const encoder = (inputSize: number): [string, Tensor][] => {
    const stateDict = new LSTM({ inputSize, hiddenSize: 24, bidirectional: true }).stateDict()
    return Object.entries(stateDict).map(([name, value]) => [`encoder.${name}`, value])
  }
  const zeros = (...shape: number[]): Tensor => new Tensor(new Float32Array(shape.reduce((a, b) => a * b)), shape)
  await saveSafetensors(path.join(folder, 'model.safetensors'), Object.fromEntries(encoder(2)))
  await saveSafetensors(path.join(folder, 'tagger.safetensors'), {
    'embedding.weight': zeros(256, 16),
    ...Object.fromEntries(encoder(16)),
    'tags.weight': zeros(5, 48),
    'tags.bias': zeros(5)
  })
}

/** What the compiler has to say of the programs; it leaves the JavaScript beside them. */
function compile(): string {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    types: ['node'],
    typeRoots: [path.join(root, 'node_modules', '@types')]
  }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  return spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' }).stdout
}

describe('the code in the documents', () => {
  test('is found', () => {
    expect(programs.map(({ name }) => name)).toEqual(expect.arrayContaining(['readme-1', 'from-pytorch-1']))
  })

  test('passes the compiler in strict mode, runs, and prints what its comments say', () => {
    expect(compile()).toBe('')
    for (const { name, prints } of programs) {
      const printed = execFileSync(process.execPath, [`${name}.mjs`], { cwd: folder, encoding: 'utf8' })
      expect(`${name}:\n${printed}`).toBe(`${name}:\n${prints}`)
    }
  })
})

describe('what the README says', () => {
  const rows = read('README.md')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()))

  test('the error codes, and their classes', () => {
    const listed = rows.filter(([, code]) => code!.startsWith('`ERR_')).map(([, code, type]) => [code, type])
    const thrown = errorCodes.map((code) => {
      try {
        fail(code, '')
      } catch (error) {
        return [`\`${code}\``, (error as Error).constructor.name]
      }
    })
    expect(listed).toEqual(thrown)
  })

  test('every difference from PyTorch is in the title of a test', () => {
    const differences = rows.map(([, number]) => number!).filter((number) => /^B\d+$/.test(number))
    const tests = readdirSync(__dirname).filter(
      (file) => file.endsWith('.test.ts') && file !== path.basename(__filename)
    )
    const titles = tests.flatMap((file) => read(`test/${file}`).match(/\bB\d+\b/g) ?? [])
    expect(differences).toHaveLength(16)
    expect(differences.filter((number) => !titles.includes(number))).toEqual([])
  })

  test('its commands are scripts of the package', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = Array.from(
      `${read('README.md')}${read('CONTRIBUTING.md')}`.matchAll(/npm run ([\w:]+)/g),
      ([, name]) => name!
    )
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })
})

test.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/from-pytorch.md', 'docs/api.md'])(
  'the links of %s lead somewhere',
  (document) => {
    const text = read(document).replace(/^```[^]*?^```$/gm, '')
    const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link!)
    const broken = links.filter((link) => !/^https?:/.test(link) && !leadsSomewhere(document, link))
    expect(broken).toEqual([])
  }
)

function leadsSomewhere(document: string, link: string): boolean {
  const [file, anchor] = link.split('#') as [string, string?]
  const target = file === '' ? path.join(root, document) : path.join(root, path.dirname(document), file)
  if (!existsSync(target)) return false
  return anchor === undefined || anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
}

/** The anchors of a document's headings: numbered where a heading comes again. */
function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>()
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading]) => {
    const anchor = heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return count === 0 ? anchor : `${anchor}-${count}`
  })
}

test('docs/api.md is what the comments in lib/ say', () => {
  execFileSync(process.execPath, [path.join(root, 'docs', 'generate.js'), '--check'], { stdio: 'pipe' })
})
