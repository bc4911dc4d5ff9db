'use strict'
const { installed } = require('./installed')

/** TensorFlow.js with its WebAssembly backend (SIMD, one thread, which is all it has in Node); null where not installed. */
const tf = installed('@tensorflow/tfjs')
const backend =
  tf && // it registers itself
  installed('@tensorflow/tfjs-backend-wasm')

// [rows, columns] → [columns, rows]
function transposed(data, rows, columns) {
  const result = new Float32Array(data.length)
  for (let r = 0; r < rows; ++r) for (let c = 0; c < columns; ++c) result[c * rows + r] = data[r * columns + c]
  return result
}

/** An LSTM workload, padded: a tfjs layer knows no lengths. Its order of gates is PyTorch's. */
async function tfjs({ kind, inputSize, hiddenSize, batch, steps, input, parameters }) {
  if (!backend || kind !== 'LSTM') return null
  await tf.setBackend('wasm')
  const zeros = { kernelInitializer: 'zeros', recurrentInitializer: 'zeros' }
  const options = {
    units: hiddenSize,
    returnSequences: true,
    recurrentActivation: 'sigmoid',
    implementation: 2,
    ...zeros
  }
  const layer = tf.layers.lstm(options)
  layer.apply(tf.zeros([1, 1, inputSize]))
  const rows = 4 * hiddenSize
  const bias = parameters.bias_ih_l0.map((value, i) => value + parameters.bias_hh_l0[i])
  layer.setWeights([
    tf.tensor(transposed(parameters.weight_ih_l0, rows, inputSize), [inputSize, rows]),
    tf.tensor(transposed(parameters.weight_hh_l0, rows, hiddenSize), [hiddenSize, rows]),
    tf.tensor(bias)
  ])
  const x = tf.tidy(() => tf.transpose(tf.tensor(input, [steps, batch, inputSize]), [1, 0, 2]))
  const run = () => {
    const output = tf.tidy(() => layer.apply(x))
    const data = output.dataSync()
    output.dispose()
    return data
  }
  return {
    sync: true,
    run,
    output: (sequence) => run().subarray(sequence * steps * hiddenSize, (sequence + 1) * steps * hiddenSize),
    close() {
      layer.dispose()
      x.dispose()
    }
  }
}

module.exports = { tf, tfjs }
