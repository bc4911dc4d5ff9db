'use strict'
// Puts an installed packed-rnn to work: packing there and back, and every module against PyTorch's golden data, within the
// error bound that the tests have. Plain JavaScript that any runtime reads.
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const golden = path.join(__dirname, 'golden')

function check(condition, message) {
  if (!condition) throw new Error(`smoke test: ${message}`)
}

function checkPacking({ packSequence, padPackedSequence, tensor }) {
  const sequences = [tensor([1, 2]), tensor([3]), tensor([4, 5, 6])]
  const packed = packSequence(sequences, { enforceSorted: false })
  check(packed.data.data.join() === '4,1,3,5,2,6' && packed.batchSizes.join() === '3,2,1', 'packing')
  const { padded, lengths } = padPackedSequence(packed, { batchFirst: true })
  check(padded.data.join() === '1,2,0,3,0,0,4,5,6' && lengths.join() === '2,1,3', 'padding')
}

const camelCase = (name) => name.replace(/_./g, ([, letter]) => letter.toUpperCase())
const numbers = (tensor) => tensor && Array.from(tensor.data, Number)

// The module that a golden file describes, its input, and what came out of it in float32 and in float64.
async function readCase(packedRnn, file) {
  const tensors = await packedRnn.loadSafetensors(path.join(golden, file))
  const { module, options, input_kind: kind } = tensors.metadata
  const entries = Object.entries(JSON.parse(options)).map(([name, value]) => [camelCase(name), value])
  const weights = Object.entries(tensors).filter(([name]) => name.startsWith('weights.'))
  const stateDict = Object.fromEntries(weights.map(([name, value]) => [name.slice('weights.'.length), value]))
  const isPacked = kind === 'packed' || kind === 'unsorted'
  const input = isPacked
    ? new packedRnn.PackedSequence(
        tensors['packed.data'],
        numbers(tensors['packed.batch_sizes']),
        numbers(tensors['packed.sorted_indices'])
      )
    : tensors.input
  const named = (suffix) => ({
    output: tensors[isPacked ? `output${suffix}.data` : `output${suffix}`],
    h: tensors[`h_n${suffix}`],
    c: tensors[`c_n${suffix}`]
  })
  return {
    module: new packedRnn[module](Object.fromEntries(entries), stateDict),
    input,
    state: tensors.h0 ? { h: tensors.h0, ...(tensors.c0 && { c: tensors.c0 }) } : null,
    float32: named(''),
    float64: named('64')
  }
}

const maxError = (a, b) => a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0)

const flatten = ({ output, state }) => ({ output: output.batchSizes ? output.data : output, ...state })

async function checkGolden(packedRnn, file, hash) {
  const { module, input, state, float32, float64 } = await readCase(packedRnn, file)
  const result = flatten(module.forwardSync(input, state))
  const awaited = flatten(await module.forward(input, state))
  for (const [name, { data }] of Object.entries(result)) {
    const bound = 2 * maxError(float32[name], float64[name]) + 1e-7
    check(maxError(result[name], float64[name]) <= bound, `${file}: the error of ${name} is above ${bound}`)
    check(Buffer.compare(Buffer.from(data.buffer), Buffer.from(awaited[name].data.buffer)) === 0, `${file}: async`)
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
}

/** Throws if anything is amiss, else returns what it ran on, and a digest of every bit of every result. */
module.exports = async function smoke(packedRnn) {
  checkPacking(packedRnn)
  const files = fs.readdirSync(golden).sort()
  check(files.length > 0, 'no golden data')
  const hash = createHash('sha256')
  for (const file of files) await checkGolden(packedRnn, file, hash)
  const { isa, version } = packedRnn.runtime
  return { version, isa, cases: files.length, digest: hash.digest('hex').slice(0, 16) }
}
