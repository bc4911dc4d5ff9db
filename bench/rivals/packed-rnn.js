'use strict'
const lib = require('../..')

/** Ours: a workload as a PackedSequence, or as a padded tensor if it has no padding or `padded` asks for it. */
function packedRnn(workload) {
  const { kind, inputSize, hiddenSize, batch, steps, lengths, input, parameters } = workload
  const module = new lib[kind]({ inputSize, hiddenSize }, stateDict(workload, parameters))
  const padded = new lib.Tensor(input, [steps, batch, inputSize])
  const given = workload.full ? padded : lib.packPaddedSequence(padded, lengths, { enforceSorted: false })
  return {
    module,
    padded,
    given,
    sync: true,
    run: () => module.forwardSync(given),
    /** The outputs of one sequence. */
    output(sequence) {
      const { output } = module.forwardSync(given)
      if (!workload.full) return lib.unpackSequence(output)[sequence].data
      return strided(output.data, steps, batch, hiddenSize, sequence)
    },
    close() {}
  }
}

/** The same without blocking the event loop. */
function packedRnnForward(workload) {
  const { module, given } = packedRnn(workload)
  return { run: () => module.forward(given), close() {} }
}

/** From a padded batch and back to one: what a caller pays who has the one and wants the other. */
function packedRnnFromPadded(workload) {
  const { module, padded } = packedRnn(workload)
  const run = () => {
    const packed = lib.packPaddedSequence(padded, workload.lengths, { enforceSorted: false })
    return lib.padPackedSequence(module.forwardSync(packed).output, { totalLength: workload.steps })
  }
  return { sync: true, run, close() {} }
}

/** The same contestant on so many threads. */
const withThreads = (contestant, threads) => ({ ...contestant, prepare: () => lib.setNumThreads(threads) })

function stateDict({ kind, inputSize, hiddenSize }, parameters) {
  const rows = parameters.bias_ih_l0.length
  if (rows % hiddenSize !== 0) throw new Error(`The parameters are not those of a ${kind}`)
  return {
    weight_ih_l0: { data: parameters.weight_ih_l0, shape: [rows, inputSize] },
    weight_hh_l0: { data: parameters.weight_hh_l0, shape: [rows, hiddenSize] },
    bias_ih_l0: { data: parameters.bias_ih_l0, shape: [rows] },
    bias_hh_l0: { data: parameters.bias_hh_l0, shape: [rows] }
  }
}

/** One sequence out of [steps, batch, size]. */
function strided(data, steps, batch, size, sequence) {
  const result = new Float32Array(steps * size)
  for (let t = 0; t < steps; ++t) {
    const start = (t * batch + sequence) * size
    result.set(data.subarray(start, start + size), t * size)
  }
  return result
}

module.exports = { lib, packedRnn, packedRnnForward, packedRnnFromPadded, withThreads, stateDict, strided }
