'use strict'
// npm run prebuilds [<platform>-<arch>[-<libc>] …]: the binaries of a release, for all platforms or for those named, by
// one cross compiler on one machine. The first run takes minutes for each target, in which Zig builds its C++ library.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const prebuildify = promisify(require('prebuildify'))
const { hasDependencies } = require('../dependencies')
const { nameOf, targets } = require('./targets')

const root = path.join(__dirname, '..', '..')

function installedZig() {
  const home = path.join(__dirname, 'node_modules', '@zigc', `${process.platform}-${process.arch}`)
  if (!hasDependencies(__dirname))
    execFileSync('npm', ['install', '--no-package-lock', '--ignore-scripts'], { cwd: __dirname, stdio: 'inherit' })
  return path.join(home, 'bin', 'zig')
}

function chosenTargets(names) {
  const unknown = names.filter((name) => !targets.some((target) => nameOf(target) === name))
  if (unknown.length > 0) {
    throw new Error(`No such target: ${unknown.join(', ')}. There are ${targets.map(nameOf).join(', ')}.`)
  }
  return targets.filter((target) => names.length === 0 || names.includes(nameOf(target)))
}

async function build(target) {
  const folder = path.join(root, 'build', 'prebuilds', nameOf(target))
  fs.rmSync(folder, { recursive: true, force: true }) // what CMake remembers of another run must not get into a release
  fs.mkdirSync(folder, { recursive: true })
  process.env.ZIG_TARGET = target.zig
  await prebuildify({
    ...target,
    napi: true,
    name: 'packed-rnn',
    tagLibc: target.libc ?? false,
    nodeGyp: path.join(__dirname, 'zig-gyp.js'),
    cwd: folder,
    out: root
  })
}

async function main() {
  const chosen = chosenTargets(process.argv.slice(2))
  process.env.ZIG = installedZig()
  for (const target of chosen) {
    const start = Date.now()
    await build(target)
    console.log(`${nameOf(target)}: ${((Date.now() - start) / 1000).toFixed(1)} s`)
  }
}

main().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
