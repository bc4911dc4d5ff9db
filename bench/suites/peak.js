'use strict'
// The share of the fma peak by shape, one thread; run once for each instruction set.
const { lib, packedRnn } = require('../rivals/packed-rnn')
const { compare, quartiles, rounded } = require('../measure')
const { createWorkload } = require('../workload')

async function measure(context) {
  lib.setNumThreads(1)
  const rows = []
  for (const hiddenSize of context.quick ? [128] : [64, 128, 256, 512, 1024]) {
    for (const batch of [8, 32, 64]) {
      // About 2 GFLOP, whatever the shape.
      const steps = Math.max(4, Math.round(2e9 / (16 * hiddenSize ** 2 * batch)))
      const workload = createWorkload({ hiddenSize, batch, steps: context.quick ? 4 : Math.min(steps, 200) })
      const peaks = []
      const extra = async () => peaks.push(await context.meter.fma(context.isa, 1))
      const { ours } = await compare({ ours: packedRnn(workload) }, { ...context.budget(0.7), extra })
      const gflops = rounded(workload.flops / ours.median / 1e6)
      const peak = peaks[0] === null ? null : quartiles(peaks).median
      const share = peak && rounded(gflops / peak)
      rows.push({ isa: context.isa, hiddenSize, batch, steps: workload.steps, time: ours, gflops, peak, share })
      context.log(`${context.isa} H=${hiddenSize} B=${batch}: ${gflops} GFLOP/s of ${peak}`)
    }
  }
  return rows
}

module.exports = { measure }
