import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  Embedding,
  GRU,
  loadSafetensors,
  LSTM,
  packPaddedSequence,
  PackedSequence,
  packSequence,
  tensor,
  Tensor
} from '../lib'
import { errorCodes, type ErrorCode } from '../lib/errors'
import { expectError } from './thrown'

const sizes = { inputSize: 2, hiddenSize: 3 }
const floats = (...shape: number[]): Tensor => new Tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)

function detached(): Tensor {
  const input = floats(4, 2)
  structuredClone(input.data.buffer, { transfer: [input.data.buffer as ArrayBuffer] })
  return input
}

function pushedTwice(): Tensor {
  const stream = new GRU(sizes).createStream()
  void stream.push(floats(1, 2))
  return stream.pushSync(floats(1, 2))
}

const root = path.join(__dirname, '..')

/** Throws what loading the package throws in a process with other environment variables. */
function load(environment: Record<string, string>, cwd = root): never {
  const script = 'try { require(".") } catch (e) { console.log(JSON.stringify([e.name, e.code, e.message])) }'
  const output = execFileSync(process.execPath, ['-e', script], { cwd, env: { ...process.env, ...environment } })
  const [name, code, message] = JSON.parse(output.toString()) as [string, string, string]
  const types: Record<string, new (message: string) => Error> = { RangeError, TypeError, Error }
  throw Object.assign(new types[name]!(message), { code })
}

// The compiler asks for a way to every code in the table, and the test goes it.
const ways: Record<ErrorCode, [new () => Error, () => unknown]> = {
  ERR_ARG_TYPE: [TypeError, () => new LSTM({ ...sizes, bias: 1 as never })],
  ERR_ARG_VALUE: [RangeError, () => new LSTM({ ...sizes, dropout: 2 })],
  ERR_OPTION_UNKNOWN: [TypeError, () => new LSTM({ ...sizes, layers: 2 } as never)],
  ERR_SHAPE: [RangeError, () => new GRU(sizes).forwardSync(floats(4, 3))],
  ERR_DTYPE: [TypeError, () => new GRU(sizes).forwardSync({ data: new Float64Array(2), shape: [1, 2] })],
  ERR_DETACHED: [TypeError, () => new GRU(sizes).forwardSync(detached())],
  ERR_EMPTY: [RangeError, () => packSequence([])],
  ERR_LENGTHS: [RangeError, () => packPaddedSequence(floats(2, 2, 1), [2])],
  ERR_NOT_SORTED: [RangeError, () => packPaddedSequence(floats(2, 2, 1), [1, 2])],
  ERR_PACKED_SEQUENCE: [RangeError, () => new PackedSequence(floats(3, 1), [1, 2])],
  ERR_STATE_DICT: [RangeError, () => GRU.fromStateDict({})],
  ERR_FILE_FORMAT: [RangeError, () => loadSafetensors(new Uint8Array(1))],
  ERR_INDEX: [
    RangeError,
    () => Embedding.fromStateDict({ weight: floats(2, 2) }).forwardSync(tensor([2], [1], 'int32'))
  ],
  ERR_BUSY: [Error, pushedTwice],
  ERR_ALLOCATION: [RangeError, () => new LSTM({ inputSize: 1, hiddenSize: 2 ** 31 - 1 })],
  ERR_ISA: [RangeError, () => load({ PACKED_RNN_ISA: 'sse9' })],
  ERR_NO_BINARY: [Error, () => load({ PACKED_RNN_PREBUILD: __dirname })]
}

test('there is a way to every code', () => {
  expect(Object.keys(ways).sort()).toEqual([...errorCodes].sort())
})

test('a bundle that has taken the package in without its binary is told to leave it out', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'packed-rnn-'))
  try {
    cpSync(path.join(root, 'dist'), path.join(folder, 'bundle'), { recursive: true })
    writeFileSync(path.join(folder, 'package.json'), '{ "main": "bundle/index.js" }')
    const environment = { NODE_PATH: path.join(root, 'node_modules') }
    expectError(() => load(environment, folder), Error, 'ERR_NO_BINARY', 'bundled', '--external:packed-rnn')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.each(errorCodes)('%s is thrown, by its class, with a sentence', async (code) => {
  const [type, throws] = ways[code]
  let error: unknown
  try {
    await throws()
  } catch (caught) {
    error = caught
  }
  expect(error).toMatchObject({ name: type.name, code, message: expect.stringMatching(/\w+ \w+ \w+/) as string })
  expect(error).toBeInstanceOf(type)
})
