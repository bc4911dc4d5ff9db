'use strict'
// The tarball as npm would publish it, and a project that has it installed.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { binaryOf, targets } = require('../prebuilds/targets')

const root = path.join(__dirname, '..', '..')

// The npm that runs this: a program's own name would have to be another one on Windows.
const npm = (args, cwd) =>
  execFileSync(process.execPath, [process.env.npm_execpath, ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })

const pack = (folder, into) =>
  JSON.parse(npm(['pack', folder, '--json', '--ignore-scripts', '--pack-destination', into], root))[0]

/** Packs what is there; every platform must be. Returns npm's description, with the path of the file. */
function packPackage() {
  const missing = targets.map(binaryOf).filter((file) => !fs.existsSync(path.join(root, file)))
  if (missing.length > 0) throw new Error(`Run npm run prebuilds first: ${missing.join(', ')} missing`)
  npm(['run', 'build:ts'], root)
  const into = path.join(root, 'build', 'package')
  fs.rmSync(into, { recursive: true, force: true })
  fs.mkdirSync(into, { recursive: true })
  const packed = pack('.', into)
  return { ...packed, path: path.join(into, packed.filename) }
}

/** The tarballs of the packages that ours depends on, packed from what is installed here. */
function packDependencies(into) {
  return Object.keys(require('../../package.json').dependencies).map((name) => {
    return path.join(into, pack(path.join(root, 'node_modules', name), into).filename)
  })
}

function emptyProject() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'packed-rnn-'))
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'commonjs' }))
  return folder
}

/** A folder outside the checkout with the tarball installed offline, and the smoke test beside it. */
function makeProject(tarball) {
  const folder = emptyProject()
  npm(['install', '--offline', '--ignore-scripts', tarball, ...packDependencies(folder)], folder)
  for (const file of ['smoke.js', 'require.js', 'import.mjs', 'types.ts']) {
    fs.copyFileSync(path.join(__dirname, file), path.join(folder, file))
  }
  fs.mkdirSync(path.join(folder, 'golden'))
  for (const file of fs.readdirSync(path.join(root, 'test', 'golden'))) {
    if (!file.endsWith('.safetensors')) continue
    fs.copyFileSync(path.join(root, 'test', 'golden', file), path.join(folder, 'golden', file))
  }
  return folder
}

module.exports = { emptyProject, makeProject, npm, packDependencies, packPackage, root }
