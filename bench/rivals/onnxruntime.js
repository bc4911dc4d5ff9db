'use strict'
const { recurrentModel } = require('../onnx')
const { installed } = require('./installed')
const { strided } = require('./packed-rnn')

/** onnxruntime-node, or null where it is not installed. */
const ort = installed('onnxruntime-node')

const createSession = (model, threads) =>
  ort.InferenceSession.create(model, { intraOpNumThreads: threads, interOpNumThreads: 1 })

/** A workload as onnxruntime takes it: padded, with the lengths as sequence_lens if there is padding. */
async function onnxruntime(workload, threads) {
  if (!ort) return null
  const { kind, inputSize, hiddenSize, batch, steps, lengths, input, parameters, full } = workload
  const model = recurrentModel(kind, { inputSize, hiddenSize, parameters, lengths: !full })
  const session = await createSession(model, threads)
  const feeds = { X: new ort.Tensor('float32', input, [steps, batch, inputSize]) }
  if (!full) feeds.sequence_lens = new ort.Tensor('int32', lengths, [batch])
  return {
    sync: false,
    run: () => session.run(feeds),
    async output(sequence) {
      const { Y } = await session.run(feeds)
      return strided(Y.data, steps, batch, hiddenSize, sequence)
    },
    close: () => session.release()
  }
}

/** One step of one sequence, its state fed back: run() → the next state. */
async function onnxruntimeStep({ kind, inputSize, hiddenSize, parameters, input }, threads) {
  if (!ort) return null
  const session = await createSession(recurrentModel(kind, { inputSize, hiddenSize, parameters, state: true }), threads)
  const zeros = () => new ort.Tensor('float32', new Float32Array(hiddenSize), [1, 1, hiddenSize])
  const X = new ort.Tensor('float32', input.slice(0, inputSize), [1, 1, inputSize])
  let state = { initial_h: zeros(), initial_c: zeros() }
  return {
    sync: false,
    async run() {
      const { Y_h, Y_c } = await session.run({ X, ...state })
      state = { initial_h: Y_h, initial_c: Y_c }
    },
    close: () => session.release()
  }
}

module.exports = { ort, onnxruntime, onnxruntimeStep, createSession }
