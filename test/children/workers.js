'use strict'

// Loads the addon in many threads at once, which all run a module sync and async; prints one digest for each.
const { Worker, isMainThread, parentPort } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const packedRnn = require('../..')

function filled(shape, seed) {
  const length = shape.reduce((a, b) => a * b, 1)
  return new packedRnn.Tensor(
    Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7 + seed)),
    shape
  )
}

async function digest() {
  const shapes = Object.entries(new packedRnn.LSTM({ inputSize: 24, hiddenSize: 80 }).stateDict())
  const lstm = packedRnn.LSTM.fromStateDict(new Map(shapes.map(([name, { shape }], i) => [name, filled(shape, i)])))
  const hash = createHash('sha256')
  const inputs = [3, 1, 9, 20].map((batch) => filled([30, batch, 24], batch))
  const outputs = await Promise.all(inputs.map((input) => lstm.forward(input)))
  for (const [i, { output }] of outputs.entries()) {
    hash.update(Buffer.from(output.data.buffer))
    hash.update(Buffer.from(lstm.forwardSync(inputs[i]).output.data.buffer))
  }
  return hash.digest('hex')
}

async function main() {
  const workers = Array.from({ length: 8 }, () => new Worker(__filename))
  const once = (event) => Promise.all(workers.map((worker) => new Promise((resolve) => worker.once(event, resolve))))
  const exits = once('exit')
  const messages = once('message')
  const digests = [await digest(), ...(await messages)]
  const codes = await exits
  console.log(JSON.stringify({ digests, codes }))
}

if (isMainThread) main()
else digest().then((hash) => parentPort.postMessage(hash))
