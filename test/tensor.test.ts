import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { allocateData } from '../lib/memory'
import { allocate, sizeOf, tensor, Tensor, view, type DType, type NestedArray } from '../lib/tensor'
import { LSTM, packSequence, unpackSequence } from '../lib'
import { expectError, messageOf } from './thrown'

const arrays: readonly [DType, new (length: number) => Tensor['data'] | Int8Array | BigInt64Array | Float64Array][] = [
  ['float32', Float32Array],
  ['float64', Float64Array],
  ['int8', Int8Array],
  ['uint8', Uint8Array as never],
  ['int16', Int16Array as never],
  ['int32', Int32Array as never],
  ['int64', BigInt64Array]
]

describe('Tensor', () => {
  test.each(arrays)('takes its type %s from its array, and keeps the array', (type, TypedArray) => {
    const data = new TypedArray(6)
    const made = new Tensor(data, [2, 3])
    expect(made.type).toBe(type)
    expect(made.data).toBe(data)
    expect(made.shape).toEqual([2, 3])
    expect(made.dims).toBe(made.shape)
    expect(made.location).toBe('cpu')
  })

  test('is bool if it is said to be, over bytes alone', () => {
    expect(new Tensor(Uint8Array.of(0, 1), [2], 'bool').type).toBe('bool')
    const ofInts = (): void => {
      new Tensor(Int8Array.of(1), [1], 'bool')
    }
    expectError(ofInts, TypeError, 'ERR_DTYPE', 'data', '"bool"', 'an Int8Array')
    const ofFloats = (): void => {
      new Tensor(Float32Array.of(1), [1], 'float64')
    }
    expectError(ofFloats, TypeError, 'ERR_DTYPE', 'data', '"float64"', 'a Float32Array')
  })

  test('keeps a frozen copy of its shape', () => {
    const shape = [1, 2]
    const made = new Tensor(Float32Array.of(1, 2), shape)
    shape[0] = 9
    expect(made.shape).toEqual([1, 2])
    expect(Object.isFrozen(made.shape)).toBe(true)
  })

  test('has any number of dimensions, none included', () => {
    expect(new Tensor(Float32Array.of(7), []).toArray()).toBe(7)
    expect(new Tensor(Float32Array.of(), [2, 0, 3]).toArray()).toEqual([[], []])
    expect(new Tensor(Float32Array.of(1, 2, 3, 4), [1, 2, 1, 2]).toArray()).toEqual([[[[1, 2]], [[3, 4]]]])
  })

  test('shows its elements as what they are', () => {
    expect(new Tensor(Uint8Array.of(0, 1, 2), [3], 'bool').toArray()).toEqual([false, true, true])
    expect(new Tensor(BigInt64Array.of(-1n), [1, 1]).toArray()).toEqual([[-1n]])
    expect(new Tensor(Float32Array.of(NaN, -0), [2]).toArray()).toEqual([NaN, -0])
  })

  test('refuses what is no array of elements', () => {
    for (const data of [[1], 'x', null, undefined, 3, new Uint32Array(1), new DataView(new ArrayBuffer(4)), {}]) {
      const make = (): void => {
        new Tensor(data as never, [1])
      }
      expectError(make, TypeError, 'ERR_ARG_TYPE', 'for data', 'one of Float32Array')
    }
  })

  test('refuses a shape that is not that of its data', () => {
    const make = (shape: unknown) => (): void => {
      new Tensor(new Float32Array(6), shape as never)
    }
    expectError(make([2, 2]), RangeError, 'ERR_SHAPE', 'shape', '6 elements', '[2, 2]')
    expectError(make([]), RangeError, 'ERR_SHAPE', 'shape', '6 elements', '[]')
    expectError(make([2, -3]), RangeError, 'ERR_SHAPE', 'shape', 'whole numbers from 0', '-3')
    expectError(make([2.5, 2.4]), RangeError, 'ERR_SHAPE', 'shape', 'whole numbers from 0', '2.5')
    expectError(make([NaN]), RangeError, 'ERR_SHAPE', 'shape', 'whole numbers from 0', 'NaN')
    expectError(make(['6']), TypeError, 'ERR_ARG_TYPE', 'shape', 'whole numbers from 0', '"6"')
    expectError(make(6), TypeError, 'ERR_ARG_TYPE', 'shape', 'an array of sizes', '6')
    expectError(make(undefined), TypeError, 'ERR_ARG_TYPE', 'shape', 'an array of sizes', 'undefined')
    expectError(make([2 ** 32, 2 ** 32]), RangeError, 'ERR_SHAPE', 'shape', '6 elements', '[4294967296, 4294967296]')
  })

  test('says so if its data is empty because it was detached', () => {
    const data = Float32Array.of(1, 2)
    structuredClone(data.buffer, { transfer: [data.buffer] })
    const make = (): void => {
      new Tensor(data, [2])
    }
    expectError(make, TypeError, 'ERR_DETACHED', 'shape', '2 elements', 'empty or detached', 'a copy')
  })

  test('does not speak of detached memory where there has been none', () => {
    const empty = (): unknown => new Tensor(new Float32Array(0), [2])
    expectError(empty, RangeError, 'ERR_SHAPE', 'shape', '0 elements', '[2]')
    expectError(() => tensor([], [2]), RangeError, 'ERR_SHAPE', 'shape', '0 elements', '[2]')
    expectError(() => tensor([[], []], [2, 3]), RangeError, 'ERR_SHAPE', 'shape', '0 elements', '[2, 3]')
  })

  test('makes no array of what it has lost', () => {
    const made = tensor([1, 2])
    structuredClone(made.data.buffer, { transfer: [made.data.buffer as ArrayBuffer] })
    expectError(() => made.toArray(), TypeError, 'ERR_DETACHED', 'toArray', 'a copy')
  })

  test('makes no array of what the heap has no room for', () => {
    const many = new Tensor(new Float32Array(0), [2 ** 31, 0])
    expectError(() => many.toArray(), RangeError, 'ERR_ALLOCATION', 'toArray', '[2147483648, 0]', 'node --max-old')
    expect(new Tensor(new Float32Array(0), [0, 2 ** 31]).toArray()).toEqual([])
  })
})

describe('tensor', () => {
  test('takes the shape of the nesting', () => {
    const nested: NestedArray = [
      [[1, 2]],
      [[3, 4]],
      [[5, 6]]
    ] // prettier-ignore
    const made = tensor(nested)
    expect(made.shape).toEqual([3, 1, 2])
    expect(made.type).toBe('float32')
    expect(made.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6))
    expect(tensor(7).shape).toEqual([])
    expect(tensor([]).shape).toEqual([0])
    expect(tensor([[], []]).shape).toEqual([2, 0])
  })

  test('takes the type of the first value, or the one that is given', () => {
    expect(tensor([1n, 2n])).toEqual(new Tensor(BigInt64Array.of(1n, 2n), [2]))
    expect(tensor([true, false])).toEqual(new Tensor(Uint8Array.of(1, 0), [2], 'bool'))
    expect(tensor([1, 0], undefined, 'bool')).toEqual(new Tensor(Uint8Array.of(1, 0), [2], 'bool'))
    expect(tensor([1, 2], undefined, 'int64')).toEqual(new Tensor(BigInt64Array.of(1n, 2n), [2]))
    expect(tensor([1n], undefined, 'float64')).toEqual(new Tensor(Float64Array.of(1), [1]))
  })

  test('takes a shape', () => {
    expect(tensor([1, 2, 3, 4], [2, 2]).toArray()).toEqual([[1, 2], [3, 4]]) // prettier-ignore
    expectError(() => tensor([1, 2, 3], [2, 2]), RangeError, 'ERR_SHAPE', 'shape', '3 elements', '[2, 2]')
  })

  test.each(arrays)('copies a typed array of %s', (type, TypedArray) => {
    const data = new TypedArray(4).fill((type === 'int64' ? 3n : 3) as never)
    const made = tensor(data, [2, 2])
    expect(made.type).toBe(type)
    expect(made.data).toEqual(data)
    expect(made.data).not.toBe(data)
    expect(tensor(data as never).shape).toEqual([4])
  })

  test('copies nothing of an array that is detached', () => {
    const data = Float32Array.of(1, 2)
    structuredClone(data.buffer, { transfer: [data.buffer] })
    expect(tensor(data).shape).toEqual([0])
    expectError(() => tensor(data, [2]), TypeError, 'ERR_DETACHED', 'shape', '2 elements', 'detached')
  })

  test('converts a typed array to another type', () => {
    expect(tensor(Int32Array.of(1, -2), undefined, 'int64').data).toEqual(BigInt64Array.of(1n, -2n))
    expect(tensor(BigInt64Array.of(1n, -2n), undefined, 'float32').data).toEqual(Float32Array.of(1, -2))
    expect(tensor(Float32Array.of(0, 0.5), undefined, 'bool')).toEqual(new Tensor(Uint8Array.of(0, 1), [2], 'bool'))
    expect(tensor(Uint8Array.of(0, 7), undefined, 'bool').data).toEqual(Uint8Array.of(0, 1))
  })

  test('refuses ragged rows, what is no number, and an unknown type', () => {
    expectError(() => tensor([[1, 2], [3]]), RangeError, 'ERR_SHAPE', 'values are ragged', '[1]', '[2]') // prettier-ignore
    expectError(() => tensor([1, [2]]), RangeError, 'ERR_SHAPE', 'values are ragged', '[1]', '[]')
    expectError(() => tensor([[1], 2]), RangeError, 'ERR_SHAPE', 'values are ragged', '[]', '[1]')
    expectError(() => tensor([[1], [[]]]), RangeError, 'ERR_SHAPE', 'values are ragged', 'shape [0]', 'shape []')
    expectError(() => tensor([[[1]], [[1, 2]]]), RangeError, 'ERR_SHAPE', 'values are ragged', '[2]', '[1]')
    expectError(() => tensor([[], ['1']] as never), TypeError, 'ERR_ARG_TYPE', 'values', 'numbers', '"1"')
    expectError(() => tensor(['1'] as never), TypeError, 'ERR_ARG_TYPE', 'values', 'numbers', '"1"')
    expectError(() => tensor(null as never), TypeError, 'ERR_ARG_TYPE', 'values', 'numbers', 'null')
    expectError(
      () => tensor(new Uint32Array(1) as never),
      TypeError,
      'ERR_ARG_TYPE',
      'values',
      'numbers',
      'a Uint32Array'
    )
    const float16 = (): void => {
      tensor([1], undefined, 'float16' as never)
    }
    expectError(float16, RangeError, 'ERR_ARG_VALUE', 'type', 'one of float32', '"float16"')
    for (const type of [['bool'], Object.create(null)] as never[]) {
      expectError(() => tensor([1], [1], type), TypeError, 'ERR_ARG_TYPE', 'type', 'one of float32')
    }
    const inherited = (): void => {
      tensor([1], undefined, 'toString' as never)
    }
    expectError(inherited, RangeError, 'ERR_ARG_VALUE', 'type', 'one of float32', '"toString"')
    expectError(() => tensor([1], undefined, 7 as never), TypeError, 'ERR_ARG_TYPE', 'type', 'one of float32', '7')
  })

  test('refuses what an integer type cannot hold', () => {
    const wrong: [NestedArray | Float64Array, DType, string][] = [
      [[0.5], 'int64', '0.5'],
      [[2 ** 53], 'int64', '9007199254740992'],
      [Float64Array.of(2 ** 60), 'int64', '1152921504606847000'],
      [[1, 300], 'int8', '300'],
      [[-1], 'uint8', '-1'],
      [[1.5], 'int32', '1.5'],
      [[NaN], 'int16', 'NaN'],
      [[2n ** 70n], 'int64', '1180591620717411303424n'],
      [[2n ** 40n], 'int32', '1099511627776n'],
      [Float64Array.of(2 ** 31), 'int32', '2147483648']
    ]
    for (const [values, type, received] of wrong) {
      const make = (): unknown => tensor(values, undefined, type)
      expectError(make, RangeError, 'ERR_ARG_VALUE', 'values', `whole numbers that ${type} can hold`, received)
    }
    expect(messageOf(() => tensor([2 ** 60], [1], 'int64'))).toContain('from 2^53 on as bigints')
    expect(tensor([2n ** 60n + 1n]).data).toEqual(BigInt64Array.of(2n ** 60n + 1n))
    expect(tensor([true, 5n, -3], undefined, 'int8').data).toEqual(Int8Array.of(1, 5, -3))
    expect(tensor([1e300]).data).toEqual(Float32Array.of(Infinity))
  })

  test('takes more scalars than an array of them has room for', () => {
    const script = `const { tensor } = require(${JSON.stringify(path.join(__dirname, '..'))})
      const row = Array(2 ** 16).fill(1)
      process.stdout.write(String(tensor(Array(2 ** 8).fill(row), undefined, 'int8').data.at(-1)))`
    const printed = execFileSync(process.execPath, ['--max-old-space-size=64', '-e', script], { encoding: 'utf8' })
    expect(printed).toBe('1')
  })

  test('reads arrays by their length and elements, not by their methods', () => {
    const odd = Object.assign([1, 2], { slice: () => ({}), [Symbol.iterator]: () => [1, 2, 3].values() })
    expect(tensor(odd).shape).toEqual([2])
    const shape = new Tensor(Float32Array.of(1, 2), Object.assign([2, 1], { slice: () => 7 })).shape
    expect(Object.keys(shape)).toEqual(['0', '1'])
  })

  test('refuses an array without an end', () => {
    const endless: unknown[] = []
    endless.push(endless)
    expectError(() => tensor(endless as never), RangeError, 'ERR_SHAPE', 'values', '64 dimensions')
    const deep = (depth: number): NestedArray => (depth === 0 ? 1 : [deep(depth - 1)])
    expect(tensor(deep(64)).shape).toHaveLength(64)
    expectError(() => tensor(deep(65)), RangeError, 'ERR_SHAPE', 'values', '64 dimensions')
    const ones = Array<number>(65).fill(1)
    expectError(() => new Tensor(new Float32Array(1), ones), RangeError, 'ERR_SHAPE', 'shape', '64 dimensions', '65')
  })
})

describe('view', () => {
  const data = Float32Array.of(1, 2, 3, 4)

  test('reads shape or dims, and a bool by its type', () => {
    expect(view({ data, shape: [2, 2] }, 'x')).toEqual({ data, shape: [2, 2], type: 'float32' })
    expect(view({ data, dims: [4, 1] }, 'x')).toEqual({ data, shape: [4, 1], type: 'float32' })
    expect(view({ data, shape: [4], dims: [4] }, 'x').shape).toEqual([4])
    expect(view({ data: Uint8Array.of(1), shape: [1], type: 'bool' }, 'x').type).toBe('bool')
    expect(view({ data: Uint8Array.of(1), shape: [1], type: 'other' }, 'x').type).toBe('uint8')
    const made = new Tensor(data, [4])
    expect(view(made, 'x')).toBe(made)
  })

  test('names the argument in every error', () => {
    expectError(() => view(3, 'x'), TypeError, 'ERR_ARG_TYPE', 'for x', 'a tensor { data, shape }', '3')
    expectError(() => view(null, 'x'), TypeError, 'ERR_ARG_TYPE', 'for x', 'a tensor { data, shape }', 'null')
    expectError(() => view([1], 'x'), TypeError, 'ERR_ARG_TYPE', 'for x', 'a tensor', 'an array of length 1')
    expectError(() => view({ data }, 'x'), TypeError, 'ERR_ARG_TYPE', 'for x', 'shape or dims', 'neither')
    expectError(() => view({ data, shape: null }, 'x'), TypeError, 'ERR_ARG_TYPE', 'for x', 'shape or dims', 'neither')
    expectError(() => view({ data, shape: [3] }, 'x'), RangeError, 'ERR_SHAPE', 'x.shape', '4 elements', '[3]')
    expectError(() => view({ data, dims: [3] }, 'x'), RangeError, 'ERR_SHAPE', 'x.dims', '4 elements', '[3]')
    expectError(() => view({ data, dims: 4 }, 'x'), TypeError, 'ERR_ARG_TYPE', 'x.dims', 'an array of sizes', '4')
    expectError(() => view({ data: [1], shape: [1] }, 'x'), TypeError, 'ERR_ARG_TYPE', 'x.data', 'Float32Array')
    expectError(() => view({ data, shape: [4], dims: [2, 2] }, 'x'), RangeError, 'ERR_SHAPE', 'x has', '[4]', '[2, 2]')
    const bool = { data, shape: [4], type: 'bool' }
    expectError(() => view(bool, 'x'), TypeError, 'ERR_DTYPE', 'x.data', '"bool"', 'a Float32Array')
  })

  test('refuses a tensor that has lost its memory', () => {
    const made = new Tensor(Float32Array.of(1), [1])
    structuredClone(made.data.buffer, { transfer: [made.data.buffer] })
    expectError(() => view(made, 'x'), TypeError, 'ERR_DETACHED', 'for x', 'its own', 'lost')
  })
})

describe('allocation', () => {
  test('of zeros, by type and shape', () => {
    expect(allocate('int16', [2, 1])).toEqual(new Tensor(new Int16Array(2), [2, 1]))
    expect(allocate('bool', [2])).toEqual(new Tensor(new Uint8Array(2), [2], 'bool'))
    expect(sizeOf([])).toBe(1)
    expect(sizeOf([3, 0, 5])).toBe(0)
    expect(sizeOf([3, 4, 5])).toBe(60)
  })

  test('of what no machine has is an error with its size', () => {
    const allocateVast = (): void => {
      allocateData('float64', 2 ** 50)
    }
    expectError(allocateVast, RangeError, 'ERR_ALLOCATION', 'float64', '8388608.0 GiB', String(2 ** 50))
    expectError(() => allocate('int8', [2 ** 60, 2 ** 60]), RangeError, 'ERR_ALLOCATION', 'int8', 'GiB')
  })
})

describe('of results and of odd arguments', () => {
  test('the shape of every result is frozen', () => {
    const packed = packSequence([tensor([[1, 2]])])
    const { output, state } = new LSTM({ inputSize: 2, hiddenSize: 3 }).forwardSync(packed)
    for (const { shape } of [
      tensor([1]),
      tensor(Float32Array.of(1)),
      packed.data,
      ...unpackSequence(packed),
      output.data,
      state.h,
      state.c
    ]) {
      expect(Object.isFrozen(shape)).toBe(true)
    }
  })

  test('a shape that is none, beside dims', () => {
    const data = Float32Array.of(1, 2, 3, 4)
    expectError(
      () => view({ data, shape: 4, dims: [4] }, 'x'),
      TypeError,
      'ERR_ARG_TYPE',
      'x.shape',
      'an array of sizes',
      '4'
    )
  })

  test('takes the type of the first value, whatever follows', () => {
    expect(tensor([1, 2n, true])).toEqual(tensor([1, 2, 1]))
    expect(tensor([2n, 1])).toEqual(tensor([2n, 1n]))
  })
})
