import { readdirSync } from 'node:fs'
import path from 'node:path'
import {
  loadSafetensors,
  packPaddedSequence,
  PackedSequence,
  type Tensor,
  type TensorLike,
  type TypedArray,
  unpackSequence
} from '../lib'
import { type ModuleName, reference } from './reference'
import { type AnyOptions, isas, type Job, maxError, modules, rowsOf, runUnder, stateOf } from './support'

/** One run of PyTorch; test/golden/README.md says what a file holds. */
interface Golden {
  readonly module: ModuleName
  readonly options: AnyOptions
  readonly kind: 'padded' | 'unbatched' | 'packed' | 'unsorted'
  readonly lengths: readonly number[]
  readonly tensors: Readonly<Record<string, Tensor<TypedArray>>>
  readonly weights: Readonly<Record<string, Tensor<TypedArray>>>
  readonly state: { h: Tensor<TypedArray>; c?: Tensor<TypedArray> } | null
}

const folder = path.join(__dirname, 'golden')
const files = readdirSync(folder).filter((file) => file.endsWith('.safetensors'))

const camelCase = (name: string): string => name.replace(/_./g, ([, letter]) => letter!.toUpperCase())

async function load(file: string): Promise<Golden> {
  const loaded = await loadSafetensors(path.join(folder, file))
  const tensors: Record<string, Tensor<TypedArray>> = loaded
  const { module, options, input_kind: kind, lengths } = loaded.metadata as Record<string, string>
  const named = Object.entries(JSON.parse(options!) as object).map(([name, value]) => [
    camelCase(name),
    value as unknown
  ])
  const weights = Object.entries(tensors).filter(([name]) => name.startsWith('weights.'))
  const { h0, c0 } = tensors
  return {
    module: module as ModuleName,
    options: Object.fromEntries(named) as AnyOptions,
    kind: kind as Golden['kind'],
    lengths: JSON.parse(lengths!) as number[],
    tensors,
    weights: Object.fromEntries(weights.map(([name, tensor]) => [name.slice('weights.'.length), tensor])),
    state: h0 ? { h: h0, ...(c0 && { c: c0 }) } : null
  }
}

const isPacked = ({ kind }: Golden): boolean => kind === 'packed' || kind === 'unsorted'

function packedInput({ kind, lengths, options: { batchFirst = false }, tensors }: Golden): PackedSequence {
  return packPaddedSequence(tensors['input']!, lengths, { batchFirst, enforceSorted: kind === 'packed' })
}

/** PyTorch's own packed sequence, with some data. */
function packedByTorch<D extends TypedArray>({ tensors }: Golden, data: TensorLike<D>): PackedSequence<D> {
  const indices = (name: string): Int32Array | null =>
    tensors[name] ? Int32Array.from(tensors[name].data as BigInt64Array, Number) : null
  return new PackedSequence(data, indices('packed.batch_sizes')!, indices('packed.sorted_indices'))
}

/** The sequences of an output, whatever its layout: those of a packed one in the caller's order. */
function sequencesOf(data: TypedArray, packed?: PackedSequence<TypedArray>): TypedArray[] {
  if (!packed) return [data]
  const width = data.length / packed.data.shape[0]!
  return unpackSequence(packed.withData({ data, shape: [packed.data.shape[0]!, width] })).map((one) => one.data)
}

function flat(arrays: readonly TypedArray[]): number[] {
  return arrays.flatMap((array) => Array.from(array as Float32Array))
}

/** What PyTorch returned, in float32 or float64 (suffix '64'): outputs and states. */
function torchResult(golden: Golden, suffix: '' | '64'): Record<'output' | 'h' | 'c', number[]> {
  const { tensors } = golden
  const data = tensors[`output${suffix}${isPacked(golden) ? '.data' : ''}`]!
  const packed = isPacked(golden) ? packedByTorch(golden, data) : undefined
  const state = (name: string): number[] => Array.from((tensors[name + suffix]?.data ?? []) as Float32Array)
  return { output: flat(sequencesOf(data.data, packed)), h: state('h_n'), c: state('c_n') }
}

async function job(file: string): Promise<Job> {
  const golden = await load(file)
  const { module, options, weights: stateDict, state } = golden
  if (!isPacked(golden)) return { module, options, stateDict, input: golden.tensors['input']!, state }
  const { data, batchSizes, sortedIndices } = packedInput(golden)
  return { module, options, stateDict, input: [data, batchSizes, sortedIndices], state }
}

test('there is golden data of every module', () => {
  for (const name of Object.keys(modules)) {
    expect(files.filter((file) => file.startsWith(name.toLowerCase())).length).toBeGreaterThan(2)
  }
})

describe.each(files)('%s', (file) => {
  test('the reference in float64 agrees with PyTorch in float64', async () => {
    const golden = await load(file)
    const { module, options, weights, state, tensors, kind } = golden
    const batched = kind !== 'unbatched'
    const input = isPacked(golden)
      ? unpackSequence(packedInput(golden))
      : batched
        ? unpackSequence(packPaddedSequence(tensors['input']!, golden.lengths))
        : [tensors['input']!]
    const expected = torchResult(golden, '64')
    const initial = (name: 'h' | 'c', b: number): ReturnType<typeof stateOf> | undefined => {
      const tensor = state?.[name] as Tensor | undefined
      return tensor && (batched ? stateOf(tensor, b) : rowsOf(tensor))
    }
    const results = input.map((sequence, b) => {
      return reference(module, options, weights, rowsOf(sequence), initial('h', b), initial('c', b))
    })
    const states = (name: 'h' | 'c'): number[] =>
      results[0]![name].flatMap((_, i) => results.flatMap((r) => r[name][i]!))
    const output = results.map((result) => result.output)
    const inLayout = kind === 'padded' ? output[0]!.flatMap((_, t) => output.map((rows) => rows[t]!)) : output.flat()
    expect(maxError(inLayout.flat(), expected.output)).toBeLessThan(1e-12)
    expect(maxError(states('h'), expected.h)).toBeLessThan(1e-12)
    if (module === 'LSTM') expect(maxError(states('c'), expected.c)).toBeLessThan(1e-12)
  })
})

test('packing gives what PyTorch packed; in any order where lengths are equal', async () => {
  const packed = (await Promise.all(files.map(load))).filter(isPacked)
  expect(packed.length).toBeGreaterThan(10)
  for (const golden of packed) {
    const ours = packedInput(golden)
    const torch = packedByTorch(golden, golden.tensors['packed.data']!)
    expect(ours.batchSizes).toEqual(torch.batchSizes)
    expect(unpackSequence(ours)).toEqual(unpackSequence(torch))
    if (golden.kind === 'unsorted' && new Set(golden.lengths).size < golden.lengths.length) continue
    expect(ours.data.data).toEqual(torch.data.data)
    expect(ours.sortedIndices).toEqual(torch.sortedIndices)
    expect(ours.unsortedIndices).toEqual(torch.unsortedIndices)
  }
})

describe.each(isas)('B59 on %s: the error is at most twice that of PyTorch in float32, plus 1e-7', (isa) => {
  let results: Awaited<ReturnType<typeof runUnder>>
  beforeAll(async () => {
    results = await runUnder(isa, await Promise.all(files.map(job)))
  })

  test.each(files)('%s', async (file) => {
    const golden = await load(file)
    const { output, h, c } = results[files.indexOf(file)]!
    const packed = isPacked(golden) ? packedInput(golden) : undefined
    const ours = { output: flat(sequencesOf(output, packed)), h: Array.from(h), c: Array.from(c ?? []) }
    const exact = torchResult(golden, '64')
    const float32 = torchResult(golden, '')
    for (const name of ['output', 'h', 'c'] as const) {
      expect(maxError(ours[name], exact[name])).toBeLessThanOrEqual(2 * maxError(float32[name], exact[name]) + 1e-7)
    }
  })
})
