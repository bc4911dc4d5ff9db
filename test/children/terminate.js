'use strict'

// Ends threads, and at last the process, while they compute: prints how many, and one result from after it all.
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
const packedRnn = require('../..')

const lstm = new packedRnn.LSTM({ inputSize: 32, hiddenSize: 160, numLayers: 2 })
const input = new packedRnn.Tensor(new Float32Array(400 * 8 * 32).fill(0.5), [400, 8, 32])

// Runs that take seconds together: who is told of the first is in the midst of the others.
function startMany() {
  const runs = Array.from({ length: 40 }, () => lstm.forward(input))
  const stream = lstm.createStream()
  for (let i = 0; i < 40; ++i) stream.push({ data: input.data.subarray(0, 32), shape: [1, 32] })
  return runs[0]
}

async function main() {
  let ended = 0
  for (const how of ['terminate', 'exit', 'terminate', 'exit', 'terminate', 'terminate']) {
    const worker = new Worker(__filename, { workerData: how })
    await new Promise((resolve) => worker.once('message', resolve))
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    if (how === 'terminate') await worker.terminate()
    else await exited
    ++ended
  }
  const { output } = await lstm.forward(input)
  const finite = output.data.every(Number.isFinite)
  await startMany()
  process.stdout.write(JSON.stringify({ ended, finite }), () => process.exit(0))
}

if (isMainThread) {
  main()
} else {
  startMany().then(() => {
    parentPort.postMessage('computing')
    if (workerData === 'exit') process.exit()
  })
}
