// As in sequence.binding.test.ts: the binding trusts nobody with memory.
import { native, type Native } from '../lib/binding'
import type { ErrorCode } from '../lib/errors'
import { expectThrown } from './thrown'

const f32 = (length: number): Float32Array => new Float32Array(length)

/** An LSTM with a projection: 3 inputs, 4 units, 2 outputs. */
const sizes = [3, 4, 2, 1, 1, true] as const
const parameterSizes = [48, 32, 16, 16, 8]
const parameters = (): Float32Array[] => parameterSizes.map(f32)
const lstm = native.createRecurrent('lstm', ...sizes, parameters())
const linear = native.createLinear(3, 2, f32(6), null)

type Run = Parameters<Native['forwardSync']>
const batchSizes = Int32Array.of(2, 1)
const order = Int32Array.of(1, 0)
/** Right ones: two sequences, of two steps and of one; and of two steps each. */
const packed = (): Run => [lstm, f32(9), batchSizes, order, 2, 0, false, f32(4), f32(8), f32(6), f32(4), f32(8)]
const padded = (): Run => [lstm, f32(12), null, null, 2, 2, true, f32(4), f32(8), f32(8), f32(4), f32(8)]
const runs: [string, () => Run][] = [
  ['packed', packed],
  ['padded', padded]
]
const arrays: [number, string][] = [
  [1, 'input'],
  [7, 'h0'],
  [8, 'c0'],
  [9, 'output'],
  [10, 'hn'],
  [11, 'cn']
]
const but = (args: readonly unknown[], position: number, value: unknown): Run =>
  args.map((argument, i) => (i === position ? value : argument)) as never

function expectRefused(args: Run, type: new () => Error, code: ErrorCode, ...says: string[]): void {
  for (const name of ['forwardSync', 'forward'] as const) {
    expectThrown(() => native[name](...args), type, code, ...says)
  }
}

describe('createRecurrent', () => {
  test('refuses sizes that are none, or too large', () => {
    for (let i = 0; i < 5; ++i) {
      if (i === 2) continue // no projection
      const none = sizes.map((size, k) => (k === i ? 0 : size)) as unknown as typeof sizes
      expectThrown(() => native.createRecurrent('lstm', ...none, []), RangeError, 'ERR_SHAPE', 'positive sizes')
    }
    const three = (): unknown => native.createRecurrent('lstm', 3, 4, 2, 1, 3, true, [])
    expectThrown(three, RangeError, 'ERR_SHAPE', 'one or two directions')
    const vast = (): unknown => native.createRecurrent('lstm', 2 ** 52, 2 ** 52, 0, 1, 1, true, [])
    expectThrown(vast, RangeError, 'ERR_SHAPE', 'too large for the memory of any machine')
    expectThrown(() => native.createRecurrent('rnn' as never, ...sizes, []), TypeError, 'ERR_ARG_TYPE', 'a cell')
  })

  test('refuses parameters of another number, size or type', () => {
    const make = (list: unknown) => (): unknown => native.createRecurrent('lstm', ...sizes, list as Float32Array[])
    expectThrown(make(3), TypeError, 'ERR_ARG_TYPE', 'an array for parameters')
    expectThrown(make(parameters().slice(1)), RangeError, 'ERR_SHAPE', 'Expected 5 elements for parameters')
    expectThrown(make([...parameters(), f32(1)]), RangeError, 'ERR_SHAPE', 'Expected 5 elements for parameters')
    parameterSizes.forEach((size, i) => {
      for (const other of [0, size - 1, size + 1]) {
        const list = parameters()
        list[i] = f32(other)
        expectThrown(make(list), RangeError, 'ERR_SHAPE', `Expected ${size} elements for parameters[${i}]`)
      }
    })
    expectThrown(make(parameterSizes.map((size) => new Int32Array(size))), TypeError, 'ERR_ARG_TYPE', 'for parameters')
  })
})

test('unpackWeights refuses matrices of another number or size', () => {
  const matrices = [48, 32, 8]
  expect(() => native.unpackWeights(lstm, matrices.map(f32))).not.toThrow()
  const unpack = (list: number[]) => (): void => native.unpackWeights(lstm, list.map(f32))
  expectThrown(unpack([48, 32]), RangeError, 'ERR_SHAPE', 'Expected 3 elements for parameters')
  for (let i = 0; i < 3; ++i) {
    const wrong = matrices.map((size, k) => (k === i ? size - 1 : size))
    expectThrown(unpack(wrong), RangeError, 'ERR_SHAPE', `for parameters[${i}]`)
  }
})

describe.each(runs)('forward and forwardSync, %s', (_, right) => {
  test('take arguments that are right', async () => {
    expect(() => native.forwardSync(...right())).not.toThrow()
    await expect(native.forward(...right())).resolves.toBeUndefined()
  })

  test.each(arrays)('refuse another size: %d, %s', (i, name) => {
    const { length } = right()[i] as Float32Array
    for (const size of [0, 1, length - 1, length + 1, 2 * length]) {
      // Packed rows more or fewer are another structure.
      const code = i === 1 && size % 3 === 0 && right()[2] !== null ? 'ERR_PACKED_SEQUENCE' : 'ERR_SHAPE'
      expectRefused(but(right(), i, f32(size)), RangeError, code, 'Expected', 'received')
    }
    expectRefused(but(right(), i, new Float64Array(length)), TypeError, 'ERR_ARG_TYPE', `expected for ${name}`)
  })

  test('refuse another batch', () => {
    for (const batch of [1, 3, 2 ** 53]) expect(() => native.forwardSync(...but(right(), 4, batch))).toThrow(RangeError)
  })

  test('refuse what is no recurrent module', () => {
    for (const other of [linear, {}, null, 3]) {
      expectRefused(but(right(), 0, other), TypeError, 'ERR_ARG_TYPE', 'the handle of another module')
    }
  })
})

test('padded sizes that no memory has are refused', () => {
  const vast: Run = [lstm, f32(0), null, null, 2 ** 32, 2 ** 32, true, null, null, f32(0), f32(0), f32(0)]
  expectRefused(vast, RangeError, 'ERR_SHAPE', 'too large for the memory of any machine')
})
