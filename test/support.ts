import { execFile, fork } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import type { LSTMOptions, RNNOptions } from '../lib'
import { GRU, LSTM, RNN, runtime, Tensor, type TensorLike } from '../lib'
import type { ModuleName, Rows } from './reference'

export const modules = { LSTM, GRU, RNN }

/** The options of every module together, for tests that run through all of them. */
export type AnyOptions = LSTMOptions & RNNOptions

export type AnyModule = LSTM | GRU | RNN

/** Numbers from 0 to 1 that are the same at every run (mulberry32). */
export function generator(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function randomTensor(random: () => number, shape: readonly number[], scale = 1): Tensor {
  const length = shape.reduce((product, extent) => product * extent, 1)
  return new Tensor(
    Float32Array.from({ length }, () => (2 * random() - 1) * scale),
    shape
  )
}

/** Weights that differ from gate to gate in their mean as well, so that no two gates can be taken for each other unseen. */
export function randomStateDict(name: ModuleName, options: AnyOptions, random: () => number): Record<string, Tensor> {
  const parameters = Object.entries(newModule(name, options).stateDict())
  const scale = 1.5 / Math.sqrt(options.hiddenSize)
  return Object.fromEntries(
    parameters.map(([key, { shape }]) => {
      const values = randomTensor(random, shape, scale)
      if (key.startsWith('bias')) {
        values.data.forEach((value, i) => {
          values.data[i] = value + 0.2 * Math.floor(i / options.hiddenSize) - 0.3
        })
      }
      return [key, values]
    })
  )
}

export function newModule(name: ModuleName, options: AnyOptions, stateDict?: Record<string, TensorLike>): AnyModule {
  return new (modules[name] as new (options: AnyOptions, stateDict?: Record<string, TensorLike>) => AnyModule)(
    options,
    stateDict
  )
}

export function randomModule(name: ModuleName, options: AnyOptions, seed: number): AnyModule {
  return newModule(name, options, randomStateDict(name, options, generator(seed)))
}

/** The shapes of a module's states for some sequences, or for one unbatched. */
export function randomState(module: AnyModule, random: () => number, ...batch: number[]): { h: Tensor; c?: Tensor } {
  const { hiddenSize, numLayers, bidirectional } = module.options
  const leading = [numLayers * (bidirectional ? 2 : 1), ...batch]
  const projSize = module instanceof LSTM ? module.options.projSize : 0
  const h = randomTensor(random, [...leading, projSize || hiddenSize])
  return module instanceof LSTM ? { h, c: randomTensor(random, [...leading, hiddenSize]) } : { h }
}

/** A tensor's innermost vectors, all of its leading dimensions taken as one. */
export function rowsOf({ data, shape, dims }: TensorLike): Rows {
  const width = (shape ?? dims)!.at(-1)!
  const rows = width === 0 ? 0 : data.length / width
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width) as Float32Array))
}

/** Sequence b of states [layers, batch, size]: one vector for each layer. */
export function stateOf(states: Tensor, b: number): Rows {
  const batch = states.shape[1]!
  return rowsOf(states).filter((_, i) => i % batch === b)
}

export function maxError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length)
  let most = 0
  for (let i = 0; i < actual.length; ++i) {
    const error = Math.abs(actual[i]! - expected[i]!)
    if (!(error <= most)) most = error
  }
  return most
}

/** Expects the same float32 bits in two tensors, which tells 0 from −0 as well. */
export function expectSameBits(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape)
  expectSameArrays(actual.data, expected.data)
}

export function expectSameArrays(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length)
  const [a, b] = [bitsOf(actual), bitsOf(expected)]
  expect(a.findIndex((bits, i) => bits !== b[i])).toBe(-1)
}

function bitsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length)
}

/** A run of a module, as it can be sent to another process. */
export interface Job {
  readonly module: ModuleName
  readonly options: AnyOptions
  readonly stateDict: Readonly<Record<string, TensorLike>>
  /** A tensor, or the parts of a packed sequence. */
  readonly input: TensorLike | readonly [TensorLike, Int32Array, Int32Array | null]
  readonly state: { readonly h: TensorLike; readonly c?: TensorLike } | null
}

export interface JobResult {
  readonly output: Float32Array
  readonly h: Float32Array
  readonly c: Float32Array | undefined
}

/** Runs jobs in a process of their own, in which an instruction set is forced, and checks that it was the one. */
export async function runUnder(isa: string, jobs: readonly Job[]): Promise<readonly JobResult[]> {
  const child = fork(path.join(__dirname, 'children', 'jobs.js'), {
    env: { ...process.env, PACKED_RNN_ISA: isa },
    execArgv: [],
    serialization: 'advanced'
  })
  const answer = new Promise<{ isa: string; results: JobResult[] }>((resolve, reject) => {
    child.once('message', resolve as (message: unknown) => void)
    child.once('exit', (code) => {
      reject(new Error(`the child process for ${isa} ended with ${String(code)}`))
    })
  })
  child.send(jobs)
  const { isa: used, results } = await answer
  expect(used).toBe(isa)
  return results
}

/** Runs a script of children/ in a process of its own, whose crash fails the test and not the tests; its output, parsed. */
export async function runChild(script: string, flags: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const args = [...flags, path.join(__dirname, 'children', script)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  return JSON.parse(stdout)
}

/** Whether the addon is built with sanitizers, which take memory in ways of their own. */
export const sanitized = process.env['LD_PRELOAD']?.includes('asan') ?? false

export const isas = runtime.supportedIsas

/** A buffer that can be resized: newer than the type library that the tests are compiled against. */
export function resizable(size: number, maxByteLength = 64): ArrayBuffer & { resize(size: number): void } {
  return Reflect.construct(ArrayBuffer, [size, { maxByteLength }]) as ArrayBuffer & { resize(size: number): void }
}
