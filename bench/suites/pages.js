'use strict'
// What outputs in new pages cost; run.js runs this twice, with malloc as it is and with one that keeps its memory.
const { packedRnn, withThreads } = require('../rivals/packed-rnn')
const { onnxruntime } = require('../rivals/onnxruntime')
const { compare, over } = require('../measure')
const { createWorkload } = require('../workload')

const shapes = [
  { hiddenSize: 128, batch: 8, steps: 100, lengths: 'falling' },
  { hiddenSize: 256, batch: 32, steps: 100 },
  { hiddenSize: 512, batch: 64, steps: 100, lengths: 'falling' }
]

async function measure(context) {
  const rows = []
  for (const shape of context.quick ? shapes.slice(0, 1) : shapes) {
    const workload = createWorkload(shape)
    for (const threads of [1, 2]) {
      const contestants = {
        ours: withThreads(packedRnn(workload), threads),
        onnxruntime: await onnxruntime(workload, threads)
      }
      const { times, rounds } = await compare(contestants, context.budget(2))
      await contestants.onnxruntime?.close()
      rows.push({ ...shape, threads, times, ratio: over(rounds, (round) => round.onnxruntime / round.ours) })
      const text = Object.entries(times).map(([name, { median }]) => `${name} ${median} ms`)
      context.log(`H=${shape.hiddenSize} B=${shape.batch}, ${threads} thread(s): ${text.join(', ')}`)
    }
  }
  return rows
}

module.exports = { measure }
