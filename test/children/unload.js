'use strict'

// The addon in worker threads alone: with the last of them it leaves the process, and its own threads with it. Prints the
// exit codes.
const { Worker, isMainThread } = require('node:worker_threads')

async function main() {
  const codes = []
  for (let i = 0; i < 5; ++i) {
    const worker = new Worker(__filename)
    codes.push(await new Promise((resolve) => worker.once('exit', resolve)))
  }
  console.log(JSON.stringify({ codes }))
}

function compute() {
  const { LSTM, setNumThreads, Tensor } = require('../..')
  setNumThreads(4)
  const lstm = new LSTM({ inputSize: 32, hiddenSize: 128, bidirectional: true })
  const input = new Tensor(new Float32Array(50 * 32 * 32).fill(0.5), [50, 32, 32])
  lstm.forwardSync(input)
  return lstm.forward(input)
}

if (isMainThread) main()
else compute()
