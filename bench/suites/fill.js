'use strict'
// Time against fill, the share of a padded batch that is steps: packed time should be fill x full time.
const { lib, packedRnn, packedRnnFromPadded } = require('../rivals/packed-rnn')
const { onnxruntime } = require('../rivals/onnxruntime')
const { torch } = require('../rivals/torch')
const { compare, over, rounded } = require('../measure')
const { createWorkload, lengthsOf } = require('../workload')

const shape = { hiddenSize: 256, batch: 32, steps: 100 }

async function measure(context) {
  lib.setNumThreads(1)
  const { hiddenSize, batch, steps } = context.quick ? { hiddenSize: 64, batch: 8, steps: 20 } : shape
  const full = packedRnn(createWorkload({ hiddenSize, batch, steps }))
  const rows = []
  for (const distribution of ['even', 'skewed']) {
    for (const fill of context.quick ? [0.5] : [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
      const workload = createWorkload({
        hiddenSize,
        batch,
        steps,
        lengths: lengthsOf[distribution](batch, steps, fill)
      })
      const contestants = {
        full,
        ours: packedRnn(workload),
        fromPadded: packedRnnFromPadded(workload),
        onnxruntime: await onnxruntime(workload, 1)
      }
      const { times, rounds } = await compare(contestants, context.budget(1))
      for (const contestant of Object.values(contestants)) await contestant?.close()
      if (context.torch) {
        const rival = await torch(workload, 1)
        Object.assign(times, (await compare({ torch: rival }, context.budget(0.5))).times)
        rival.close()
      }
      const measured = rounded(workload.rows / (batch * steps))
      const ofIdeal = over(rounds, (round) => round.ours / (measured * round.full))
      rows.push({ distribution, fill: measured, times, ofIdeal })
      context.log(`${distribution} ${measured}: ${times.ours.median} ms, ${ofIdeal.median} of fill x full time`)
    }
  }
  return { hiddenSize, batch, steps, rows }
}

module.exports = { measure }
