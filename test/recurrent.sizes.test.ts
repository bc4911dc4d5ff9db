import { packSequence } from '../lib'
import { type ModuleName, reference, type ReferenceResult } from './reference'
import {
  type AnyOptions,
  expectSameArrays,
  generator,
  isas,
  type Job,
  type JobResult,
  maxError,
  randomStateDict,
  randomTensor,
  rowsOf,
  runUnder
} from './support'

// A vector holds 4, 8 or 16 lanes: the sizes around each, where a tail begins or ends.
const lanes = [4, 8, 16]
const sizes = [...new Set(lanes.flatMap((lane) => [1, lane - 1, lane, lane + 1, 2 * lane + 3]))].sort((a, b) => a - b)

/** float32 against float64, over at most five steps of numbers below ten. */
const tolerance = 5e-6

interface Case {
  readonly title: string
  readonly module: ModuleName
  readonly options: AnyOptions
  readonly lengths: readonly number[]
}

const kinds: [ModuleName, Partial<AnyOptions>][] = [
  ['LSTM', {}],
  ['GRU', {}],
  ['RNN', {}],
  ['RNN', { nonlinearity: 'relu' }]
]

const lengthsOf = (batch: number): number[] => Array.from({ length: batch }, (_, b) => 1 + ((b * 7 + 3) % 5))

const dimensions: Record<string, (size: number) => [Partial<AnyOptions>, number]> = {
  hiddenSize: (size) => [{ hiddenSize: size, inputSize: 3 }, 3],
  inputSize: (size) => [{ hiddenSize: 6, inputSize: size }, 3],
  batch: (size) => [{ hiddenSize: 9, inputSize: 5 }, size],
  everything: (size) => [{ hiddenSize: size, inputSize: size, bidirectional: true }, size]
}

const cases: Case[] = sizes.flatMap((size) => [
  ...kinds.flatMap(([module, some]) =>
    Object.entries(dimensions).map(([dimension, make]): Case => {
      const [options, batch] = make(size)
      const title = `${module} ${some.nonlinearity ?? ''} with ${dimension} ${String(size)}`
      return { title, module, options: { ...some, ...options } as AnyOptions, lengths: lengthsOf(batch) }
    })
  ),
  {
    title: `LSTM with projSize ${String(size)}`,
    module: 'LSTM',
    options: { hiddenSize: 37, inputSize: 2, projSize: size, numLayers: 2 },
    lengths: lengthsOf(5)
  }
])

function jobOf({ module, options, lengths }: Case, seed: number): { job: Job; expected: ReferenceResult[] } {
  const random = generator(seed)
  const stateDict = randomStateDict(module, options, random)
  const sequences = lengths.map((steps) => randomTensor(random, [steps, options.inputSize], 2))
  const { data, batchSizes, sortedIndices } = packSequence(sequences, { enforceSorted: false })
  const expected = sequences.map((sequence) => reference(module, options, stateDict, rowsOf(sequence)))
  return { job: { module, options, stateDict, input: [data, batchSizes, sortedIndices], state: null }, expected }
}

/** The states of many sequences, as [layers, batch, size]. */
const statesOf = (results: readonly ReferenceResult[], name: 'h' | 'c'): number[] =>
  results[0]![name].flatMap((_, layer) => results.flatMap((result) => result[name][layer]!))

/** The rows of many sequences, step by step, longest first, as a packed output has them. */
function packedRows(results: readonly ReferenceResult[]): number[] {
  const sorted = [...results].sort((a, b) => b.output.length - a.output.length)
  return sorted[0]!.output.flatMap((_, t) => sorted.flatMap((result) => result.output[t] ?? []))
}

const jobs = cases.map(jobOf)
const results = new Map<string, readonly JobResult[]>()

beforeAll(async () => {
  const all = jobs.map(({ job }) => job)
  for (const isa of isas) results.set(isa, await runUnder(isa, all))
})

test('the sizes are those around every lane count', () => {
  expect(sizes).toEqual([1, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 19, 35])
})

describe.each(cases.map(({ title }, i) => [title, i] as const))('%s', (_, i) => {
  test('is what the reference computes in float64', () => {
    const { output, h, c } = results.get(isas[0]!)![i]!
    const { expected, job } = jobs[i]!
    expect(maxError(output, packedRows(expected))).toBeLessThan(tolerance)
    expect(maxError(h, statesOf(expected, 'h'))).toBeLessThan(tolerance)
    if (job.module === 'LSTM') expect(maxError(c!, statesOf(expected, 'c'))).toBeLessThan(tolerance)
  })

  test('B58 has the same bits on every instruction set', () => {
    const first = results.get(isas[0]!)![i]!
    for (const isa of isas) {
      const other = results.get(isa)![i]!
      expectSameArrays(other.output, first.output)
      expectSameArrays(other.h, first.h)
      if (first.c) expectSameArrays(other.c!, first.c)
    }
  })
})
