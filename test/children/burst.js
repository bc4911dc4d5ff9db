'use strict'

// A burst of runs, and a file read: prints how many runs had ended before it, and how many did in the end.
const { access } = require('node:fs/promises')
const { LSTM, setNumThreads, Tensor } = require('../..')

async function main() {
  setNumThreads(8)
  const lstm = new LSTM({ inputSize: 1, hiddenSize: 40, projSize: 1 }) // of which each run stays on a thread
  const input = new Tensor(new Float32Array(1e6), [1e6, 1, 1]) // long, even beside a busy machine's other work
  let done = 0
  const runs = Array.from({ length: 6 }, () => lstm.forward(input).then(() => ++done))
  await access(__filename)
  const before = done
  await Promise.all(runs)
  console.log(JSON.stringify({ before, done }))
}

main()
