import nodeGypBuild from 'node-gyp-build'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fail } from './errors'
import type { TypedArray } from './tensor'

/** The weights of a recurrent module or of a linear layer, repacked for the kernels; owned by native memory. */
export interface NativeModule {
  readonly [nativeModule]: true
}
declare const nativeModule: unique symbol

export type Cell = 'lstm' | 'gru' | 'rnn_tanh' | 'rnn_relu'

/**
 * Every native function. The binding trusts TypeScript for meaning and checks memory: that every array is as long as the
 * sizes say, that batch sizes never grow and sum to the rows, and that indices are a permutation.
 *
 * Terms: a row is one step of one sequence, `width` elements. `batchSizes[t]` is the number of sequences longer than t.
 * `order[i]` is the sequence, in the caller's order, that comes i-th by length; null when the caller's order is that one.
 * `batch` counts the sequences, those without steps included.
 */
export interface Native {
  /** padded (steps x batch x width, or batch x steps x width) → data. */
  packPadded(
    padded: TypedArray,
    data: TypedArray,
    batchSizes: Int32Array,
    order: Int32Array | null,
    batch: number,
    steps: number,
    width: number,
    batchFirst: boolean
  ): void
  /** data → padded; every element that no step falls on becomes fill[0]. */
  padPacked(
    data: TypedArray,
    padded: TypedArray,
    batchSizes: Int32Array,
    order: Int32Array | null,
    batch: number,
    steps: number,
    width: number,
    batchFirst: boolean,
    fill: TypedArray
  ): void
  /** sequences (one array each, caller's order) → data. */
  packSequences(
    sequences: readonly TypedArray[],
    data: TypedArray,
    batchSizes: Int32Array,
    order: Int32Array | null,
    width: number
  ): void
  /** data → sequences. */
  unpackSequences(
    data: TypedArray,
    sequences: readonly TypedArray[],
    batchSizes: Int32Array,
    order: Int32Array | null,
    width: number
  ): void
  /** sequences → padded, at the start of each row, or at its end if `left`. */
  padSequences(
    sequences: readonly TypedArray[],
    padded: TypedArray,
    steps: number,
    width: number,
    batchFirst: boolean,
    left: boolean,
    fill: TypedArray
  ): void
  /** padded → sequences, each from the start of its row. */
  unpadSequences(
    padded: TypedArray,
    sequences: readonly TypedArray[],
    steps: number,
    width: number,
    batchFirst: boolean
  ): void
  /**
   * data → last (batch x width): each sequence's last step, if bidirectional with the second half of its first; a
   * sequence without steps leaves zeros.
   */
  lastSteps(
    data: TypedArray,
    last: TypedArray,
    batchSizes: Int32Array,
    order: Int32Array | null,
    batch: number,
    width: number,
    bidirectional: boolean
  ): void

  /**
   * Repacks the weights of a module; `parameters` in PyTorch's order (layer by layer, direction by direction:
   * weight_ih, weight_hh, bias_ih, bias_hh if `bias`, weight_hr if `projSize` > 0).
   */
  createRecurrent(
    cell: Cell,
    inputSize: number,
    hiddenSize: number,
    projSize: number,
    numLayers: number,
    numDirections: number,
    bias: boolean,
    parameters: readonly Float32Array[]
  ): NativeModule
  /** The inverse for the matrices among the parameters, which it fills; biases have been added up. */
  unpackWeights(module: NativeModule, matrices: readonly Float32Array[]): void
  /**
   * Runs a module on packed rows (`batchSizes` given) or on padded ones (`batchSizes` null: `batch` sequences of `steps`
   * steps each). States are [layers x directions, batch, size] in the caller's order; null initial states are zeros;
   * hn may be h0, and cn may be c0. c0 and cn are null but for the LSTM.
   */
  forwardSync(
    module: NativeModule,
    input: Float32Array,
    batchSizes: Int32Array | null,
    order: Int32Array | null,
    batch: number,
    steps: number,
    batchFirst: boolean,
    h0: Float32Array | null,
    c0: Float32Array | null,
    output: Float32Array,
    hn: Float32Array,
    cn: Float32Array | null
  ): void
  /** The same off the event loop, unless it is brief; input, batchSizes, order, h0 and c0 are copied before it returns. */
  forward(...args: Parameters<Native['forwardSync']>): Promise<void>
  /**
   * Runs a module of one direction on one sequence, in place of forwardSync where a call counts. The states before and
   * after are h, [layers, size], and for the LSTM c behind it.
   */
  advance(
    module: NativeModule,
    input: Float32Array,
    steps: number,
    before: Float32Array,
    after: Float32Array,
    output: Float32Array
  ): void
  /**
   * The same for many sequences at once, packed, each with a state and an output of its own, in the caller's order; off
   * the event loop, unless it is brief. input and the states before must not change meanwhile.
   */
  advanceEach(
    module: NativeModule,
    input: Float32Array,
    batchSizes: Int32Array,
    order: Int32Array | null,
    before: readonly Float32Array[],
    after: readonly Float32Array[],
    outputs: readonly Float32Array[]
  ): Promise<void>

  /** weight [outFeatures, inFeatures] row-major, bias [outFeatures] or null. */
  createLinear(inFeatures: number, outFeatures: number, weight: Float32Array, bias: Float32Array | null): NativeModule
  linear(module: NativeModule, input: Float32Array, output: Float32Array): void
  /** Copies the rows that ids name into output; returns the position of the first id that is no row, or −1. */
  embed(weight: Float32Array, width: number, ids: Int32Array | BigInt64Array | Uint8Array, output: Float32Array): number

  setNumThreads(count: number): void
  getNumThreads(): number
  readonly isa: string
  readonly supportedIsas: readonly string[]
}

const root = path.join(__dirname, '..')

function load(): Native {
  try {
    return nodeGypBuild(root) as Native
  } catch (cause) {
    return refuse(cause as Error & { code?: unknown })
  }
}

function refuse(cause: Error & { code?: unknown }): never {
  if (cause.code === 'ERR_ISA') fail('ERR_ISA', cause.message, cause)
  if (!existsSync(path.join(root, 'binding.gyp'))) {
    const wayOut =
      'have the bundler leave it out, as esbuild does with --external:packed-rnn, and deploy node_modules too'
    fail('ERR_NO_BINARY', `packed-rnn has been bundled, apart from the files that hold its binary: ${wayOut}`, cause)
  }
  const platform = `${process.platform}-${process.arch}${process.platform === 'linux' ? ` (${libc()})` : ''}`
  fail(
    'ERR_NO_BINARY',
    `No packed-rnn binary could be loaded for ${platform}. Prebuilt ones are here for ${prebuilt()}. ` +
      `Build it from source with \`npx --yes node-gyp@12.4.0 rebuild --directory="${root}"\` (it needs Python 3 and a ` +
      `C++17 compiler). On a musl system without /etc/alpine-release, set LIBC=musl. Cause: ${cause.message}`,
    cause
  )
}

function libc(): string {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime ? 'glibc' : 'musl'
}

function prebuilt(): string {
  const folder = path.join(root, 'prebuilds')
  if (!existsSync(folder)) return 'no platform'
  const files = readdirSync(folder).flatMap((platform) =>
    readdirSync(path.join(folder, platform)).map((file) => `${platform}/${file}`)
  )
  return files.length > 0 ? files.join(', ') : 'no platform'
}

export const native: Native = load()
