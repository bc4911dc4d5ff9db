// As in sequence.binding.test.ts: the binding trusts nobody with memory.
import { native, type Native } from '../lib/binding'
import type { ErrorCode } from '../lib/errors'
import { expectThrown } from './thrown'

const f32 = (length: number): Float32Array => new Float32Array(length)
const each = (...lengths: number[]): Float32Array[] => lengths.map(f32)

/** An LSTM with a projection: 3 inputs, 4 units, 2 outputs. */
const lstm = native.createRecurrent('lstm', 3, 4, 2, 1, 1, true, each(48, 32, 16, 16, 8))
const linear = native.createLinear(3, 2, f32(6), null)

describe('advance', () => {
  type Advance = Parameters<Native['advance']>
  /** h of 2 and c of 4 before and after. */
  const right = (): Advance => [lstm, f32(6), 2, f32(6), f32(6), f32(4)]

  test('takes arguments that are right, and refuses another size', () => {
    expect(() => native.advance(...right())).not.toThrow()
    for (const [i, name] of [
      [1, 'input'],
      [3, 'before'],
      [4, 'after'],
      [5, 'output']
    ] as const) {
      const { length } = right()[i]
      for (const size of [0, length - 1, length + 1, 2 * length]) {
        const args = right().map((argument, k) => (k === i ? f32(size) : argument)) as Advance
        expectThrown(() => native.advance(...args), RangeError, 'ERR_SHAPE', `${length} elements for ${name}`)
      }
    }
    for (const steps of [0, 1, 3, 2 ** 53]) {
      const args = right().map((argument, k) => (k === 2 ? steps : argument)) as Advance
      expectThrown(() => native.advance(...args), RangeError, 'ERR_SHAPE', 'elements for input')
    }
  })

  test('refuses a module of two directions', () => {
    const two = native.createRecurrent('rnn_relu', 1, 1, 0, 1, 2, false, [f32(1), f32(1), f32(1), f32(1)])
    const run = (): void => native.advance(two, f32(2), 2, f32(1), f32(1), f32(2))
    expectThrown(run, RangeError, 'ERR_SHAPE', 'a module of one direction')
  })
})

describe('advanceEach', () => {
  type AdvanceEach = Parameters<Native['advanceEach']>
  const lists = [
    [4, 'before'],
    [5, 'after'],
    [6, 'outputs']
  ] as const
  /** The second sequence has two steps, the first one. */
  const structure = [Int32Array.of(2, 1), Int32Array.of(1, 0)] as const
  const right = (): AdvanceEach => [lstm, f32(9), ...structure, each(6, 6), each(6, 6), each(2, 4)]
  const but = (position: number, value: unknown): AdvanceEach =>
    right().map((argument, i) => (i === position ? value : argument)) as never
  const refused = (args: AdvanceEach, type: new () => Error, code: ErrorCode, ...says: string[]): void => {
    expectThrown(() => native.advanceEach(...args), type, code, ...says)
  }

  test('takes arguments that are right', async () => {
    await expect(native.advanceEach(...right())).resolves.toBeUndefined()
  })

  test.each(lists)('refuses another list: %d, %s', (i, name) => {
    const list = right()[i]
    refused(but(i, f32(2)), TypeError, 'ERR_ARG_TYPE', 'an array of typed arrays')
    refused(but(i, [...list, f32(2)]), RangeError, 'ERR_SHAPE', 'elements for')
    refused(but(i, [list[0]]), RangeError, 'ERR_SHAPE', 'elements for')
    refused(but(i, [list[0], f32(8)]), RangeError, i === 6 ? 'ERR_PACKED_SEQUENCE' : 'ERR_SHAPE', 'Expected')
    refused(but(i, [list[0], f32(5)]), RangeError, 'ERR_SHAPE', `elements for ${i === 6 ? 'sequences' : name}`)
    refused(but(i, [list[0], new Int32Array(list[1]!.length)]), TypeError, 'ERR_ARG_TYPE', 'arrays of one type')
    refused(but(i, [list[0], 3]), TypeError, 'ERR_ARG_TYPE', 'a typed array')
  })

  test('refuses rows, a structure and a module that do not fit', () => {
    refused(but(1, f32(8)), RangeError, 'ERR_SHAPE', 'elements for input')
    refused(but(1, f32(12)), RangeError, 'ERR_PACKED_SEQUENCE', 'batch sizes that sum to the 4 rows')
    refused(but(3, null), RangeError, 'ERR_PACKED_SEQUENCE', 'the lengths of sequences')
    refused(but(3, Int32Array.of(1, 1)), RangeError, 'ERR_PACKED_SEQUENCE', 'once for sortedIndices')
    refused(but(0, linear), TypeError, 'ERR_ARG_TYPE', 'the handle of another module')
    const two = native.createRecurrent('rnn_relu', 1, 1, 0, 1, 2, false, each(1, 1, 1, 1))
    refused([two, f32(1), Int32Array.of(1), null, each(1), each(1), each(1)], RangeError, 'ERR_SHAPE', 'one direction')
  })
})
