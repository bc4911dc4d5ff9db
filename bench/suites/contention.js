'use strict'
// Two threads when all cores but one have other work: child processes that compute, at most for two minutes.
const { spawn } = require('node:child_process')
const { availableParallelism } = require('node:os')
const { packedRnn, withThreads } = require('../rivals/packed-rnn')
const { onnxruntime } = require('../rivals/onnxruntime')
const { compare, over, sleep } = require('../measure')
const { createWorkload } = require('../workload')

const busy = 'for (const end = Date.now() + 120e3; Date.now() < end; );'

const shapes = [
  { hiddenSize: 512, batch: 1, steps: 50 },
  { hiddenSize: 128, batch: 8, steps: 100, lengths: 'falling' },
  { hiddenSize: 256, batch: 32, steps: 100, lengths: 'falling' },
  { hiddenSize: 512, batch: 64, steps: 100, lengths: 'falling' }
]

async function measure(context) {
  const rows = []
  for (const load of ['idle', 'busy']) {
    const others = load === 'busy' ? availableParallelism() - 1 : 0
    const children = Array.from({ length: others }, () => spawn(process.execPath, ['-e', busy], { stdio: 'ignore' }))
    try {
      if (load === 'busy') await sleep(300)
      for (const shape of context.quick ? shapes.slice(1, 2) : shapes) {
        const workload = createWorkload(shape)
        const ours = packedRnn(workload)
        const contestants = {
          one: withThreads(ours, 1),
          two: withThreads(ours, 2),
          onnxruntime: await onnxruntime(workload, 2)
        }
        const { times, rounds } = await compare(contestants, { ...context.budget(2.5), turn: 10 })
        await contestants.onnxruntime?.close()
        rows.push({ load, ...shape, times, gain: over(rounds, ({ one, two }) => one / two) })
        const text = Object.entries(times).map(([name, { median }]) => `${name} ${median} ms`)
        context.log(`H=${shape.hiddenSize} B=${shape.batch}, second core ${load}: ${text.join(', ')}`)
      }
    } finally {
      for (const child of children) child.kill()
    }
  }
  return rows
}

module.exports = { measure }
