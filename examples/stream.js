'use strict'

/**
 * Live sequences: their steps arrive in chunks, and each chunk's outputs are there before the next one comes.
 *
 *     node examples/stream.js
 */

const { GRU, packSequence, stepStreams, tensor } = require('..')

const inputSize = 8

/** A sequence of so many steps, as a sensor might send it. */
function recording(steps, seed) {
  const values = Float32Array.from({ length: steps * inputSize }, (_, i) => Math.sin(seed + i * i * 0.01))
  return tensor(values, [steps, inputSize])
}

/** The steps from `start` to `end` of a tensor [steps, width], as a view of its memory. */
function slice({ data, shape: [, width] }, start, end) {
  return { data: data.subarray(start * width, end * width), shape: [end - start, width] }
}

function sameBits(a, b) {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))
}

async function main() {
  // In earnest: await GRU.load('model.safetensors'). Streams share its weights.
  const gru = new GRU({ inputSize, hiddenSize: 32, numLayers: 2 })

  const whole = recording(100, 1)
  const stream = gru.createStream()
  const outputs = []
  for (let start = 0, size = 1; start < 100; start += size, size = Math.min(2 * size, 100 - start)) {
    const output = await stream.push(slice(whole, start, start + size))
    outputs.push(...output.data)
  }
  const once = gru.forwardSync(whole)
  console.log(`one stream, 100 steps in chunks of 1, 2, 4, 8, …: ${stream.steps} steps taken`)
  console.log(`  the bits of one long run: ${String(sameBits(Float32Array.from(outputs), once.output.data))}`)

  // Three live sequences; at every tick each has brought as many steps as it happens to have, or none.
  const callers = [recording(30, 2), recording(18, 3), recording(25, 4)]
  const ticks = [
    [10, 1, 0],
    [0, 17, 5],
    [20, 0, 20]
  ]
  const streams = callers.map(() => gru.createStream())
  for (const sizes of ticks) {
    const chunks = sizes.map((size, i) => slice(callers[i], streams[i].steps, streams[i].steps + size))
    await stepStreams(streams, chunks)
  }
  const { state } = gru.forwardSync(packSequence(callers, { enforceSorted: false }))
  const ends = streams.map((one) => one.state.h.toArray())
  const same = ends.every((layers, i) => layers.every((h, layer) => equal(h, state.h.toArray()[layer][i])))
  console.log(`three streams in ragged chunks: ${streams.map(({ steps }) => steps).join(', ')} steps taken`)
  console.log(`  the states of one packed batch: ${same}`)

  // A clone goes its own way from here on: what would come of other steps?
  const branch = stream.clone()
  branch.pushSync(recording(3, 5))
  console.log(`a clone: ${branch.steps} steps taken, and still ${stream.steps} by the stream it came from`)
}

function equal(a, b) {
  return a.every((value, i) => value === b[i])
}

void main()
