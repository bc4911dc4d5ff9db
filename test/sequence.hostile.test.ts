// What a caller can pass by mistake or by malice must end in an error with a code, and never in a crash.
import {
  lastSteps,
  packPaddedSequence,
  packSequence,
  PackedSequence,
  padPackedSequence,
  padSequence,
  unpackSequence,
  unpadSequence
} from '../lib/sequence'
import { Tensor, type TensorLike, type TypedArray } from '../lib/tensor'
import { resizable } from './support'
import { expectError } from './thrown'

const floats = (...values: number[]): Tensor => new Tensor(Float32Array.from(values), [values.length])
const packedPair = (): PackedSequence => packSequence([floats(1), floats(2, 3)], { enforceSorted: false })
const consumers: readonly [string, (p: PackedSequence) => unknown][] = [
  ['padPackedSequence', padPackedSequence],
  ['unpackSequence', unpackSequence],
  ['lastSteps', lastSteps]
]

function detach(array: TypedArray): void {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] })
}

describe('memory that has gone', () => {
  test('of a tensor-like whose buffer has shrunk', () => {
    const buffer = resizable(16)
    const data = new Float32Array(buffer)
    buffer.resize(0)
    expectError(
      () => padSequence([{ data, shape: [2, 2] }]),
      TypeError,
      'ERR_DETACHED',
      'sequences[0].shape',
      '4 elements',
      'empty or detached'
    )
  })

  test('of a tensor', () => {
    const gone = new Tensor(Float32Array.of(1, 2), [1, 2])
    detach(gone.data)
    const calls: readonly [() => unknown, string][] = [
      [() => packPaddedSequence(gone, [1]), 'input'],
      [() => unpadSequence(gone, [1]), 'padded'],
      [() => padSequence([gone]), 'sequences[0]'],
      [() => packSequence([gone]), 'sequences[0]'],
      [() => padSequence(gone), 'sequences'],
      [() => new PackedSequence(gone, [1]), 'data']
    ]
    for (const [call, argument] of calls) expectError(call, TypeError, 'ERR_DETACHED', argument, 'lost', 'a copy')
  })

  test('of a tensor, to the reading of its lengths', () => {
    const calls = [
      [packPaddedSequence, 'input'],
      [unpadSequence, 'padded']
    ] as const
    for (const [call, argument] of calls) {
      const input = new Tensor(Float32Array.of(1, 2), [1, 2])
      const lengths = new Proxy([1, 1], {
        get(target, key): unknown {
          if (input.data.length > 0) detach(input.data)
          return Reflect.get(target, key)
        }
      })
      expectError(() => call(input, lengths), TypeError, 'ERR_DETACHED', argument, 'lost', 'a copy')
    }
  })

  test('of a tensor-like', () => {
    const data = Float32Array.of(1, 2)
    detach(data)
    const pack = (): void => {
      packPaddedSequence({ data, shape: [1, 2] }, [1], { batchFirst: true })
    }
    expectError(pack, TypeError, 'ERR_DETACHED', 'input.shape', '2 elements', 'empty or detached')
  })

  test('of lengths: none are left', () => {
    const lengths = Int32Array.of(1, 1)
    detach(lengths)
    const input = new Tensor(Float32Array.of(1, 2), [1, 2])
    expectError(
      () => packPaddedSequence(input, lengths),
      RangeError,
      'ERR_LENGTHS',
      'lengths',
      'Expected 2',
      'received 0'
    )
  })

  test.each(consumers)('of a packed sequence that %s takes', (_, consume) => {
    const withoutData = packedPair()
    detach(withoutData.data.data)
    expectError(() => consume(withoutData), TypeError, 'ERR_DETACHED', 'p.data', 'lost')
    const withoutSizes = packedPair()
    detach(withoutSizes.batchSizes)
    expectError(() => consume(withoutSizes), RangeError, 'ERR_PACKED_SEQUENCE', 'batchSizes', '3 rows', 'a sum of 0')
    const withoutIndices = packedPair()
    detach(withoutIndices.sortedIndices!)
    expectError(() => consume(withoutIndices), RangeError, 'ERR_PACKED_SEQUENCE', 'sortedIndices', '0 to 1')
  })

  test('while the sequences are being read: the item is refused when its turn comes', () => {
    const first = floats(1, 2)
    const items = function* (): Generator<TensorLike> {
      yield first
      detach(first.data)
      yield floats(3)
    }
    expectError(() => padSequence(items()), TypeError, 'ERR_DETACHED', 'sequences[0]', 'lost')
    const getter = {
      data: Float32Array.of(1),
      get shape() {
        detach(second.data)
        return [1]
      }
    }
    const second = floats(1, 2)
    const pack = (): void => {
      packSequence([second, getter])
    }
    expectError(pack, TypeError, 'ERR_DETACHED', 'sequences[0]', 'lost')
    const third = floats(1, 2)
    const padding = {
      data: Float32Array.of(1),
      get shape() {
        detach(third.data)
        return [1]
      }
    }
    expectError(() => padSequence([third, padding]), TypeError, 'ERR_DETACHED', 'sequences[0]', 'lost')
    const fourth = floats(1, 2)
    const option = {
      get paddingValue() {
        detach(fourth.data)
        return 0
      }
    }
    expectError(() => padSequence([fourth, floats(3)], option), TypeError, 'ERR_DETACHED', 'sequences[0]', 'lost')
  })

  test('while it is shared: a shrunk buffer is refused', () => {
    const buffer = resizable(16)
    const tracking = new Tensor(new Float32Array(buffer), [2, 2])
    const fixed = new Tensor(new Float32Array(buffer, 4, 3), [1, 3])
    buffer.resize(8)
    expectError(() => packPaddedSequence(tracking, [1, 1]), TypeError, 'ERR_DETACHED', 'input', 'lost')
    expectError(() => padSequence([tracking]), TypeError, 'ERR_DETACHED', 'sequences[0]', 'lost')
    expectError(() => padSequence([fixed]), TypeError, 'ERR_DETACHED', 'sequences[0]', 'lost')
    buffer.resize(32)
    expectError(() => padSequence([tracking]), TypeError, 'ERR_DETACHED', 'sequences[0]', 'lost')
  })
})

describe('a structure that has been written to', () => {
  const damages: readonly [string, 'batchSizes' | 'sortedIndices', readonly number[]][] = [
    ['a batch size grows', 'batchSizes', [1, 2]],
    ['a batch size is zero', 'batchSizes', [3, 0]],
    ['a batch size is negative', 'batchSizes', [2, -1]],
    ['a batch size is enormous', 'batchSizes', [2 ** 31 - 1, 2 ** 31 - 1]],
    ['the batch sizes sum to less', 'batchSizes', [1, 1]],
    ['the batch sizes sum to more', 'batchSizes', [2, 2]],
    ['an index is double', 'sortedIndices', [0, 0]],
    ['an index is negative', 'sortedIndices', [-1, 0]],
    ['an index is too large', 'sortedIndices', [2, 0]]
  ]
  for (const [what, argument, values] of damages) {
    test.each(consumers)(`${what}: %s refuses it`, (_, consume) => {
      const packed = packedPair()
      packed[argument]!.set(values)
      expectError(() => consume(packed), RangeError, 'ERR_PACKED_SEQUENCE', argument, 'Expected', 'written to')
    })
  }

  test('a copy that skipped the constructor is held to the same checks', () => {
    const forged = Object.assign(Object.create(PackedSequence.prototype) as PackedSequence, packedPair(), {
      batchCount: 1
    })
    for (const [, consume] of consumers) {
      expectError(() => consume(forged), RangeError, 'ERR_PACKED_SEQUENCE', 'batchSizes', 'from 1 to 1', 'received 2')
    }
  })
})

describe('memory of every kind', () => {
  const values = [1, 2, 3, 4, 5, 6]
  const expected = [1, 4, 2, 5, 3]
  const pack = (data: Float32Array): Float32Array =>
    packPaddedSequence({ data, shape: [2, 3] }, [3, 2], { batchFirst: true }).data.data

  test('a part of a larger array', () => {
    const whole = Float32Array.of(-1, ...values, -1)
    expect(Array.from(pack(whole.subarray(1, 7)))).toEqual(expected)
    const offset = new Float64Array(new ArrayBuffer(64), 16, 4)
    offset.set([1, 2, 3, 4])
    const packed = new PackedSequence({ data: offset.subarray(1), shape: [3] }, Int32Array.of(0, 2, 1).subarray(1))
    expect(padPackedSequence(packed).padded.toArray()).toEqual([[2, 3], [4, 0]]) // prettier-ignore
    expect(unpackSequence(packed).map((sequence) => sequence.toArray())).toEqual([[2, 4], [3]])
  })

  test('a SharedArrayBuffer, for data and for lengths', () => {
    const data = new Float32Array(new SharedArrayBuffer(32), 4, 6)
    data.set(values)
    expect(Array.from(pack(data))).toEqual(expected)
    const lengths = new Int32Array(new SharedArrayBuffer(8))
    lengths.set([3, 2])
    const packed = packPaddedSequence({ data, shape: [2, 3] }, lengths, { batchFirst: true })
    expect(packed.data.toArray()).toEqual(expected)
    lengths.set([5, 0])
    const shared = new PackedSequence(packed.data, lengths.subarray(0, 1))
    lengths.fill(0)
    expect(shared.batchSizes).toEqual(Int32Array.of(5))
    expect(shared.batchSizes.buffer).toBeInstanceOf(ArrayBuffer)
    expect(padSequence([{ data, shape: [2, 3] }]).toArray()).toEqual([[[1, 2, 3]], [[4, 5, 6]]]) // prettier-ignore
  })

  test('a resizable buffer, of fixed length and tracking it', () => {
    const buffer = resizable(16)
    const tracking = new Float32Array(buffer)
    buffer.resize(24)
    tracking.set(values)
    expect(tracking).toHaveLength(6)
    expect(Array.from(pack(tracking))).toEqual(expected)
    expect(Array.from(pack(new Float32Array(buffer, 0, 6)))).toEqual(expected)
  })

  test('an array of another realm’s or of a derived class', () => {
    class Mine extends Float32Array {}
    expect(Array.from(pack(Mine.from(values)))).toEqual(expected)
    expect(padSequence({ data: Mine.from(values), shape: [1, 2, 3] }, { batchFirst: true }).toArray()).toEqual([[[1, 2, 3], [4, 5, 6]]]) // prettier-ignore
  })

  test('an array that lies about its length', () => {
    class Liar extends Float32Array {
      override get length(): number {
        return 600
      }
    }
    const data = Liar.from(values)
    const lie = { data, shape: [2, 300] }
    const calls: readonly (() => unknown)[] = [
      () => packPaddedSequence(lie, [300, 2], { batchFirst: true }),
      () => unpadSequence(lie, [300, 2], { batchFirst: true }),
      () => unpackSequence(new PackedSequence({ data, shape: [600] }, new Int32Array(600).fill(1)))
    ]
    for (const call of calls)
      expect(call).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_/) as string }))
  })

  test('an array of no element type there is', () => {
    for (const data of [
      new Uint32Array(2),
      new Uint8ClampedArray(2),
      new BigUint64Array(2),
      [1, 2],
      new DataView(new ArrayBuffer(8))
    ]) {
      const tensorLike = { data, shape: [1, 2] } as never
      expectError(() => padSequence([tensorLike]), TypeError, 'ERR_ARG_TYPE', 'sequences[0].data', 'Float32Array')
    }
    const proxy = { data: new Proxy(Float32Array.of(1, 2), {}), shape: [1, 2] }
    expectError(() => packPaddedSequence(proxy, [1]), TypeError, 'ERR_ARG_TYPE', 'input.data', 'Float32Array')
  })
})

describe('sizes', () => {
  const none = Float32Array.of()

  test('that no data has are refused', () => {
    for (const shape of [[2 ** 40, 2 ** 40], [-1], [0.5, 2], [NaN], [2 ** 53]]) {
      const tensorLike = { data: Float32Array.of(1), shape } as never
      expectError(() => padSequence([tensorLike]), RangeError, 'ERR_SHAPE', 'sequences[0].shape', 'Expected')
    }
    const product = { data: none, shape: [2 ** 32, 2 ** 32] }
    expectError(() => padSequence([product]), RangeError, 'ERR_SHAPE', 'sequences[0].shape', '0 elements')
    const text = { data: Float32Array.of(1), shape: ['1'] } as never
    expectError(() => padSequence([text]), TypeError, 'ERR_ARG_TYPE', 'sequences[0].shape', '"1"')
  })

  test('of tensors without elements may be anything, and cost nothing', () => {
    const vast = { data: none, shape: [2 ** 40, 2 ** 40, 0] }
    expect(padSequence([vast, { data: none, shape: [3, 2 ** 40, 0] }]).shape).toEqual([2 ** 40, 2, 2 ** 40, 0])
    expect(unpadSequence({ data: none, shape: [2 ** 40, 1, 0] }, [2 ** 31 - 1])[0]!.shape).toEqual([2 ** 31 - 1, 0])
    expectError(
      () => padSequence(vast),
      RangeError,
      'ERR_ALLOCATION',
      'sequences',
      'no more than',
      '1099511627776 sequences'
    )
    const wide = { data: none, shape: [0, 2 ** 31, 2 ** 31] }
    expectError(
      () => padSequence([wide]),
      RangeError,
      'ERR_SHAPE',
      'sequences',
      'fewer than 2^53',
      '2147483648, 2147483648'
    )
    expectError(() => packPaddedSequence(vast, [1]), RangeError, 'ERR_EMPTY', 'input', 'cannot pack an empty tensor')
    const rows = new PackedSequence({ data: none, shape: [3, 0] }, [2, 1])
    expect(padPackedSequence(rows, { totalLength: 2 ** 31 - 1 }).padded.shape).toEqual([2 ** 31 - 1, 2, 0])
    expect(unpackSequence(rows).map(({ shape }) => shape)).toEqual([[2, 0], [1, 0]]) // prettier-ignore
    expect(lastSteps(rows).shape).toEqual([2, 0])
  })

  test('of more sequences than the heap has room for are refused', () => {
    const most = 'no more than'
    const packed = new PackedSequence({ data: none, shape: [2 ** 25, 0] }, [2 ** 25])
    expectError(() => unpackSequence(packed), RangeError, 'ERR_ALLOCATION', 'for p', most, '33554432 sequences')
    const padded = { data: none, shape: [1, 2 ** 25, 0] }
    const unpad = (): unknown => unpadSequence(padded, new Int32Array(2 ** 25))
    expectError(unpad, RangeError, 'ERR_ALLOCATION', 'for padded', most, '33554432 sequences')
    const endless = function* (): Generator<TensorLike> {
      for (const item = floats(1); ;) yield item
    }
    expectError(
      () => padSequence(endless()),
      RangeError,
      'ERR_ALLOCATION',
      'for sequences',
      most,
      'node --max-old-space-size'
    )
  })

  test('of results that no machine holds are refused', () => {
    const packed = new PackedSequence({ data: new Float32Array(2 ** 16), shape: [1, 2 ** 16] }, [1])
    const pad = (): void => {
      padPackedSequence(packed, { totalLength: 2 ** 31 - 1 })
    }
    expectError(pad, RangeError, 'ERR_ALLOCATION', 'float32', 'GiB')
  })
})

describe('sizes that were written to', () => {
  test('lengths are those of the batch, whatever was written to the sizes', () => {
    const packed = packedPair()
    packed.batchSizes.fill(3)
    expect(Object.entries(packed.lengths())).toEqual([['0', 2], ['1', 2]]) // prettier-ignore
  })
})
