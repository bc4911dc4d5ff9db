'use strict'
// Time against the number of steps, Σlengths: to T = 10 000 at a fixed batch, and to B = 1024 at a fixed T.
const { lib, packedRnn } = require('../rivals/packed-rnn')
const { onnxruntime } = require('../rivals/onnxruntime')
const { compare, over, rounded } = require('../measure')
const { createWorkload } = require('../workload')

const hiddenSize = 128
const series = {
  time: [10, 30, 100, 300, 1000, 3000, 10000].map((steps) => ({ batch: 16, steps })),
  batch: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].map((batch) => ({ batch, steps: 50 }))
}

async function measure(context) {
  lib.setNumThreads(1)
  const rows = []
  for (const [name, shapes] of Object.entries(series)) {
    for (const shape of context.quick ? shapes.slice(0, 2) : shapes) {
      const workload = createWorkload({ hiddenSize, ...shape, lengths: 'falling' })
      const contestants = { ours: packedRnn(workload), onnxruntime: await onnxruntime(workload, 1) }
      const { times, rounds } = await compare(contestants, { ...context.budget(0.8), least: 3 })
      for (const contestant of Object.values(contestants)) await contestant?.close()
      const ratio = over(rounds, ({ ours, onnxruntime }) => onnxruntime / ours)
      const nsPerStep = rounded((times.ours.median * 1e6) / workload.rows)
      rows.push({ series: name, ...shape, sumOfLengths: workload.rows, times, ratio, nsPerStep })
      context.log(`B=${shape.batch} T=${shape.steps}: ${times.ours.median} ms, ${nsPerStep} ns a step`)
    }
  }
  return { hiddenSize, rows }
}

module.exports = { measure }
