'use strict'
// Modules and batches to measure: shapes, lengths, random weights and inputs, the same at every run.

/** The shapes of the table; `target`: how many times faster than onnxruntime-node, at 1 and at 2 threads. */
const tableShapes = [
  { kind: 'LSTM', hiddenSize: 64, batch: 1, steps: 50, target: [1.8, 1.8] },
  { kind: 'LSTM', hiddenSize: 128, batch: 1, steps: 50, target: [1.25, 1.8] },
  { kind: 'LSTM', hiddenSize: 512, batch: 1, steps: 50, target: [1.1, 1.3] },
  { kind: 'LSTM', hiddenSize: 1024, batch: 1, steps: 50, target: [1.1, 1.1] },
  { kind: 'LSTM', hiddenSize: 128, batch: 8, steps: 100, lengths: 'falling', target: [1.9, 2.2] },
  { kind: 'LSTM', hiddenSize: 256, batch: 32, steps: 100, target: [1.1, 1.1] },
  { kind: 'LSTM', hiddenSize: 256, batch: 32, steps: 100, lengths: 'falling', target: [2.1, 2.1] },
  { kind: 'LSTM', hiddenSize: 512, batch: 64, steps: 100, lengths: 'falling', target: [2.1, 2.1] },
  { kind: 'LSTM', hiddenSize: 1024, batch: 32, steps: 50, target: [1.1, 1.25] },
  { kind: 'GRU', hiddenSize: 128, batch: 1, steps: 50 },
  { kind: 'GRU', hiddenSize: 256, batch: 32, steps: 100, lengths: 'falling' },
  { kind: 'RNN', hiddenSize: 128, batch: 1, steps: 50 },
  { kind: 'RNN', hiddenSize: 256, batch: 32, steps: 100, lengths: 'falling' }
]

const gates = { LSTM: 4, GRU: 3, RNN: 1 }

// Numbers in [-most, most) from a seed (mulberry32).
function randomFloats(seed, size, most) {
  const values = new Float32Array(size)
  let state = seed
  for (let i = 0; i < size; ++i) {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    values[i] = (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * most
  }
  return values
}

/** What torch.nn's initialisation would give a module of one layer and direction. */
function randomParameters(kind, inputSize, hiddenSize) {
  const rows = gates[kind] * hiddenSize
  const most = 1 / Math.sqrt(hiddenSize)
  return {
    weight_ih_l0: randomFloats(1, rows * inputSize, most),
    weight_hh_l0: randomFloats(2, rows * hiddenSize, most),
    bias_ih_l0: randomFloats(3, rows, most),
    bias_hh_l0: randomFloats(4, rows, most)
  }
}

const lengthsOf = {
  /** No padding. */
  full: (batch, steps) => new Int32Array(batch).fill(steps),
  /** Evenly from all steps to one: half of the padded batch is padding. */
  falling: (batch, steps) =>
    Int32Array.from({ length: batch }, (_, i) => Math.round(steps - (i * (steps - 1)) / Math.max(batch - 1, 1))),
  /** One sequence of all steps, the others shorter and shorter: sequence i of B has (1 − i/B)^(1/fill − 1) of them. */
  skewed: (batch, steps, fill) =>
    Int32Array.from({ length: batch }, (_, i) => Math.max(1, Math.round(steps * (1 - i / batch) ** (1 / fill - 1)))),
  /** Evenly falling to one, and padded further, to `steps`, where the fill is below a half; from all steps where above. */
  even: (batch, steps, fill) => {
    const longest = Math.min(steps, 2 * fill * steps)
    const shortest = 2 * fill * steps - longest
    return Int32Array.from({ length: batch }, (_, i) =>
      Math.max(1, Math.round(longest - ((i + 0.5) * (longest - shortest)) / batch))
    )
  }
}

/**
 * A module and a batch: `kind`, `hiddenSize` (= inputSize), `batch`, `steps`, and `lengths`, an Int32Array or a name in
 * lengthsOf.
 */
function createWorkload({ kind = 'LSTM', hiddenSize, batch, steps, lengths: given = 'full' }) {
  const inputSize = hiddenSize
  const lengths = typeof given === 'string' ? lengthsOf[given](batch, steps) : given
  const rows = lengths.reduce((sum, length) => sum + length, 0)
  return {
    kind,
    inputSize,
    hiddenSize,
    batch,
    steps,
    lengths,
    full: given === 'full',
    rows,
    flops: 2 * gates[kind] * hiddenSize * (inputSize + hiddenSize) * rows,
    recurrentBytes: gates[kind] * hiddenSize * hiddenSize * 4,
    inputFlops: 2 * gates[kind] * hiddenSize * inputSize * rows,
    parameters: randomParameters(kind, inputSize, hiddenSize),
    input: randomFloats(5, steps * batch * inputSize, 1) // [steps, batch, inputSize]
  }
}

module.exports = { tableShapes, gates, lengthsOf, createWorkload, randomFloats, randomParameters }
