import { readFileSync } from 'node:fs'
import path from 'node:path'
import { LSTM } from '../lib/recurrent'
import {
  invertPermutation,
  lastSteps,
  packPaddedSequence,
  packSequence,
  PackedSequence,
  padPackedSequence,
  padSequence,
  unpackSequence,
  unpadSequence
} from '../lib/sequence'
import { tensor, Tensor, type DType, type NestedArray, type TensorLike, type TypedArray } from '../lib/tensor'
import { expectError, messageOf } from './thrown'

const dtypes: readonly DType[] = ['float32', 'float64', 'int8', 'uint8', 'int16', 'int32', 'int64', 'bool']

const vector = (...values: number[]): Tensor<TypedArray> => tensor(values)
const letters = (text: string): Tensor<TypedArray> =>
  tensor(
    Array.from(text, (letter) => letter.charCodeAt(0)),
    undefined,
    'int32'
  )
const text = ({ data }: Tensor): string => String.fromCharCode(...data)
const list = (values: Int32Array | null): number[] | null => values && Array.from(values)

/** A batch-first tensor whose element [b, t] is its own number, 1 + b * steps + t; with features, each a hundredth more. */
function numbered(batch: number, steps: number, features: readonly number[] = []): Tensor<TypedArray> {
  const width = features.reduce((product, extent) => product * extent, 1)
  const data = Float32Array.from(
    { length: batch * steps * width },
    (_, i) => 1 + Math.floor(i / width) + (i % width) / 100
  )
  return new Tensor(data, [batch, steps, ...features])
}

/** The same tensor with its first two axes exchanged. */
function timeFirst({ data, shape, type }: Tensor<TypedArray>): Tensor<TypedArray> {
  const [batch, steps, ...rest] = shape as [number, number, ...number[]]
  const width = rest.reduce((product, extent) => product * extent, 1)
  const turned = data.slice()
  for (let b = 0; b < batch; ++b) {
    for (let t = 0; t < steps; ++t) {
      turned.set(data.subarray((b * steps + t) * width, (b * steps + t + 1) * width) as never, (t * batch + b) * width)
    }
  }
  return new Tensor(turned, [steps, batch, ...rest], type)
}

describe('PackedSequence', () => {
  test('B1 iterates as data, batchSizes, sortedIndices, unsortedIndices', () => {
    const sorted = packSequence([vector(1, 2), vector(3)])
    expect([...sorted]).toEqual([sorted.data, Int32Array.of(2, 1), null, null])
    const unsorted = packSequence([vector(3), vector(1, 2)], { enforceSorted: false })
    const [data, batchSizes, sortedIndices, unsortedIndices] = unsorted
    expect(data).toBe(unsorted.data)
    expect(batchSizes).toBe(unsorted.batchSizes)
    expect(sortedIndices).toBe(unsorted.sortedIndices)
    expect(unsortedIndices).toBe(unsorted.unsortedIndices)
    expect(sortedIndices).toEqual(Int32Array.of(1, 0))
  })

  test('B2 abc and x are a x b c, with batch sizes 2 1 1', () => {
    const packed = packSequence([letters('abc'), letters('x')])
    expect(text(packed.data)).toBe('axbc')
    expect(list(packed.batchSizes)).toEqual([2, 1, 1])
    expect(packed.data.shape).toEqual([4])
    expect(packed.batchCount).toBe(2)
  })

  test('B2 batchSizes count the sequences that are longer than t, and sum to the rows', () => {
    const lengths = [3, 7, 7, 1, 4]
    const packed = packPaddedSequence(numbered(5, 7), lengths, { batchFirst: true, enforceSorted: false })
    expect(list(packed.batchSizes)).toEqual([0, 1, 2, 3, 4, 5, 6].map((t) => lengths.filter((n) => n > t).length))
    expect(packed.data.shape).toEqual([22])
  })

  test('B3 either index derives the other', () => {
    const data = vector(1, 2, 3)
    expect(list(new PackedSequence(data, [3], [2, 0, 1]).unsortedIndices)).toEqual([1, 2, 0])
    expect(list(new PackedSequence(data, [3], null, [1, 2, 0]).sortedIndices)).toEqual([2, 0, 1])
    const both = new PackedSequence(data, [3], Int32Array.of(2, 0, 1), BigInt64Array.of(1n, 2n, 0n))
    expect([list(both.sortedIndices), list(both.unsortedIndices)]).toEqual([
      [2, 0, 1],
      [1, 2, 0]
    ])
    const neither = new PackedSequence(data, [3])
    expect([neither.sortedIndices, neither.unsortedIndices]).toEqual([null, null])
  })

  test('B4 is frozen, however it was made', () => {
    for (const packed of [
      new PackedSequence(vector(1), [1]),
      packSequence([vector(1)]),
      packSequence([vector(1)]).withData(vector(2))
    ]) {
      expect(packed).toBeInstanceOf(PackedSequence)
      expect(Object.isFrozen(packed)).toBe(true)
      expect(() => Object.assign(packed, { batchCount: 2 })).toThrow(TypeError)
    }
  })

  test('B4 withData keeps the structure and takes other features, of another type', () => {
    const packed = packSequence([vector(3), vector(1, 2)], { enforceSorted: false })
    const data = tensor([[1n, 2n], [3n, 4n], [5n, 6n]]) // prettier-ignore
    const other = packed.withData(data)
    expect(other.data).toBe(data)
    expect(other.batchSizes).toBe(packed.batchSizes)
    expect(other.sortedIndices).toBe(packed.sortedIndices)
    expect(other.unsortedIndices).toBe(packed.unsortedIndices)
    expect(other.batchCount).toBe(2)
    expect(unpackSequence(other).map((sequence) => sequence.toArray())).toEqual([[[3n, 4n]], [[1n, 2n], [5n, 6n]]]) // prettier-ignore
  })

  test('B4 withData refuses another number of rows', () => {
    const packed = packSequence([vector(1, 2), vector(3)])
    expectError(() => packed.withData(vector(1, 2)), RangeError, 'ERR_PACKED_SEQUENCE', 'data', '3 rows', '[2]')
    expectError(() => packed.withData(new Tensor(Float32Array.of(1), [])), RangeError, 'ERR_SHAPE', 'data', '[]')
    expectError(() => packed.withData(3 as never), TypeError, 'ERR_ARG_TYPE', 'data', '3')
  })

  test.each(dtypes)('B5 %s is packed and padded', (type) => {
    const values: NestedArray = [
      [1, 0, 3],
      [4, 5, 0]
    ]
    const input = tensor(type === 'bool' ? [[true, false, true], [true, true, false]] : values, undefined, type) // prettier-ignore
    for (const [batchFirst, padded] of [
      [true, input],
      [false, timeFirst(input)]
    ] as const) {
      // prettier-ignore
      const packed = packPaddedSequence(padded, [2, 3], { batchFirst, enforceSorted: false })
      expect(packed.data.type).toBe(type)
      expect(packed.data.data.constructor).toBe(input.data.constructor)
      expect(Array.from(packed.data.data, Number)).toEqual(type === 'bool' ? [1, 1, 1, 0, 0] : [4, 1, 5, 0, 0])
      const back = padPackedSequence(packed, { batchFirst, paddingValue: 1 }).padded
      expect(back.type).toBe(type)
      const expected: TypedArray = input.data.slice()
      expected.fill((type === 'int64' ? 1n : 1) as never, 2, 3)
      expect(back.data).toEqual(
        (batchFirst ? new Tensor(expected, [2, 3]) : timeFirst(new Tensor(expected, [2, 3]))).data
      )
    }
  })

  test('B6 refuses a structure that contradicts itself', () => {
    const data = vector(1, 2, 3)
    const refused = (
      says: [string, string, ...string[]],
      ...structure: [number[], (number[] | null)?, (number[] | null)?]
    ): void => {
      expectError(() => new PackedSequence(data, ...structure), RangeError, 'ERR_PACKED_SEQUENCE', ...says)
    }
    refused(['batchSizes', 'at least one', 'none'], [])
    refused(['batchSizes[1]', 'never grow', '2 after 1'], [1, 2])
    refused(['batchSizes[2]', 'from 1', '0'], [2, 1, 0])
    refused(['batchSizes[0]', 'from 1', '-1'], [-1])
    refused(['batchSizes', '3, the rows of data', 'a sum of 2'], [1, 1])
    refused(['batchSizes', '3, the rows of data', 'a sum of 4'], [2, 2])
    refused(['sortedIndices', '0 to 1 once', '1 indices'], [2, 1], [0])
    refused(['sortedIndices', '0 to 1 once', '3 indices'], [2, 1], [0, 1, 2])
    refused(['sortedIndices[1]', '0 to 1 once', '0 again'], [2, 1], [0, 0])
    refused(['sortedIndices[0]', '0 to 1 once', '-1'], [2, 1], [-1, 0])
    refused(['unsortedIndices[1]', '0 to 1 once', 'received 2'], [2, 1], null, [0, 2])
    refused(['unsortedIndices[1]', 'the inverse of sortedIndices', 'received 1'], [2, 1], [1, 0], [0, 1])
  })

  test('B26 sequences of length zero are told by the count alone', () => {
    const sequences = [vector(), vector(1, 2), vector(), vector(3)]
    for (const lists of [sequences, sequences.slice(0, 1), [vector(1, 2), vector()]]) {
      for (const enforceSorted of [true, false]) {
        if (enforceSorted && lists.length > 2) continue
        const packed = packSequence(lists, { enforceSorted, allowZeroLength: true })
        const { data, batchSizes, sortedIndices, unsortedIndices, batchCount } = structuredClone(packed)
        const made = new PackedSequence(data, batchSizes, sortedIndices, unsortedIndices, batchCount)
        expect(made).toEqual(packed)
        expect(unpackSequence(made)).toEqual(lists)
      }
    }
    const two = vector(1, 2)
    const counted = (batchCount: unknown, sortedIndices: number[] | null = null): unknown =>
      new PackedSequence(two, [2], sortedIndices, null, batchCount as number)
    expectError(() => counted(1), RangeError, 'ERR_ARG_VALUE', 'batchCount', 'from 2', '1')
    expectError(() => counted(2.5), RangeError, 'ERR_ARG_VALUE', 'batchCount', 'from 2', '2.5')
    expectError(() => counted('3'), TypeError, 'ERR_ARG_TYPE', 'batchCount', '"3"')
    expectError(() => counted(3, [1, 0]), RangeError, 'ERR_PACKED_SEQUENCE', 'sortedIndices', '0 to 2', '2 indices')
    const none = (rows: number, batchCount: number): unknown =>
      new PackedSequence(new Tensor(new Float32Array(rows), [rows]), [], null, null, batchCount)
    expectError(() => none(0, 0), RangeError, 'ERR_ARG_VALUE', 'batchCount', 'from 1', '0')
    expectError(() => none(1, 1), RangeError, 'ERR_PACKED_SEQUENCE', 'batchSizes', '1, the rows', 'a sum of 0')
  })

  test('B6 refuses data that is no rows, and lists that are no lists of whole numbers', () => {
    expectError(
      () => new PackedSequence(new Tensor(Float32Array.of(1), []), [1]),
      RangeError,
      'ERR_SHAPE',
      'data',
      '[]'
    )
    expectError(() => new PackedSequence(null as never, [1]), TypeError, 'ERR_ARG_TYPE', 'data', 'null')
    expectError(() => new PackedSequence(vector(1), 1 as never), TypeError, 'ERR_ARG_TYPE', 'batchSizes', '1')
    expectError(() => new PackedSequence(vector(1), [1.5]), RangeError, 'ERR_LENGTHS', 'batchSizes[0]', '1.5')
    expectError(() => new PackedSequence(vector(1), [1], [NaN]), RangeError, 'ERR_LENGTHS', 'sortedIndices[0]', 'NaN')
    expectError(
      () => new PackedSequence(vector(1), [1], 'x' as never),
      TypeError,
      'ERR_ARG_TYPE',
      'sortedIndices',
      '"x"'
    )
  })

  test('B6 the constructor keeps its own copy of the lists, and the caller’s data', () => {
    const batchSizes = Int32Array.of(2, 1)
    const indices = Int32Array.of(1, 0)
    const data = { data: Float32Array.of(1, 2, 3), dims: [3] }
    const packed = new PackedSequence(data, batchSizes, indices)
    batchSizes.fill(9)
    indices.fill(9)
    expect([list(packed.batchSizes), list(packed.sortedIndices)]).toEqual([
      [2, 1],
      [1, 0]
    ])
    expect(packed.data.data).toBe(data.data)
    expect(packed.data).toBeInstanceOf(Tensor)
  })

  test('B7 the example of three sequences, there and back', () => {
    const input = tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]]) // prettier-ignore
    const packed = packPaddedSequence(input, [2, 1, 3], { batchFirst: true, enforceSorted: false })
    expect(packed.data.toArray()).toEqual([4, 1, 3, 5, 2, 6])
    expect(list(packed.batchSizes)).toEqual([3, 2, 1])
    expect(list(packed.sortedIndices)).toEqual([2, 0, 1])
    expect(list(packed.unsortedIndices)).toEqual([1, 2, 0])
    const { padded, lengths } = padPackedSequence(packed, { batchFirst: true })
    expect(padded.toArray()).toEqual(input.toArray())
    expect(list(lengths)).toEqual([2, 1, 3])
  })

  test('lengths() are in the caller’s order', () => {
    expect(list(packPaddedSequence(numbered(3, 4), [2, 1, 4], { batchFirst: true, enforceSorted: false }).lengths())).toEqual([2, 1, 4]) // prettier-ignore
    expect(list(new PackedSequence(vector(1, 2, 3, 4), [3, 1]).lengths())).toEqual([2, 1, 1])
  })

  test('the sequences that the project’s worked example starts from', () => {
    const seed = JSON.parse(readFileSync(path.join(__dirname, '..', 'examples', 'worked-example.json'), 'utf8')) as {
      sequences: number[][][]
      lengths: number[]
    }
    const packed = packSequence(seed.sequences.map((sequence) => tensor(sequence)))
    expect(packed.data.toArray()).toEqual([[1, 1], [10, 10], [2, 2], [20, 20], [3, 3], [4, 4], [5, 5]]) // prettier-ignore
    expect(list(packed.lengths())).toEqual(seed.lengths)
  })
})

describe('padSequence', () => {
  const sequences = [vector(4, 5), vector(1, 2, 3), vector(6)]

  test('B8 the result is longest x batch, or batch x longest, of items with any number of further dimensions', () => {
    for (const trailing of [[], [2], [2, 3], [2, 1, 2]]) {
      const items = [2, 3, 1]
        .map((length) => numbered(1, length, trailing))
        .map(({ data, shape }) => new Tensor(data, shape.slice(1)))
      const batchFirst = padSequence(items, { batchFirst: true })
      expect(batchFirst.shape).toEqual([3, 3, ...trailing])
      const rows = batchFirst.toArray() as NestedArray[][]
      items.forEach((item, i) => {
        expect(rows[i]!.slice(0, item.shape[0])).toEqual(item.toArray())
        for (const row of rows[i]!.slice(item.shape[0])) expect([row].flat(4).every((value) => value === 0)).toBe(true)
      })
      const turned = padSequence(items)
      expect(turned.shape).toEqual([3, 3, ...trailing])
      expect(turned.data).toEqual(timeFirst(batchFirst).data)
    }
  })

  test('B8 the memory is new, even if there was nothing to pad', () => {
    const item = vector(1, 2)
    const padded = padSequence([item], { batchFirst: true })
    expect(padded.toArray()).toEqual([[1, 2]])
    expect(padded.data.buffer).not.toBe(item.data.buffer)
  })

  test('B9 any iterable is accepted, and one tensor, read along its first dimension', () => {
    const expected = [[4, 5, 0], [1, 2, 3], [6, 0, 0]] // prettier-ignore
    expect(padSequence(new Set(sequences), { batchFirst: true }).toArray()).toEqual(expected)
    const generate = function* (): Generator<TensorLike> {
      yield* sequences
    }
    expect(padSequence(generate(), { batchFirst: true }).toArray()).toEqual(expected)
    const batch = numbered(3, 2, [2])
    expect(padSequence(batch, { batchFirst: true }).data).toEqual(batch.data)
    expect(padSequence({ data: batch.data, dims: batch.shape }).toArray()).toEqual(timeFirst(batch).toArray())
    expect(packSequence(batch).data.toArray()).toEqual((timeFirst(batch).toArray() as NestedArray[]).flat())
  })

  test('B9 what is no iterable of tensors is refused by name', () => {
    for (const wrong of [3, null, undefined, 'abc', {}, () => []] as never[]) {
      expectError(() => padSequence(wrong), TypeError, 'ERR_ARG_TYPE', 'for sequences', 'an iterable of tensors')
      expectError(() => packSequence(wrong), TypeError, 'ERR_ARG_TYPE', 'for sequences', 'an iterable of tensors')
    }
    expectError(() => padSequence([1, 2] as never), TypeError, 'ERR_ARG_TYPE', 'sequences[0]', 'a tensor', 'received 1')
    const floats = Float32Array.of(7)
    expectError(
      () => padSequence(floats as never),
      TypeError,
      'ERR_ARG_TYPE',
      'an iterable of tensors',
      'a Float32Array'
    )
    expectError(() => padSequence([vector(1), [2]] as never), TypeError, 'ERR_ARG_TYPE', 'sequences[1]', 'an array')
    const notCallable = { data: Float32Array.of(1), shape: [1, 1], [Symbol.iterator]: 3 }
    expect(padSequence(notCallable as never).toArray()).toEqual([[1]])
  })

  test('B10 an empty list, an item without dimensions and an unknown side are refused', () => {
    const scalar = new Tensor(Float32Array.of(1), [])
    expectError(() => padSequence([]), RangeError, 'ERR_EMPTY', 'sequences', 'at least one', 'none')
    expectError(() => padSequence(new Tensor(Float32Array.of(), [0, 3])), RangeError, 'ERR_EMPTY', 'sequences', 'none')
    expectError(() => padSequence([scalar]), RangeError, 'ERR_SHAPE', 'sequences[0]', 'one dimension', '[]')
    expectError(() => padSequence([vector(1), scalar]), RangeError, 'ERR_SHAPE', 'sequences[1]', 'one dimension', '[]')
    expectError(() => padSequence(scalar), RangeError, 'ERR_SHAPE', 'sequences', 'one dimension', '[]')
    expectError(() => padSequence(vector(1, 2)), RangeError, 'ERR_SHAPE', 'sequences[0]', 'one dimension', '[]')
    const side = { paddingSide: 'top' } as never
    expectError(() => padSequence(sequences, side), RangeError, 'ERR_ARG_VALUE', 'paddingSide', '"left"', '"top"')
  })

  test('B11 the left side puts the data at the end', () => {
    const o = { paddingSide: 'left', paddingValue: -1 } as const
    const expected = tensor([[-1, 4, 5], [1, 2, 3], [-1, -1, 6]]) // prettier-ignore
    expect(padSequence(sequences, { ...o, batchFirst: true }).toArray()).toEqual(expected.toArray())
    expect(padSequence(sequences, o).toArray()).toEqual(timeFirst(expected).toArray())
  })

  test('B12 items of length zero are all padding', () => {
    const none = new Tensor(Float32Array.of(), [0])
    const padded = padSequence([none, vector(1, 2)], { batchFirst: true, paddingValue: 9 })
    expect(padded.toArray()).toEqual([[9, 9], [1, 2]]) // prettier-ignore
    expect(padSequence([none, none]).shape).toEqual([0, 2])
    expect(padSequence([none, none], { batchFirst: true }).shape).toEqual([2, 0])
    expect(padSequence([new Tensor(Float32Array.of(), [3, 0])]).shape).toEqual([3, 1, 0])
  })

  test('B13 element types must agree', () => {
    const items = [tensor([1], undefined, 'int32'), vector(1.7)]
    expectError(() => padSequence(items), TypeError, 'ERR_DTYPE', 'sequences[1]', 'int32', 'float32')
    expectError(() => packSequence(items), TypeError, 'ERR_DTYPE', 'sequences[1]', 'int32', 'float32')
    const bytes = [tensor([1], undefined, 'uint8'), tensor([true])]
    expectError(() => padSequence(bytes), TypeError, 'ERR_DTYPE', 'sequences[1]', 'uint8', 'bool')
  })

  test('B14 trailing dimensions must agree, and are not broadcast', () => {
    const wide = numbered(1, 2, [3])
    for (const other of [numbered(1, 2, [2]), numbered(1, 2, [1]), numbered(1, 2), numbered(1, 2, [3, 1])]) {
      const [a, b] = [wide, other].map(({ data, shape }) => new Tensor(data, shape.slice(1)))
      const says = ['sequences[1]', '[2, 3]', `[${b!.shape.join(', ')}]`] as const
      expectError(() => padSequence([a!, b!]), RangeError, 'ERR_SHAPE', ...says)
      expectError(() => packSequence([a!, b!]), RangeError, 'ERR_SHAPE', ...says)
    }
  })

  test('B15 a padding value that an integer type can’t hold is refused', () => {
    const wrong: readonly [DType, number][] = [
      ['int8', 1.5],
      ['int8', 128],
      ['int8', -129],
      ['uint8', NaN],
      ['uint8', 300],
      ['uint8', -1],
      ['int16', 2 ** 15],
      ['int32', 2 ** 31],
      ['int32', Infinity],
      ['int64', 0.5],
      ['int64', NaN],
      ['int64', 2 ** 63]
    ]
    for (const [type, paddingValue] of wrong) {
      const item = tensor([1], undefined, type)
      const says = ['paddingValue', `a value that ${type} can hold`, String(paddingValue)] as const
      expectError(() => padSequence([item], { paddingValue }), RangeError, 'ERR_ARG_VALUE', ...says)
      expectError(() => padPackedSequence(packSequence([item]), { paddingValue }), RangeError, 'ERR_ARG_VALUE', ...says)
    }
  })

  test('B15 a padding value that the type can hold arrives as it is', () => {
    const none = (type: DType): Tensor<TypedArray> => tensor([], [0], type)
    const held: readonly [DType, number | bigint, number | bigint][] = [
      ['float32', 1.5, 1.5],
      ['float32', 1e-50, 0],
      ['float32', NaN, NaN],
      ['float32', -Infinity, -Infinity],
      ['float64', 1e300, 1e300],
      ['float64', NaN, NaN],
      ['int8', -128, -128],
      ['int8', -0, 0],
      ['uint8', 255, 255],
      ['int16', -(2 ** 15), -(2 ** 15)],
      ['int32', 2 ** 31 - 1, 2 ** 31 - 1],
      ['int64', -7, -7n],
      ['int64', -(2 ** 63), -(2n ** 63n)],
      ['int64', 2n ** 63n - 1n, 2n ** 63n - 1n],
      ['bool', 0, 0],
      ['bool', 0.5, 1],
      ['bool', NaN, 1]
    ]
    for (const [type, paddingValue, expected] of held) {
      const one = tensor([type === 'int64' ? 1n : 1], undefined, type)
      const { data } = padSequence([none(type), one], { paddingValue })
      expect([data[0], data[1]]).toEqual([expected, type === 'int64' ? 1n : 1])
    }
  })

  test('B15 a finite padding value must stay finite, and a padding value must be a number', () => {
    const item = [vector(1)]
    const tooLarge = { paddingValue: 1e300 }
    expectError(() => padSequence(item, tooLarge), RangeError, 'ERR_ARG_VALUE', 'paddingValue', 'float32', '1e+300')
    const kind = (paddingValue: unknown): (() => void) => {
      return () => padSequence(item, { paddingValue } as never)
    }
    expectError(kind('0'), TypeError, 'ERR_ARG_TYPE', 'paddingValue', 'a number', '"0"')
    expectError(kind(null), TypeError, 'ERR_ARG_TYPE', 'paddingValue', 'a number', 'null')
    expectError(kind(1n), TypeError, 'ERR_ARG_TYPE', 'paddingValue', 'a number', '1n')
  })
})

describe('packPaddedSequence', () => {
  test('B16 takes any trailing dimensions and both layouts, and copies', () => {
    for (const trailing of [[], [1], [3], [2, 2], [2, 3, 2]]) {
      const input = numbered(3, 4, trailing)
      const packed = packPaddedSequence(input, [4, 2, 1], { batchFirst: true })
      expect(packed.data.shape).toEqual([7, ...trailing])
      const rows = input.toArray() as NestedArray[][]
      const expected = [rows[0]![0], rows[1]![0], rows[2]![0], rows[0]![1], rows[1]![1], rows[0]![2], rows[0]![3]]
      expect(packed.data.toArray()).toEqual(expected)
      const turned = timeFirst(input)
      expect(packPaddedSequence(turned, [4, 2, 1]).data.data).toEqual(packed.data.data)
      expect(packed.data.data.buffer).not.toBe(input.data.buffer)
    }
    const whole = numbered(1, 3)
    const copy = packPaddedSequence(whole, [3], { batchFirst: true })
    whole.data.fill(0 as never)
    expect(copy.data.toArray()).toEqual([1, 2, 3])
  })

  test('B16 one dimension is refused', () => {
    const one = vector(1, 2)
    expectError(() => packPaddedSequence(one, [1]), RangeError, 'ERR_SHAPE', 'input', '[steps, batch, *]', '[2]')
    const o = { batchFirst: true }
    expectError(() => packPaddedSequence(one, [1], o), RangeError, 'ERR_SHAPE', 'input', '[batch, steps, *]', '[2]')
  })

  test('B17 lengths are an array, an Int32Array or a BigInt64Array', () => {
    const input = numbered(2, 3)
    const o = { batchFirst: true }
    const expected = packPaddedSequence(input, [3, 1], o).data.toArray()
    expect(expected).toEqual([1, 4, 2, 3])
    expect(packPaddedSequence(input, Int32Array.of(3, 1), o).data.toArray()).toEqual(expected)
    expect(packPaddedSequence(input, BigInt64Array.of(3n, 1n), o).data.toArray()).toEqual(expected)
  })

  test('B17 lengths of another kind are refused', () => {
    const pack = (lengths: unknown) => () => packPaddedSequence(numbered(2, 3), lengths as never, { batchFirst: true })
    expectError(pack([[3, 1]]), TypeError, 'ERR_ARG_TYPE', 'lengths[0]', 'a number', 'an array of length 2')
    expectError(
      pack(tensor([3, 1])),
      TypeError,
      'ERR_ARG_TYPE',
      'whole numbers',
      'a tensor',
      'Array.from(lengths.data)'
    )
    expect(pack(Array.from(tensor([3, 1], [2], 'int64').data))().lengths()).toEqual(Int32Array.of(3, 1))
    expectError(pack(Float32Array.of(3, 1)), TypeError, 'ERR_ARG_TYPE', 'lengths', 'an Int32Array', 'a Float32Array')
    expectError(pack(3), TypeError, 'ERR_ARG_TYPE', 'lengths', 'an array', 'received 3')
    expectError(pack(undefined), TypeError, 'ERR_ARG_TYPE', 'lengths', 'an array', 'undefined')
    expectError(pack(['3', '1']), TypeError, 'ERR_ARG_TYPE', 'lengths[0]', 'a number', '"3"')
    expectError(pack([3.9, 1]), RangeError, 'ERR_LENGTHS', 'lengths[0]', 'a whole number', '3.9')
    expectError(pack([3, NaN]), RangeError, 'ERR_LENGTHS', 'lengths[1]', 'a whole number', 'NaN')
    expectError(pack([2 ** 32 + 3, 1]), RangeError, 'ERR_LENGTHS', 'lengths[0]', 'below 2^31', '4294967299')
    expectError(pack([3n, 2n ** 64n]), RangeError, 'ERR_LENGTHS', 'lengths[1]', 'below 2^31', '18446744073709551616n')
    expectError(pack(new Array(2)), TypeError, 'ERR_ARG_TYPE', 'lengths[0]', 'a number', 'undefined')
  })

  test('B18 sorted input leaves both indices null', () => {
    const { sortedIndices, unsortedIndices } = packPaddedSequence(numbered(3, 3), [3, 3, 1], { batchFirst: true })
    expect([sortedIndices, unsortedIndices]).toEqual([null, null])
  })

  test('B19 enforceSorted false always sets both indices', () => {
    const o = { batchFirst: true, enforceSorted: false }
    const packed = packPaddedSequence(numbered(3, 3), [3, 2, 1], o)
    expect([list(packed.sortedIndices), list(packed.unsortedIndices)]).toEqual([[0, 1, 2], [0, 1, 2]]) // prettier-ignore
  })

  test('B20 equal lengths keep the caller’s order, at any batch size', () => {
    for (const batch of [3, 16, 17, 40, 200]) {
      const lengths = Array.from({ length: batch }, (_, i) => 1 + ((i * 7) % 3))
      const packed = packPaddedSequence(numbered(batch, 3), lengths, { batchFirst: true, enforceSorted: false })
      const expected = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b)
      expect(list(packed.sortedIndices)).toEqual(expected)
      expect(list(packed.unsortedIndices)!.map((place) => expected[place])).toEqual(lengths.map((_, i) => i))
    }
  })

  test('B21 the first of several faults is reported: empty, kind, count, last length, order', () => {
    const o = { batchFirst: true }
    const pack = (input: TensorLike, lengths: unknown, more = {}): (() => void) => {
      return () => packPaddedSequence(input, lengths as never, { ...o, ...more })
    }
    const none = new Tensor(Float32Array.of(), [2, 3, 0])
    const input = numbered(3, 3)
    expectError(pack(none, 'x'), RangeError, 'ERR_EMPTY', 'input', 'cannot pack an empty tensor')
    expectError(pack(input, 'xxxx'), TypeError, 'ERR_ARG_TYPE', 'lengths', '"xxxx"')
    expectError(pack(input, [0, 3, 2, 0]), RangeError, 'ERR_LENGTHS', 'lengths', '3 lengths', 'received 4')
    expectError(pack(input, [1, 3, 0]), RangeError, 'ERR_LENGTHS', 'lengths[2]', 'from 1', 'received 0')
    expectError(pack(input, [0, 3, 2]), RangeError, 'ERR_NOT_SORTED', 'lengths[1]', 'descending', '3 after 0')
    const unsorted = { enforceSorted: false }
    expectError(pack(input, [0, 3, 2], unsorted), RangeError, 'ERR_LENGTHS', 'lengths[0]', 'from 1', 'received 0')
    expectError(pack(input, [4, 5, 2]), RangeError, 'ERR_NOT_SORTED', 'lengths[1]', '5 after 4')
  })

  test('B22 nothing to pack, a wrong count, a length below one, and a wrong order are refused', () => {
    const pack = (input: TensorLike, lengths: readonly number[], more = {}): (() => void) => {
      return () => packPaddedSequence(input, lengths, { batchFirst: true, ...more })
    }
    for (const shape of [[0, 3, 2], [2, 0, 2], [2, 3, 0], [0]]) {
      // prettier-ignore
      const says = ['input', `[${shape.join(', ')}]`, 'cannot pack an empty tensor'] as const
      expectError(pack(new Tensor(Float32Array.of(), shape), [1, 1]), RangeError, 'ERR_EMPTY', ...says)
    }
    const input = numbered(2, 3)
    expectError(pack(input, [3]), RangeError, 'ERR_LENGTHS', 'lengths', 'Expected 2', 'received 1')
    expectError(pack(input, []), RangeError, 'ERR_LENGTHS', 'lengths', 'Expected 2', 'received 0')
    expectError(pack(input, [3, 0]), RangeError, 'ERR_LENGTHS', 'lengths[1]', 'received 0', 'allowZeroLength: true')
    expectError(pack(input, [3, -1]), RangeError, 'ERR_LENGTHS', 'lengths[1]', 'from 1', 'received -1')
    expectError(pack(input, [2, 3]), RangeError, 'ERR_NOT_SORTED', 'lengths[1]', '3 after 2', 'enforceSorted: false')
  })

  test('B23 a wrong count is the same error when sorting', () => {
    const pack = (lengths: readonly number[]): (() => void) => {
      return () => packPaddedSequence(numbered(2, 3), lengths, { batchFirst: true, enforceSorted: false })
    }
    expectError(pack([1, 2, 3]), RangeError, 'ERR_LENGTHS', 'lengths', 'Expected 2', 'received 3')
    expectError(pack([1]), RangeError, 'ERR_LENGTHS', 'lengths', 'Expected 2', 'received 1')
  })

  test('B24 a length beyond the steps is refused, and named by row, length and steps', () => {
    for (const enforceSorted of [true, false]) {
      const pack = (): void => {
        packPaddedSequence(timeFirst(numbered(2, 3)), [4, 3], { enforceSorted })
      }
      expectError(pack, RangeError, 'ERR_LENGTHS', 'lengths[0]', 'at most 3', 'received 4')
    }
    const last = (): void => {
      packPaddedSequence(numbered(3, 3), [1, 2, 2 ** 31 - 1], { batchFirst: true, enforceSorted: false })
    }
    expectError(last, RangeError, 'ERR_LENGTHS', 'lengths[2]', 'at most 3', 'received 2147483647')
  })

  test('B25 steps beyond the largest length are left out, and totalLength restores the shape', () => {
    const input = numbered(2, 5)
    const packed = packPaddedSequence(input, [3, 2], { batchFirst: true })
    expect(packed.data.toArray()).toEqual([1, 6, 2, 7, 3])
    const { padded } = padPackedSequence(packed, { batchFirst: true, totalLength: 5 })
    expect(padded.toArray()).toEqual([[1, 2, 3, 0, 0], [6, 7, 0, 0, 0]]) // prettier-ignore
  })

  test('B26 sequences of length zero keep their place, if allowed', () => {
    const input = numbered(4, 3)
    const lengths = [0, 3, 0, 1]
    const packed = packPaddedSequence(input, lengths, { batchFirst: true, enforceSorted: false, allowZeroLength: true })
    expect(packed.data.toArray()).toEqual([4, 10, 5, 6])
    expect(list(packed.batchSizes)).toEqual([2, 1, 1])
    expect(list(packed.sortedIndices)).toEqual([1, 3, 0, 2])
    expect(packed.batchCount).toBe(4)
    expect(list(packed.lengths())).toEqual(lengths)
    const { padded, lengths: back } = padPackedSequence(packed, { batchFirst: true, paddingValue: -1 })
    expect(list(back)).toEqual(lengths)
    expect(padded.toArray()).toEqual([[-1, -1, -1], [4, 5, 6], [-1, -1, -1], [10, -1, -1]]) // prettier-ignore
    expect(unpackSequence(packed).map(({ shape }) => shape)).toEqual([[0], [3], [0], [1]])
    expect(packed.withData(vector(1, 2, 3, 4)).batchCount).toBe(4)
  })

  test('B26 zero-length sequences of sorted input stand last, without indices', () => {
    const o = { batchFirst: true, allowZeroLength: true }
    const packed = packPaddedSequence(numbered(3, 2), [2, 0, 0], o)
    expect([list(packed.lengths()), packed.sortedIndices, packed.batchCount]).toEqual([[2, 0, 0], null, 3])
    expect(padPackedSequence(packed).padded.toArray()).toEqual([[1, 0, 0], [2, 0, 0]]) // prettier-ignore
    const pack = (lengths: readonly number[]): (() => void) => {
      return () => packPaddedSequence(numbered(3, 2), lengths, o)
    }
    expectError(pack([2, 0, 1]), RangeError, 'ERR_NOT_SORTED', 'lengths[2]', '1 after 0')
    expectError(pack([2, 0, -1]), RangeError, 'ERR_LENGTHS', 'lengths[2]', 'from 0', 'received -1')
  })

  test('B26 a batch of nothing but zero-length sequences is a packed sequence without rows', () => {
    const o = { batchFirst: true, allowZeroLength: true }
    const none = new Tensor(Float32Array.of(), [0, 2])
    for (const packed of [
      packPaddedSequence(numbered(3, 4, [2]), [0, 0, 0], o),
      packPaddedSequence(new Tensor(Float32Array.of(), [3, 0, 2]), [0, 0, 0], o),
      packSequence([none, none, none], { allowZeroLength: true })
    ]) {
      expect(packed.data.shape).toEqual([0, 2])
      expect(packed.batchSizes).toHaveLength(0)
      expect(packed.batchCount).toBe(3)
      const { padded, lengths } = padPackedSequence(packed, { totalLength: 1, paddingValue: 5 })
      expect(padded.toArray()).toEqual([[[5, 5], [5, 5], [5, 5]]]) // prettier-ignore
      expect(list(lengths)).toEqual([0, 0, 0])
      expect(padPackedSequence(packed, { batchFirst: true }).padded.shape).toEqual([3, 0, 2])
      expect(unpackSequence(packed).map(({ shape }) => shape)).toEqual([[0, 2], [0, 2], [0, 2]]) // prettier-ignore
      expect(lastSteps(packed).toArray()).toEqual([[0, 0], [0, 0], [0, 0]]) // prettier-ignore
    }
    for (const shape of [
      [0, 4, 2],
      [3, 4, 0]
    ]) {
      // prettier-ignore
      const pack = (): void => {
        packPaddedSequence(new Tensor(Float32Array.of(), shape), [0, 0, 0], o)
      }
      expectError(pack, RangeError, 'ERR_EMPTY', 'input', 'cannot pack an empty tensor')
    }
  })
})

describe('options', () => {
  const packed = packSequence([vector(1, 2)])
  const batch = numbered(1, 2)
  const calls: readonly [string, (o: never) => unknown, readonly string[]][] = [
    ['padSequence', (o) => padSequence(batch, o), ['batchFirst']],
    ['unpadSequence', (o) => unpadSequence(batch, [1, 1], o), ['batchFirst']],
    [
      'packPaddedSequence',
      (o) => packPaddedSequence(batch, [1, 1], o),
      ['batchFirst', 'enforceSorted', 'allowZeroLength']
    ],
    ['padPackedSequence', (o) => padPackedSequence(packed, o), ['batchFirst']],
    ['packSequence', (o) => packSequence(batch, o), ['enforceSorted', 'allowZeroLength']]
  ]

  test.each(calls)(
    '%s refuses what are no options, names that are none, and flags that are not boolean',
    (_, call, flags) => {
      for (const wrong of [null, true, 'batchFirst', []]) {
        expectError(() => call(wrong as never), TypeError, 'ERR_ARG_TYPE', 'options', 'an object')
      }
      for (const name of flags) {
        const misspelt = { [name.toLowerCase()]: true } as never
        expectError(() => call(misspelt), TypeError, 'ERR_OPTION_UNKNOWN', name.toLowerCase(), `did you mean ${name}`)
        const notBoolean = { [name]: 1 } as never
        expectError(() => call(notBoolean), TypeError, 'ERR_ARG_TYPE', name, 'a boolean', 'received 1')
        expect(() => call({ [name]: undefined } as never)).not.toThrow()
      }
    }
  )
})

describe('padPackedSequence', () => {
  const packed = packPaddedSequence(numbered(3, 3), [1, 3, 2], { batchFirst: true, enforceSorted: false })

  test('B27 output and lengths are in the caller’s order', () => {
    const { padded, lengths } = padPackedSequence(packed, { batchFirst: true })
    expect(padded.toArray()).toEqual([[1, 0, 0], [4, 5, 6], [7, 8, 0]]) // prettier-ignore
    expect(list(lengths)).toEqual([1, 3, 2])
    expect(padPackedSequence(packed).padded.toArray()).toEqual([[1, 4, 7], [0, 5, 8], [0, 6, 0]]) // prettier-ignore
  })

  test('B28 totalLength below the longest length is refused in both layouts', () => {
    for (const batchFirst of [true, false]) {
      for (const totalLength of [-1, 0, 2]) {
        const pad = (): void => {
          padPackedSequence(packed, { batchFirst, totalLength })
        }
        expectError(pad, RangeError, 'ERR_ARG_VALUE', 'totalLength', 'from 3', `received ${String(totalLength)}`)
      }
      for (const totalLength of [2.5, 3.5, NaN, Infinity, 2 ** 31]) {
        const pad = (): void => {
          padPackedSequence(packed, { batchFirst, totalLength })
        }
        expectError(
          pad,
          RangeError,
          'ERR_ARG_VALUE',
          'totalLength',
          'a whole number',
          `received ${String(totalLength)}`
        )
      }
      const pad = (): void => {
        padPackedSequence(packed, { batchFirst, totalLength: '3' as never })
      }
      expectError(pad, TypeError, 'ERR_ARG_TYPE', 'totalLength', 'a number', '"3"')
      const padMuch = (): void => {
        padPackedSequence(packed, { batchFirst, totalLength: 2 ** 31 })
      }
      expectError(padMuch, RangeError, 'ERR_ARG_VALUE', 'totalLength', 'from 3 to 2147483647')
    }
  })

  test('B28 totalLength from the longest length on adds steps of padding', () => {
    for (const extra of [0, 1, 8]) {
      const o = { totalLength: 3 + extra, paddingValue: -1 }
      const expected = [[1, -1, -1], [4, 5, 6], [7, 8, -1]].map((row) => [...row, ...new Array<number>(extra).fill(-1)]) // prettier-ignore
      const { padded } = padPackedSequence(packed, { ...o, batchFirst: true })
      expect(padded.toArray()).toEqual(expected)
      expect(padPackedSequence(packed, o).padded.toArray()).toEqual(timeFirst(padded).toArray())
    }
  })

  test('B29 what the padding held is not kept', () => {
    const input = tensor([[1, 2], [3, NaN]]) // prettier-ignore
    const { padded } = padPackedSequence(packPaddedSequence(input, [2, 1], { batchFirst: true }), { batchFirst: true })
    expect(padded.toArray()).toEqual([[1, 2], [3, 0]]) // prettier-ignore
  })

  test('B30 sorted, batch-first output is contiguous', () => {
    const sorted = packPaddedSequence(numbered(2, 3, [2]), [3, 2], { batchFirst: true })
    const { padded } = padPackedSequence(sorted, { batchFirst: true })
    expect(padded.shape).toEqual([2, 3, 2])
    expect(Array.from(padded.data, (value) => Math.floor(value))).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0])
  })

  test.each([[[10, 8, 4, 2, 2, 2, 1]], [[11, 10, 8, 6, 4, 3, 1]], [[2, 10, 1, 8, 2, 4, 2]], [[6, 1, 11, 3, 10, 4, 8]]])(
    'B31 lengths %j make the round trip in both layouts',
    (lengths) => {
      const steps = Math.max(...lengths)
      const input = numbered(7, steps, [5])
      const rows = input.toArray() as number[][][]
      const zeros = [0, 0, 0, 0, 0]
      const expected = rows.map((row, i) => row.map((step, t) => (t < lengths[i]! ? step : zeros)))
      const sorted = lengths.every((length, i) => i === 0 || length <= lengths[i - 1]!)
      for (const enforceSorted of sorted ? [true, false] : [false]) {
        const batchFirst = padPackedSequence(packPaddedSequence(input, lengths, { batchFirst: true, enforceSorted }), {
          batchFirst: true
        })
        expect(batchFirst.padded.toArray()).toEqual(expected)
        expect(list(batchFirst.lengths)).toEqual(lengths)
        const stepsFirst = padPackedSequence(packPaddedSequence(timeFirst(input), lengths, { enforceSorted }))
        expect(stepsFirst.padded.toArray()).toEqual(timeFirst(batchFirst.padded).toArray())
        expect(list(stepsFirst.lengths)).toEqual(lengths)
      }
    }
  )

  test('what is no PackedSequence is refused', () => {
    for (const wrong of [null, {}, vector(1), [vector(1), [1], null, null]] as never[]) {
      expectError(() => padPackedSequence(wrong), TypeError, 'ERR_ARG_TYPE', 'for p', 'a PackedSequence')
      expectError(() => unpackSequence(wrong), TypeError, 'ERR_ARG_TYPE', 'for p', 'a PackedSequence')
      expectError(() => lastSteps(wrong), TypeError, 'ERR_ARG_TYPE', 'for p', 'a PackedSequence')
    }
  })
})

describe('packSequence, unpackSequence, unpadSequence, invertPermutation, lastSteps', () => {
  const ragged = (trailing: readonly number[], lengths: readonly number[]): Tensor[] =>
    lengths.map((length, i) => {
      const { data } = numbered(1, length, trailing)
      return new Tensor(data.map(((value: number) => value + 10 * i) as never) as Float32Array, [length, ...trailing])
    })

  test('B32 packSequence is padSequence and packPaddedSequence in one', () => {
    for (const trailing of [[], [3], [2, 2], [2, 1, 3]]) {
      for (const [lengths, enforceSorted] of [
        [[5, 3, 3, 1], true],
        [[1, 3, 5, 3], false]
      ] as const) {
        // prettier-ignore
        const items = ragged(trailing, lengths)
        const direct = packSequence(items, { enforceSorted })
        const both = packPaddedSequence(padSequence(items), lengths, { enforceSorted })
        expect([...direct]).toEqual([...both])
        expect(direct.data.shape).toEqual([12, ...trailing])
      }
    }
  })

  test('B32 packSequence has packPaddedSequence’s errors, and no batchFirst', () => {
    const pack = (items: TensorLike[], o = {}): (() => void) => {
      return () => packSequence(items, o)
    }
    const none = new Tensor(Float32Array.of(), [0])
    const featureless = new Tensor(Float32Array.of(), [2, 0])
    expectError(pack([]), RangeError, 'ERR_EMPTY', 'sequences', 'at least one')
    expectError(pack([none, none]), RangeError, 'ERR_EMPTY', 'sequences', '[0]', 'cannot pack an empty tensor')
    expectError(pack([featureless], { allowZeroLength: true }), RangeError, 'ERR_EMPTY', 'sequences', '[2, 0]')
    expectError(pack([vector(1), none]), RangeError, 'ERR_LENGTHS', 'sequences[1]', 'from 1', 'allowZeroLength: true')
    expectError(pack([vector(1), vector(1, 2)]), RangeError, 'ERR_NOT_SORTED', 'sequences[1]', '2 after 1')
    const o = { batchFirst: true }
    expectError(pack([vector(1)], o), TypeError, 'ERR_OPTION_UNKNOWN', '"batchFirst"', 'enforceSorted')
  })

  test('B33 unpackSequence returns the inputs of packSequence, in their order and in memory of their own', () => {
    for (const trailing of [[], [3], [2, 2]]) {
      const items = ragged(trailing, [2, 4, 1, 4])
      const unpacked = unpackSequence(packSequence(items, { enforceSorted: false }))
      expect(unpacked).toEqual(items)
      expect(new Set(unpacked.map(({ data }) => data.buffer)).size).toBe(4)
    }
  })

  // Whose memory is not zeroed first: no element, data or padding, may be zero, and the memory is the tensor's alone.
  test.each([
    ['float32', 1000],
    ['int64', 500]
  ] as const)('every element of a large result is written: %s', (type, steps) => {
    const batch = 300
    const lengths = Int32Array.from({ length: batch }, (_, i) => 1 + ((i * 2749) % steps))
    const { data } = tensor(new Int8Array(batch * steps).fill(3), [batch, steps], type)
    for (const enforceSorted of [true, false]) {
      const ordered = enforceSorted ? lengths.slice().sort().reverse() : lengths
      const batchFirst = true
      const packed = packPaddedSequence({ data, shape: [batch, steps] }, ordered, { batchFirst, enforceSorted })
      const sequences = unpackSequence(packed)
      const results = [
        packed.data,
        packSequence(sequences, { enforceSorted }).data,
        padPackedSequence(packed, { paddingValue: 5 }).padded,
        padPackedSequence(packed, { paddingValue: 5, batchFirst, totalLength: steps + 3 }).padded,
        padSequence(sequences, { paddingValue: 5 }),
        padSequence(sequences, { paddingValue: 5, batchFirst, paddingSide: 'left' })
      ]
      const rows = lengths.reduce((sum, length) => sum + length)
      for (const result of results) {
        expect(result.data.buffer.byteLength).toBe(result.data.byteLength)
        const counts = new Int32Array(256)
        for (const element of result.data as Iterable<number | bigint>) ++counts[Number(element)]!
        expect([counts[3], counts[5]]).toEqual([rows, result.data.length - rows])
      }
    }
  })

  test('B34 unpadSequence returns the sequences, empty ones included', () => {
    const padded = numbered(3, 2, [2])
    const rows = padded.toArray() as number[][][]
    const expected = [rows[0]!.slice(0, 1), [], rows[2]]
    for (const [batchFirst, input] of [
      [true, padded],
      [false, timeFirst(padded)]
    ] as const) {
      // prettier-ignore
      const sequences = unpadSequence(input, [1, 0, 2], { batchFirst })
      expect(sequences.map((sequence) => sequence.toArray())).toEqual(expected)
      expect(sequences.map(({ shape }) => shape)).toEqual([[1, 2], [0, 2], [2, 2]]) // prettier-ignore
    }
  })

  test('B34 unpadSequence refuses another count, and one dimension', () => {
    const padded = numbered(3, 2)
    const unpad = (lengths: readonly number[]): (() => void) => {
      return () => unpadSequence(padded, lengths, { batchFirst: true })
    }
    expectError(unpad([1, 2]), RangeError, 'ERR_LENGTHS', 'lengths', 'Expected 3', 'received 2')
    expectError(unpad([1, 2, 1, 1]), RangeError, 'ERR_LENGTHS', 'lengths', 'Expected 3', 'received 4')
    expectError(() => unpadSequence(vector(1, 2), [1]), RangeError, 'ERR_SHAPE', 'padded', '[steps, batch, *]', '[2]')
  })

  test('B35 nothing writes to its input', () => {
    const padded = numbered(3, 4, [2])
    const before = padded.data.slice()
    const lengths = Int32Array.of(2, 4, 1)
    const o = { batchFirst: true, enforceSorted: false }
    const packed = packPaddedSequence(padded, lengths, o)
    const rows = packed.data.data.slice()
    padPackedSequence(packed, { batchFirst: true, paddingValue: 9 })
    for (const sequence of unpadSequence(padded, lengths, { batchFirst: true })) sequence.data.fill(-1)
    for (const sequence of unpackSequence(packed)) sequence.data.fill(-1)
    padSequence(padded, { batchFirst: true }).data.fill(-1)
    lastSteps(packed).data.fill(-1)
    expect(padded.data).toEqual(before)
    expect(packed.data.data).toEqual(rows)
    expect(list(lengths)).toEqual([2, 4, 1])
  })

  test('B35 unpadSequence refuses lengths out of range', () => {
    const unpad = (lengths: readonly number[]): (() => void) => {
      return () => unpadSequence(numbered(2, 3), lengths, { batchFirst: true })
    }
    expectError(unpad([3, 4]), RangeError, 'ERR_LENGTHS', 'lengths[1]', 'at most 3', 'received 4')
    expectError(unpad([-1, 3]), RangeError, 'ERR_LENGTHS', 'lengths[0]', 'from 0', 'received -1')
  })

  test('B36 invertPermutation', () => {
    expect(invertPermutation(null)).toBeNull()
    expect(list(invertPermutation([2, 0, 1]))).toEqual([1, 2, 0])
    expect(invertPermutation(BigInt64Array.of(1n, 0n))).toEqual(Int32Array.of(1, 0))
    expect(invertPermutation([])).toEqual(Int32Array.of())
    const invert = (p: unknown) => () => invertPermutation(p as never)
    expectError(invert([0, 2]), RangeError, 'ERR_ARG_VALUE', 'p[1]', '0 to 1 once', 'received 2')
    expectError(invert([0, -1]), RangeError, 'ERR_ARG_VALUE', 'p[1]', '0 to 1 once', 'received -1')
    expectError(invert([0, 1, 0]), RangeError, 'ERR_ARG_VALUE', 'p[2]', '0 to 2 once', '0 again')
    expectError(invert(undefined), TypeError, 'ERR_ARG_TYPE', 'for p', 'undefined')
    expectError(invert([0.5]), RangeError, 'ERR_LENGTHS', 'p[0]', '0.5')
  })

  test('lastSteps of both directions take the reverse half from the first step, where that direction ends', () => {
    const lstm = new LSTM({ inputSize: 2, hiddenSize: 5, bidirectional: true })
    for (const lengths of [
      [1, 3, 0, 2],
      [4, 4, 1, 0]
    ]) {
      const o = { batchFirst: true, enforceSorted: false, allowZeroLength: true }
      const { output, state } = lstm.forwardSync(packPaddedSequence(numbered(4, 4, [2]), lengths, o))
      const [forward, reverse] = state.h.toArray() as number[][][]
      const joined = forward!.map((half, i) => [...half, ...reverse![i]!])
      expect(lastSteps(output, { bidirectional: true }).toArray()).toEqual(joined)
    }
    const odd = packSequence([tensor([[1, 2, 3]])])
    expectError(() => lastSteps(odd, { bidirectional: true }), RangeError, 'ERR_SHAPE', 'p.data', 'two halves', '[3]')
    const flat = packSequence([letters('abc')])
    expectError(() => lastSteps(flat, { bidirectional: true }), RangeError, 'ERR_SHAPE', 'p.data', 'rows of shape []')
    const misspelt = { bidirectionel: true } as object
    expectError(
      () => lastSteps(odd, misspelt),
      TypeError,
      'ERR_OPTION_UNKNOWN',
      'bidirectionel',
      'did you mean bidirectional?'
    )
  })

  test('lastSteps are each sequence’s own, in the caller’s order, and zeros where there is none', () => {
    const input = numbered(4, 3, [2])
    const rows = input.toArray() as number[][][]
    const o = { batchFirst: true, enforceSorted: false, allowZeroLength: true }
    const unsorted = lastSteps(packPaddedSequence(input, [1, 3, 0, 2], o))
    expect(unsorted.toArray()).toEqual([rows[0]![0], rows[1]![2], [0, 0], rows[3]![1]])
    const sorted = lastSteps(packPaddedSequence(input, [3, 3, 2, 0], { batchFirst: true, allowZeroLength: true }))
    expect(sorted.toArray()).toEqual([rows[0]![2], rows[1]![2], rows[2]![1], [0, 0]])
    expect(lastSteps(packSequence([letters('abc'), letters('x')])).toArray()).toEqual(
      [...'cx'].map((c) => c.charCodeAt(0))
    )
  })
})

describe('rows of any kind', () => {
  test('lastSteps of both directions refuse rows of two dimensions', () => {
    const deep = packSequence([tensor([[[1, 2], [3, 4]]])]) // prettier-ignore
    expectError(
      () => lastSteps(deep, { bidirectional: true }),
      RangeError,
      'ERR_SHAPE',
      'p.data',
      'rows of shape [2, 2]'
    )
  })

  test('a bool tensor that is a plain object stays bool in a PackedSequence', () => {
    const data = { data: Uint8Array.of(1, 0), shape: [2], type: 'bool' }
    expect(new PackedSequence(data, [1, 1]).data.type).toBe('bool')
    expect(packSequence([tensor([1, 2])]).withData(data).data.type).toBe('bool')
  })

  test('the sequences of one bool tensor are bool', () => {
    const batch = tensor([[true, false], [true, true]]) // prettier-ignore
    expect(padSequence(batch).type).toBe('bool')
    expect(packSequence(batch).data.type).toBe('bool')
  })

  test('more sequences than are counted at once', () => {
    const item = tensor([1])
    const many = function* (): Generator<TensorLike> {
      for (let i = 0; i < 2 ** 16 + 3; ++i) yield item
    }
    expect(padSequence(many()).shape).toEqual([1, 2 ** 16 + 3])
  })
})

describe('messages end where they should', () => {
  test('with no way out that would not help', () => {
    const one = new Tensor(new Float32Array(3), [3, 1])
    expect(messageOf(() => packPaddedSequence(one, [-1]))).toMatch(/received -1$/)
    expect(messageOf(() => new PackedSequence(vector(1, 2), [2], [0, 2]))).toMatch(/received 2$/)
  })
})
