'use strict'
// Peak memory of one call, beside what it must hold: each runtime and shape in a process of its own (memory-child.js).
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { ort } = require('../rivals/onnxruntime')

const shapes = [
  { hiddenSize: 256, batch: 32, steps: 100, lengths: 'falling' },
  { hiddenSize: 256, batch: 32, steps: 1000, lengths: 'falling' },
  { hiddenSize: 1024, batch: 8, steps: 50 }
]

/**
 * Has glibc give back what was freed: else what writing the model's file has left behind, and nothing of it in use, counts as
 * the runtime's that reads it.
 */
const giveBack = { GLIBC_TUNABLES: `glibc.malloc.mmap_threshold=${2 ** 17}` }

function measure(context) {
  if (process.platform !== 'linux') return null // elsewhere the peak cannot be reset
  const rows = []
  for (const shape of context.quick ? shapes.slice(0, 1) : shapes) {
    const runtimes = ort ? ['packed-rnn', 'onnxruntime'] : ['packed-rnn']
    const used = Object.fromEntries(
      runtimes.map((runtime) => {
        const child = path.join(__dirname, '..', 'memory-child.js')
        const { stdout, status } = spawnSync(process.execPath, ['--expose-gc', child, runtime, JSON.stringify(shape)], {
          encoding: 'utf8',
          env: { ...process.env, ...giveBack },
          stdio: ['ignore', 'pipe', 'inherit']
        })
        if (status !== 0) throw new Error(`The memory of ${runtime} could not be measured`)
        return [runtime, JSON.parse(stdout)]
      })
    )
    rows.push({ ...shape, used })
    context.log(`H=${shape.hiddenSize} B=${shape.batch} T=${shape.steps}, MB: ${JSON.stringify(used)}`)
  }
  return rows
}

module.exports = { measure }
