'use strict'
// A state that has decayed to subnormal numbers must not slow the steps.
const { lib, packedRnn } = require('../rivals/packed-rnn')
const { compare, over } = require('../measure')
const { createWorkload } = require('../workload')

async function measure(context) {
  lib.setNumThreads(1)
  const rows = []
  for (const kind of ['LSTM', 'GRU', 'RNN']) {
    for (const batch of [1, 8]) {
      const workload = createWorkload({ kind, hiddenSize: 256, batch, steps: 1 })
      // Without biases and input, what is left of a subnormal state is subnormal.
      workload.parameters.bias_ih_l0.fill(0)
      workload.parameters.bias_hh_l0.fill(0)
      workload.input.fill(0)
      const { module, given } = packedRnn(workload)
      const from = (value) => {
        const tensor = () => new lib.Tensor(new Float32Array(batch * 256).fill(value), [1, batch, 256])
        const state = kind === 'LSTM' ? { h: tensor(), c: tensor() } : { h: tensor() }
        return { sync: true, run: () => module.forwardSync(given, state) }
      }
      const contestants = { normal: from(0.1), subnormal: from(1e-39) }
      const { times, rounds } = await compare(contestants, context.budget(0.7))
      const ratio = over(rounds, ({ normal, subnormal }) => subnormal / normal)
      rows.push({ kind, batch, times, ratio })
      context.log(`${kind} B=${batch}: a subnormal step takes ${ratio.median} of a normal one`)
    }
  }
  return rows
}

module.exports = { measure }
