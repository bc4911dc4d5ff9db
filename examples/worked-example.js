'use strict'

const { LSTM, padPackedSequence, padSequence, packPaddedSequence, tensor } = require('..')
const example = require('./worked-example.json')

/**
 * Two sequences, padded, packed, run through an LSTM and padded again; and the same without packing. Every result stands
 * in a table beside the numbers that were published for it.
 */
async function workedExample() {
  const { sequences, lengths, state_dict: weights, expected } = example
  const stateDict = Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, tensor(values)]))
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 3, batchFirst: true }, stateDict)

  const input = padSequence(
    sequences.map((steps) => tensor(steps)),
    { batchFirst: true }
  )
  const packed = packPaddedSequence(input, lengths, { batchFirst: true })
  const { output, state } = await lstm.forward(packed)
  const unpacked = padPackedSequence(output, { batchFirst: true })

  const padded = await lstm.forward(input)
  const unaware = expected.without_packing

  return {
    input: table(input.toArray().map(flat), expected.padded_input.map(flat), names),
    packedData: table(packed.data.toArray(), expected.packed_data, packedSteps(packed)),
    batchSizes: table([[...packed.batchSizes]], [expected.batch_sizes], ['']),
    packedOutput: table(output.data.toArray(), expected.packed_output_data, packedSteps(packed), significant),
    h: table(state.h.toArray()[0], expected.packed_h_n[0], names, significant),
    c: table(state.c.toArray()[0], expected.packed_c_n[0], names, significant),
    unpacked: table(unpacked.padded.toArray().flat(), expected.padded_output.flat(), paddedSteps(input), significant),
    lengths: table([[...unpacked.lengths]], [expected.output_lengths], ['']),
    unawareOutput: table(padded.output.toArray()[1], unaware.output_second_sequence, steps('b', 5), significant),
    unawareH: table(padded.state.h.toArray()[0], unaware.h_n[0], names, decimals),
    unawareC: table(padded.state.c.toArray()[0], unaware.c_n[0], names, decimals),
    steps: {
      packed: packed.data.shape[0],
      padded: input.shape[0] * input.shape[1],
      published: expected.recurrent_steps
    }
  }
}

const names = ['a', 'b']

/** The sequence and the step of each row of packed data: a0, b0, a1, b1, a2, … */
function packedSteps({ batchSizes }) {
  return [...batchSizes].flatMap((count, step) => names.slice(0, count).map((name) => name + step))
}

function paddedSteps({ shape: [, count] }) {
  return names.flatMap((name) => steps(name, count))
}

function steps(name, count) {
  return Array.from({ length: count }, (_, step) => name + step)
}

function flat(rows) {
  return rows.flat()
}

/** To the digits of the published tables: five significant ones, and zero as it is. */
function significant(value) {
  if (value === 0 || Math.abs(value) >= 1e-4) return String(Number(value.toPrecision(5)))
  return value.toExponential(4).replace(/e-(\d)$/, 'e-0$1')
}

/** To the digits of the published states of the padded run: four decimals. */
function decimals(value) {
  return value.toFixed(4)
}

/** Rows of numbers as text, ours beside the published ones. */
function table(here, published, labels, format = String) {
  return here.map((values, i) => ({
    label: labels[i],
    here: values.map((value) => format(value)),
    published: published[i].map((value) => format(value))
  }))
}

module.exports = { workedExample }
