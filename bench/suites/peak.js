'use strict'
// The share of the fma peak by shape, one thread: of the kernel alone, step after step, and from JavaScript to JavaScript;
// run once for each instruction set.
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
      const extra = async () => ({
        peak: await context.meter.fma(context.isa, 1),
        step: await context.meter.step(context.isa, hiddenSize, batch)
      })
      const { times, rounds } = await compare({ ours: packedRnn(workload) }, { ...context.budget(0.7), extra })
      const gflops = rounded(workload.flops / times.ours.median / 1e6)
      const of = (rate) => over(rounds, (round) => round.extra.peak && rate(round) / round.extra.peak)
      const share = of(({ ours }) => workload.flops / ours / 1e6)
      const kernelShare = of(({ extra: { step } }) => workload.flops / workload.steps / step / 1e3)
      rows.push({ isa: context.isa, hiddenSize, batch, steps: workload.steps, gflops, share, kernelShare })
      context.log(
        `${context.isa} H=${hiddenSize} B=${batch}: the kernel ${kernelShare?.median} of the peak, ${share?.median} in all`
      )
    }
  }
  return rows
}

module.exports = { measure }
