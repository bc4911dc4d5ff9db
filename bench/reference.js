'use strict'
// The mathematics in float64, in plain loops, for some sequences of a workload.

const sigmoid = (x) => 1 / (1 + Math.exp(-x))

function product(weight, bias, x) {
  const sums = Float64Array.from(bias)
  for (let row = 0, i = 0; row < sums.length; ++row) {
    let sum = sums[row]
    for (let k = 0; k < x.length; ++k) sum += weight[i++] * x[k]
    sums[row] = sum
  }
  return sums
}

const cells = {
  LSTM(fromInput, fromHidden, { h, c }, size) {
    for (let u = 0; u < size; ++u) {
      const [i, f, g, o] = [0, 1, 2, 3].map((gate) => fromInput[gate * size + u] + fromHidden[gate * size + u])
      c[u] = sigmoid(f) * c[u] + sigmoid(i) * Math.tanh(g)
      h[u] = sigmoid(o) * Math.tanh(c[u])
    }
  },
  GRU(fromInput, fromHidden, { h }, size) {
    for (let u = 0; u < size; ++u) {
      const r = sigmoid(fromInput[u] + fromHidden[u])
      const z = sigmoid(fromInput[size + u] + fromHidden[size + u])
      const n = Math.tanh(fromInput[2 * size + u] + r * fromHidden[2 * size + u])
      h[u] = (1 - z) * n + z * h[u]
    }
  },
  RNN(fromInput, fromHidden, { h }, size) {
    for (let u = 0; u < size; ++u) h[u] = Math.tanh(fromInput[u] + fromHidden[u])
  }
}

/** The outputs of one sequence: [length, hiddenSize]. */
function reference({ kind, inputSize, hiddenSize, batch, lengths, parameters, input }, sequence) {
  const output = new Float64Array(lengths[sequence] * hiddenSize)
  const state = { h: new Float64Array(hiddenSize), c: new Float64Array(hiddenSize) }
  for (let t = 0; t < lengths[sequence]; ++t) {
    const start = (t * batch + sequence) * inputSize
    const fromInput = product(parameters.weight_ih_l0, parameters.bias_ih_l0, input.subarray(start, start + inputSize))
    const fromHidden = product(parameters.weight_hh_l0, parameters.bias_hh_l0, state.h)
    cells[kind](fromInput, fromHidden, state, hiddenSize)
    output.set(state.h, t * hiddenSize)
  }
  return output
}

/** Sequences enough to see an error, few enough to compute in float64: the longest, one in the middle, the shortest. */
const sampled = ({ batch }) => [...new Set([0, batch >> 1, batch - 1])]

/** The largest error of any output of a contestant in the sampled sequences. `references` has one array for each. */
async function largestError(contestant, workload, references) {
  let largest = 0
  for (const [i, sequence] of sampled(workload).entries()) {
    const mine = await contestant.output(sequence)
    references[i].forEach((value, j) => (largest = Math.max(largest, Math.abs(value - mine[j]))))
  }
  return largest
}

/** The float64 outputs of the sampled sequences. */
const referencesOf = (workload) => sampled(workload).map((sequence) => reference(workload, sequence))

module.exports = { referencesOf, largestError }
