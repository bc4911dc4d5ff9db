'use strict'
// npm run test:package: the tarball has what is needed and no more, is small, and works where nothing else is installed:
// by require, by import, in TypeScript, in Bun and in Deno. `npm run prebuilds` comes first.
const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { hasDependencies } = require('../dependencies')
const { binaryOf, targets } = require('../prebuilds/targets')
const { emptyProject, makeProject, npm, packDependencies, packPackage, root } = require('./project')

const megabyte = 1e6
const limits = { size: 3 * megabyte, unpackedSize: 8 * megabyte }
const belongs =
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|binding\.gyp|dist\/\w+\.(js|d\.ts)|native\/[\w/]+\.(cpp|h|inl|inc|gypi|map))$/

let failed = false

async function step(name, action) {
  const start = Date.now()
  try {
    const said = (await action()) ?? ''
    console.log(`ok    ${name} (${((Date.now() - start) / 1000).toFixed(1)} s) ${said}`)
  } catch (error) {
    failed = true
    console.error(`FAIL  ${name}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}`)
  }
}

function fail(message) {
  throw new Error(message)
}

// The programs of this folder's package.json, which only this test needs.
function tool(name) {
  if (!hasDependencies(__dirname)) npm(['ci'], __dirname)
  return path.join(__dirname, 'node_modules', '.bin', name)
}

function run(cwd, program, ...args) {
  const env = { ...process.env, NODE_PATH: '', PACKED_RNN_ISA: '' }
  return execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

function checkTypes(folder, module, moduleResolution) {
  const compilerOptions = { module, moduleResolution, target: 'ES2022', strict: true, noEmit: true, types: [] }
  fs.writeFileSync(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, lib: ['ES2022', 'DOM'] }, files: ['types.ts'] })
  )
  return run(folder, process.execPath, require.resolve('typescript/bin/tsc'), '-p', '.')
}

function checkFiles({ files }) {
  const binaries = targets.map(binaryOf)
  const strangers = files.map((file) => file.path).filter((file) => !belongs.test(file) && !binaries.includes(file))
  if (strangers.length > 0) fail(`Not needed: ${strangers.join(', ')}`)
  return `${files.length} files`
}

function checkSize(tarball) {
  for (const [name, limit] of Object.entries(limits)) {
    if (tarball[name] > limit) fail(`${name} is ${tarball[name]} bytes, above ${limit}`)
  }
  const inMegabytes = (bytes) => `${(bytes / megabyte).toFixed(2)} MB`
  return `${inMegabytes(tarball.size)} packed, ${inMegabytes(tarball.unpackedSize)} unpacked`
}

// From a registry, as from a tarball npm asks about `prepare` too, which it never runs there.
async function checkNoScripts(tarball) {
  const folder = emptyProject()
  const server = spawn(process.execPath, [path.join(__dirname, 'registry.js'), tarball, ...packDependencies(folder)])
  try {
    const [address] = await once(server.stdout, 'data')
    const registry = ['--registry', String(address).trim(), '--cache', path.join(folder, 'cache')]
    npm(['install', 'packed-rnn', '--strict-allow-scripts', ...registry], folder)
    if (fs.existsSync(path.join(folder, 'node_modules', 'packed-rnn', 'build'))) fail('npm compiled it')
  } finally {
    server.kill()
    fs.rmSync(folder, { recursive: true })
  }
}

// Last, for it takes the binaries away.
function checkSourceBuild(folder) {
  fs.rmSync(path.join(folder, 'node_modules', 'packed-rnn', 'prebuilds'), { recursive: true })
  const message = run(
    folder,
    process.execPath,
    '-e',
    "try { require('packed-rnn') } catch (e) { console.log(e.message) }"
  )
  const command = /npx --yes (node-gyp@\S+ rebuild .*?)`/.exec(message)?.[1]
  if (!command) fail(`The error names no command: ${message}`)
  run(folder, '/bin/sh', '-c', `npx --yes ${command}`)
  return run(folder, process.execPath, 'require.js')
}

async function main() {
  const tarball = packPackage()
  const folder = makeProject(tarball.path)

  await step('only what is needed is in it', () => checkFiles(tarball))
  await step('it is small', () => checkSize(tarball))
  await step('publint', () => void run(root, tool('publint'), tarball.path, '--strict'))
  await step('are the types wrong?', () => void run(root, tool('attw'), tarball.path))
  await step('npm runs no script for it', () => checkNoScripts(tarball.path))
  await step('require', () => run(folder, process.execPath, 'require.js'))
  await step('import', () => run(folder, process.execPath, 'import.mjs'))
  await step('TypeScript, CommonJS', () => checkTypes(folder, 'Node16', 'Node16'))
  await step('TypeScript, bundler', () => checkTypes(folder, 'ESNext', 'Bundler'))
  await step('Bun', () => run(folder, tool('bun'), 'import.mjs'))
  await step('Deno', () => run(folder, tool('deno'), 'run', '--no-lock', '--allow-all', 'import.mjs'))
  await step('the error without a binary says how to build one, and so it builds', () => checkSourceBuild(folder))

  fs.rmSync(folder, { recursive: true })
  process.exit(failed ? 1 : 0)
}

main()
