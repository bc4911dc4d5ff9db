'use strict'

// Run with --expose-gc. Makes modules and lets them go, runs random shapes, and prints what memory did meanwhile.
const packedRnn = require('../..')
const { native } = require('../../dist/binding')

const modules = ['LSTM', 'GRU', 'RNN']
let seed = 1
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}

function input(...shape) {
  return new packedRnn.Tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)
}

/** One of everything that takes native memory, in random shapes. */
async function round() {
  const options = { inputSize: 1 + random(40), hiddenSize: 1 + random(70), numLayers: 1 + random(3) }
  const module = new packedRnn[modules[random(3)]]({ ...options, bidirectional: random(2) === 1 })
  const sequences = Array.from({ length: 1 + random(20) }, () => input(random(60), options.inputSize))
  const packed = packedRnn.packSequence(sequences, { enforceSorted: false, allowZeroLength: true })
  module.forwardSync(packed)
  await Promise.all([module.forward(packed), module.forward(input(3, 4, options.inputSize))])
  packedRnn.padPackedSequence(module.forwardSync(packed).output)
  if (!module.options.bidirectional) await module.createStream().push(input(5, options.inputSize))
  const weight = input(1 + random(50), options.inputSize)
  packedRnn.Linear.fromStateDict({ weight }).forwardSync(packed)
  await module.forward(input(3, options.inputSize + 1)).catch(() => null)
}

// Memory outside of V8's heap and of the arrays that it knows, once what is garbage has gone.
async function outside() {
  // Finalizers of native objects run a turn of the event loop after the collection.
  for (let i = 0; i < 4; ++i) {
    global.gc()
    await new Promise(setImmediate)
  }
  const { rss, heapTotal, arrayBuffers } = process.memoryUsage()
  return rss - heapTotal - arrayBuffers
}

/** Makes and drops modules of 4 MiB, and never asks for a collection: V8 has to know by itself that it is time. */
async function dropModules(count) {
  const weight = new Float32Array(1 << 20)
  let most = 0
  for (let i = 0; i < count; ++i) {
    native.createLinear(1 << 10, 1 << 10, weight, null)
    await new Promise(setImmediate)
    most = Math.max(most, process.memoryUsage().rss)
  }
  return most
}

async function main() {
  const layers = []
  const start = await outside()
  layers.push(packedRnn.Linear.fromStateDict({ weight: input(2048, 2048) }))
  const more = (await outside()) - start
  layers.pop()
  const after = (await outside()) - start
  const most = await dropModules(200)
  for (let i = 0; i < 800; ++i) await round()
  const before = await outside()
  for (let i = 0; i < 1200; ++i) await round()
  const grown = (await outside()) - before
  console.log(JSON.stringify({ more, after, most, grown }))
}

main()
