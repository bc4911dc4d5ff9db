// Random shapes, against plain lists: a sequence is a list of steps, a step a list of its elements.
import {
  lastSteps,
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
  unpackSequence,
  unpadSequence,
  type PackedSequence
} from '../lib/sequence'
import { tensor, type Tensor, type DType, type TypedArray } from '../lib/tensor'

const dtypes: readonly DType[] = ['float32', 'float64', 'int8', 'uint8', 'int16', 'int32', 'int64', 'bool']
const trailings: readonly (readonly number[])[] = [
  [],
  [],
  [1],
  [2],
  [3],
  [4],
  [2, 2],
  [5],
  [3, 2],
  [8],
  [2, 2, 2],
  [17],
  [40]
]

/** A linear congruential generator: the same cases in every run. */
class Random {
  constructor(private state: number) {}

  below(limit: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.state / 2 ** 32) * limit)
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}

type Step = number[]

interface Case {
  readonly type: DType
  readonly trailing: readonly number[]
  readonly sequences: readonly Step[][]
  readonly sorted: boolean
  readonly paddingValue: number
  readonly extra: number
}

function randomCase(random: Random): Case {
  const type = random.pick(dtypes)
  const trailing = random.pick(trailings)
  const width = product(trailing)
  const batch = 1 + random.below(random.pick([3, 20, 70]))
  const longest = 1 + random.below(random.pick([3, 20, 70]))
  const element = (): number => (type === 'bool' ? random.below(2) : random.below(100))
  const step = (): Step => Array.from({ length: width }, element)
  const sequences = Array.from({ length: batch }, () => Array.from({ length: random.below(longest + 1) }, step))
  const sorted = random.below(2) === 0
  if (sorted) sequences.sort((a, b) => b.length - a.length)
  return { type, trailing, sequences, sorted, paddingValue: random.below(2), extra: random.pick([0, 0, 1, 9]) }
}

const product = (extents: readonly number[]): number => extents.reduce((size, extent) => size * extent, 1)
const longest = (sequences: readonly Step[][]): number => Math.max(...sequences.map(({ length }) => length))

function toTensor({ type, trailing }: Case, steps: readonly Step[], shape = [steps.length]): Tensor<TypedArray> {
  return tensor(steps.flat(), [...shape, ...trailing], type)
}

function padded(given: Case, steps: number, batchFirst: boolean, left = false): Tensor<TypedArray> {
  const { sequences, trailing, paddingValue } = given
  const filler = new Array<number>(product(trailing)).fill(paddingValue)
  const rows = sequences.map((sequence) => {
    const padding = Array.from({ length: steps - sequence.length }, () => filler)
    return left ? [...padding, ...sequence] : [...sequence, ...padding]
  })
  if (batchFirst) return toTensor(given, rows.flat(), [rows.length, steps])
  const turned = Array.from({ length: steps }, (_, t) => rows.map((row) => row[t]!))
  return toTensor(given, turned.flat(), [steps, rows.length])
}

/** What packing must give: data and batch sizes. */
function packed(given: Case): [Tensor<TypedArray>, Int32Array] {
  const byLength = given.sequences
    .map((sequence, i) => ({ sequence, i }))
    .sort((a, b) => b.sequence.length - a.sequence.length || a.i - b.i)
    .map(({ sequence }) => sequence)
  const times = Array.from({ length: longest(given.sequences) }, (_, t) => byLength.filter(({ length }) => length > t))
  const rows = times.flatMap((active, t) => active.map((sequence) => sequence[t]!))
  return [toTensor(given, rows), Int32Array.from(times, ({ length }) => length)]
}

/** toEqual takes seconds for the elements of all cases. */
function expectTensor(received: Tensor<TypedArray>, expected: Tensor<TypedArray>): void {
  expect([received.type, ...received.shape]).toEqual([expected.type, ...expected.shape])
  expect(received.data.constructor).toBe(expected.data.constructor)
  expect(Buffer.compare(bytes(received), bytes(expected))).toBe(0)
}

const bytes = ({ data }: Tensor<TypedArray>): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

function expectTensors(received: readonly Tensor<TypedArray>[], expected: readonly Tensor<TypedArray>[]): void {
  expect(received).toHaveLength(expected.length)
  expected.forEach((tensor, i) => {
    expectTensor(received[i]!, tensor)
  })
}

function check(given: Case): void {
  const { sequences, sorted, paddingValue, extra } = given
  const lengths = sequences.map(({ length }) => length)
  const items = sequences.map((sequence) => toTensor(given, sequence))
  const steps = longest(sequences)
  const [data, batchSizes] = packed(given)
  const o = { enforceSorted: sorted, allowZeroLength: true }

  const checkPacked = (result: PackedSequence): void => {
    expectTensor(result.data, data)
    expect(result.batchSizes).toEqual(batchSizes)
    expect(result.lengths()).toEqual(Int32Array.from(lengths))
    expect(result.batchCount).toBe(lengths.length)
  }
  const direct = packSequence(items, o)
  checkPacked(direct)
  expectTensors(unpackSequence(direct), items)
  const zeros = new Array<number>(product(given.trailing)).fill(0)
  const last = sequences.map((sequence) => sequence.at(-1) ?? zeros)
  expectTensor(lastSteps(direct), toTensor(given, last))
  for (const batchFirst of [true, false]) {
    const expected = padded(given, steps + extra, batchFirst)
    checkPacked(packPaddedSequence(expected, lengths, { batchFirst, ...o }))
    const back = padPackedSequence(direct, { batchFirst, paddingValue, totalLength: steps + extra })
    expectTensor(back.padded, expected)
    expect(back.lengths).toEqual(Int32Array.from(lengths))
    expectTensors(unpadSequence(expected, lengths, { batchFirst }), items)
    expectTensor(padSequence(items, { batchFirst, paddingValue }), padded(given, steps, batchFirst))
    const left = padSequence(items, { batchFirst, paddingValue, paddingSide: 'left' })
    expectTensor(left, padded(given, steps, batchFirst, true))
  }
}

test.each(Array.from({ length: 25 }, (_, i) => i))('random sequences, seed %i', (seed) => {
  const random = new Random(seed)
  for (let i = 0; i < 4; ++i) check(randomCase(random))
})
