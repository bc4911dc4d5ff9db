'use strict'
// npm run bench [-- SUITE… --torch --quick]
//
// Measures packed-rnn beside its rivals, each suite in a process of its own, keeps the results in results/TABLE.json, by
// the table of kernels that this processor takes, and writes from them the tables and plots of the documentation. Names
// of suites measure these alone, beside what that file holds of the others. --torch installs Debian's PyTorch where it is
// missing; --quick only shows that everything runs, and keeps nothing.
const { execFileSync, fork } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { resultsFile, text, write } = require('./report')
const { torchAbout } = require('./rivals/torch')
const { busyLoad } = require('./targets')
const { root, buildMeter, buildPackage, installRivals, installTorch } = require('./setup')

const suites = [
  'machine',
  'table',
  'peak',
  'fill',
  'size',
  'step',
  'packing',
  'contention',
  'burst',
  'subnormal',
  'pages',
  'memory'
]
const secondsPerSuite = 900

/** One run of a suite in a process of its own; rejects if it fails or takes too long. */
function runSuite(name, settings, env = {}) {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env } }
    const child = fork(path.join(__dirname, 'suite.js'), [name, JSON.stringify(settings)], options)
    const timer = setTimeout(() => child.kill(), secondsPerSuite * 1000)
    let result // null from a suite that this platform cannot run
    child.on('message', (message) => (result = message))
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (code === 0 && result !== undefined) resolve(result)
      else reject(new Error(`${name} ended with ${signal ?? code}`))
    })
  })
}

/**
 * Has glibc keep its memory, in huge pages. What it gives back to the system otherwise depends on what was allocated
 * before: the time of one shape differed by a third, copies of one size by five times. Other libraries take no notice.
 */
const keepMemory = {
  GLIBC_TUNABLES: [
    'glibc.malloc.hugetlb=1',
    `glibc.malloc.mmap_threshold=${2 ** 30}`,
    `glibc.malloc.trim_threshold=${2 ** 32}`,
    `glibc.malloc.top_pad=${2 ** 26}`
  ].join(':')
}

async function measure(name, settings) {
  if (name === 'memory') return runSuite(name, settings)
  if (name === 'pages') {
    const given = await runSuite(name, settings)
    const kept = await runSuite(name, settings, keepMemory)
    return given.map((row, i) => ({ ...row, kept: kept[i] }))
  }
  if (name !== 'peak') return runSuite(name, settings, keepMemory)
  const rows = []
  for (const isa of require('..').runtime.supportedIsas.filter((each) => each !== 'portable')) {
    rows.push(...(await runSuite(name, settings, { ...keepMemory, PACKED_RNN_ISA: isa })))
  }
  return rows
}

function about(load) {
  const version = (name) => {
    const manifest = path.join(__dirname, 'node_modules', name, 'package.json')
    return fs.existsSync(manifest) ? JSON.parse(fs.readFileSync(manifest, 'utf8')).version : undefined
  }
  const { runtime } = require('..')
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    cpu: cpuModel(),
    cores: os.availableParallelism(),
    load,
    isa: runtime.isa,
    node: process.version,
    version: runtime.version,
    onnxruntime: version('onnxruntime-node'),
    tfjs: version('@tensorflow/tfjs')
  }
}

/** What was measured: a commit, and whether the sources have changed since. */
function commit() {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--', 'lib', 'native', 'binding.gyp')
  return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '')
}

/** A hypervisor may leave nothing of the name but the maker; Linux on x86 also has the numbers that tell processors apart. */
function cpuModel() {
  const [{ model }] = os.cpus()
  const info = fs.existsSync('/proc/cpuinfo') ? fs.readFileSync('/proc/cpuinfo', 'utf8') : ''
  const numbers = /^cpu family\s*: (\d+)\nmodel\s*: (\d+)$/m.exec(info)
  return `${process.arch}, ${model.trim()}${numbers ? ` (family ${numbers[1]}, model ${numbers[2]})` : ''}`
}

/** By the table of kernels that is taken here; and Intel's processors by themselves, for their caches differ. */
function tableOfLimits(meter) {
  const table = execFileSync(meter, { input: 'table\n', encoding: 'utf8' }).trim()
  return cpuModel().includes('Intel') ? `${table}_intel` : table
}

/** What PyTorch says of itself; null where there is none, or none that can be measured fairly. */
function torchThatTakesPart(install) {
  if (install && !torchAbout()) installTorch()
  const found = torchAbout()
  if (!found?.blas || found.blas.includes('USE_OPENMP')) return found
  console.error(
    `PyTorch is left out: its BLAS (${found.blas}) has threads beside PyTorch's, which get in each other's way.`
  )
  console.error('Debian has one that shares them: install libopenblas0-openmp, and remove libopenblas0-pthread.')
  return null
}

/** Writes the documents into a copy, to show that they can be written. */
function writeAside(results, table) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'packed-rnn-bench-'))
  for (const file of ['README.md', 'docs/performance.md']) fs.cpSync(path.join(root, file), path.join(folder, file))
  write(results, table, folder)
  fs.rmSync(folder, { recursive: true })
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, torch: { type: 'boolean', default: false } }
  })
  const unknown = positionals.find((name) => !suites.includes(name))
  if (unknown) throw new Error(`Expected suites out of ${suites.join(', ')} but received ${unknown}`)
  const { quick } = values
  const chosen = positionals.length > 0 ? positionals : suites

  delete process.env.PACKED_RNN_ISA // the results are those of this processor's best
  const [load] = os.loadavg()
  if (load > busyLoad && !quick) console.error(`The machine is busy (load average ${load}): expect noise`)
  buildPackage()
  if (!quick) {
    try {
      installRivals()
    } catch (error) {
      console.error(`Without the rivals, which could not be installed: ${error.message}`)
    }
  }
  const torch = quick ? null : torchThatTakesPart(values.torch)
  const settings = { quick, torch: Boolean(torch), meter: buildMeter('machine_meter') }

  const table = tableOfLimits(settings.meter)
  const file = resultsFile(table)
  const results = !quick && fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { suites: {}, about: {} }
  let failed = false
  for (const name of chosen) {
    console.error(name)
    try {
      const said = { ...about(load), torch }
      const result = await measure(name, settings)
      if (!result) continue
      results.suites[name] = result
      results.about[name] = said
    } catch (error) {
      failed = true
      console.error(error.message)
    }
  }
  if (failed) process.exitCode = 1
  if (!quick) fs.writeFileSync(file, `${JSON.stringify(results)}\n`)
  console.log(text(results))
  if (quick) return writeAside(results, table)
  write(results, table)
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
