'use strict'
// npm run check:instructions [-- --update]
//
// Counts with callgrind the instructions of a run of each of three shapes, on each instruction set that valgrind can run, and
// fails if they are not as many as instructions.json says: a slow commit is seen without a stopwatch. Counts hold for the
// compiler that made them, Debian 12's; with another one they are only printed.
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { buildMeter } = require('../bench/setup')

const file = path.join(__dirname, 'instructions.json')
const isas = ['portable', 'avx2'] // valgrind knows no AVX-512
const shapes = ['single', 'batch', 'step']
/** Counts repeat to the instruction for one binary; a linker or libc of another patch level moves them a little. */
const tolerance = 0.01

/** Instructions within the run itself; null where the machine lacks the instruction set. */
function count(program, isa, shape) {
  const out = path.join(os.tmpdir(), `packed-rnn-callgrind-${process.pid}`)
  const options = [
    '--tool=callgrind',
    '--toggle-collect=packed_rnn::Recurrent::forward*',
    `--callgrind-out-file=${out}`
  ]
  const env = { ...process.env, PACKED_RNN_ISA: isa }
  const { status, stderr, error } = spawnSync('valgrind', [...options, program, shape], { env, encoding: 'utf8' })
  if (error) throw new Error(`valgrind could not be run: ${error.message}`)
  if (status === 2) return null
  if (status !== 0) throw new Error(`${isa}/${shape} failed under valgrind:\n${stderr}`)
  const totals = /^totals: (\d+)/m.exec(fs.readFileSync(out, 'utf8'))
  fs.rmSync(out)
  return Number(totals[1])
}

function compiler(program) {
  const sections = execFileSync('readelf', ['-p', '.comment', program], { encoding: 'utf8' })
  return [...sections.matchAll(/\]\s+(\S.*)$/gm)].map(([, version]) => version).join('; ')
}

function main() {
  const program = buildMeter('instructions_meter')
  const found = { compiler: compiler(program), counts: {} }
  for (const isa of isas) {
    for (const shape of shapes) {
      const instructions = count(program, isa, shape)
      if (instructions !== null) found.counts[`${isa}/${shape}`] = instructions
    }
  }
  if (process.argv.includes('--update')) {
    fs.writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`)
    console.log(`${path.basename(file)} now holds ${JSON.stringify(found.counts)}`)
    return
  }
  const expected = JSON.parse(fs.readFileSync(file, 'utf8'))
  const comparable = expected.compiler === found.compiler
  if (!comparable) console.log(`Not compared: the counts are those of ${expected.compiler}, this is ${found.compiler}`)
  for (const [name, instructions] of Object.entries(found.counts)) {
    const before = expected.counts[name]
    const change = (100 * (instructions - before)) / before
    console.log(
      `${name}: ${instructions} instructions, ${change >= 0 ? '+' : ''}${change.toFixed(2)} % against ${before}`
    )
    if (!comparable || Math.abs(change) <= 100 * tolerance) continue
    const more = change > 0
    console.log(more ? '  more: see what the commit did to the inner loops, or' : '  fewer: well done;')
    console.log('  `npm run check:instructions -- --update` makes this the count to hold')
    process.exitCode = 1
  }
}

main()
