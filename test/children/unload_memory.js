'use strict'

// The addon in worker threads alone, which each keep megabytes for the next call: prints by how much the process grows
// with so many of them.
const { Worker, isMainThread } = require('node:worker_threads')

async function run(count) {
  for (let i = 0; i < count; ++i) await new Promise((resolve) => new Worker(__filename).once('exit', resolve))
  return process.memoryUsage().rss
}

async function main() {
  const before = await run(5)
  const grown = (await run(20)) - before
  console.log(JSON.stringify({ grown }))
}

function compute() {
  const { RNN, Tensor } = require('../..')
  // Between the two layers: 2 x 64 x 12000 floats, 6 MB.
  const rnn = new RNN({ inputSize: 1, hiddenSize: 64, numLayers: 2, bidirectional: true })
  rnn.forwardSync(new Tensor(new Float32Array(12000), [1500, 8, 1]))
}

if (isMainThread) main()
else compute()
