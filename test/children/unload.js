'use strict'

// The addon in worker threads alone: with the last of them it leaves the process, and its own threads with it. Prints the
// exit codes, and on Linux how many threads the others have left behind that the first has not.
const { existsSync, readdirSync } = require('node:fs')
const { Worker, isMainThread } = require('node:worker_threads')

const tasks = '/proc/self/task'
const countThreads = () => (existsSync(tasks) ? readdirSync(tasks).length : 0)

async function main() {
  const codes = []
  let first = 0
  for (let i = 0; i < 5; ++i) {
    const worker = new Worker(__filename)
    codes.push(await new Promise((resolve) => worker.once('exit', resolve)))
    first ||= countThreads()
  }
  console.log(JSON.stringify({ codes, more: countThreads() - first }))
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
