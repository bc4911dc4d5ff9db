'use strict'
// The share of the fma peak by shape, one thread; run once for each instruction set.
const { lib, packedRnn } = require('../rivals/packed-rnn')
const { compare, over, rounded } = require('../measure')
const { createWorkload } = require('../workload')

async function measure(context) {
  lib.setNumThreads(1)
  const rows = []
  for (const hiddenSize of context.quick ? [128] : [64, 128, 256, 512, 1024]) {
    for (const batch of [8, 32, 64]) {
      // About 2 GFLOP, whatever the shape.
      const steps = Math.max(4, Math.round(2e9 / (16 * hiddenSize ** 2 * batch)))
      const workload = createWorkload({ hiddenSize, batch, steps: context.quick ? 4 : Math.min(steps, 200) })
      const extra = () => context.meter.fma(context.isa, 1)
      const { times, rounds } = await compare({ ours: packedRnn(workload) }, { ...context.budget(0.7), extra })
      const time = times.ours
      const gflops = rounded(workload.flops / time.median / 1e6)
      const share = over(rounds, ({ ours, extra: peak }) => peak && workload.flops / ours / 1e6 / peak)
      rows.push({ isa: context.isa, hiddenSize, batch, steps: workload.steps, time, gflops, share })
      context.log(`${context.isa} H=${hiddenSize} B=${batch}: ${gflops} GFLOP/s, ${share?.median} of the peak`)
    }
  }
  return rows
}

module.exports = { measure }
