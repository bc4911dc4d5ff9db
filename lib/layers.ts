import { type NativeModule, native } from './binding'
import * as check from './check'
import { describe, shapeText } from './check'
import { expected, fail } from './errors'
import { copyOfArray } from './memory'
import { type Input, isPacked, type OutputOf } from './sequence'
import { type Tensor, type View, allocateOutput, view } from './tensor'
import { type StateDict, checkParameters, entriesUnder, valuesOf } from './weights'

/** How a layer's parameters are found in a state dict. */
export interface LayerLoadOptions {
  /** What stands before the parameters' own names, as `'embedding.'`; other names are then ignored. Default: `''`. */
  readonly prefix?: string
}

type Ids = Int32Array | BigInt64Array | Uint8Array

/**
 * A table of rows that are looked up by id: `y = weight[id]`. A padding_idx needs no mention: PyTorch keeps that row at
 * zero in the weights.
 *
 * Source: `torch.nn.Embedding`.
 */
export class Embedding {
  /** Rows of the table. */
  readonly numEmbeddings: number
  /** Elements of a row. */
  readonly embeddingDim: number
  readonly #weight: Float32Array

  private constructor(key: symbol, sizes: Sizes, weight: Float32Array) {
    checkKey(key, 'Embedding')
    const [rows, width] = sizes
    this.numEmbeddings = rows
    this.embeddingDim = width
    this.#weight = weight
  }

  /**
   * The layer whose `weight` [numEmbeddings, embeddingDim] is in a state dict; it is copied, float64 narrowed to float32.
   *
   * @throws ERR_STATE_DICT, once, listing every missing, unexpected or misshapen parameter, or, if there are none under
   *   the prefix, the prefixes under which there are; ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE or ERR_DETACHED for what is no
   *   sound tensor; ERR_OPTION_UNKNOWN, ERR_ALLOCATION
   */
  static fromStateDict(stateDict: StateDict, options?: LayerLoadOptions): Embedding {
    const entries = layerEntries(stateDict, options)
    const { sizes, values } = layerValues(entries, ['weight'], 'Embedding')
    return new Embedding(made, sizes, copyOfArray(values[0]!, 'float32'))
  }

  /**
   * The rows of ids.
   *
   * @param ids int32, int64 or uint8: a tensor of any shape, or a PackedSequence of ids
   * @returns float32 of the shape of ids with embeddingDim as one more dimension; a PackedSequence for a PackedSequence
   * @throws ERR_INDEX for an id that is no row, naming it; ERR_DTYPE, ERR_ARG_TYPE, ERR_SHAPE, ERR_DETACHED,
   *   ERR_ALLOCATION
   */
  forwardSync<I extends Input>(ids: I): OutputOf<I> {
    return mapped(ids, 'ids', ({ data, shape, type }, argument) => {
      if (type !== 'int32' && type !== 'int64' && type !== 'uint8') {
        expected('ERR_DTYPE', 'int32, int64 or uint8', argument, type, "tensor(ids, undefined, 'int32') makes such")
      }
      const output = allocateOutput([...shape, this.embeddingDim])
      const wrong = native.embed(this.#weight, this.embeddingDim, data as Ids, output.data)
      if (wrong >= 0) {
        const range = `ids from 0 to ${String(this.numEmbeddings - 1)}`
        expected('ERR_INDEX', range, argument, `${describe(data[wrong])} at position ${String(wrong)}`)
      }
      return output
    })
  }
}

/**
 * An affine map of the last dimension: `y = x Wᵀ + b`.
 *
 * Source: `torch.nn.Linear`.
 */
export class Linear {
  /** Size of the last dimension of the input. */
  readonly inFeatures: number
  /** Size of the last dimension of the output. */
  readonly outFeatures: number
  readonly #handle: NativeModule

  private constructor(key: symbol, sizes: Sizes, weight: Float32Array, bias: Float32Array | undefined) {
    checkKey(key, 'Linear')
    const [outFeatures, inFeatures] = sizes
    this.inFeatures = inFeatures
    this.outFeatures = outFeatures
    this.#handle = native.createLinear(inFeatures, outFeatures, weight, bias ?? null)
  }

  /**
   * The layer whose `weight` [outFeatures, inFeatures] and, unless it was made without, `bias` [outFeatures] are in a
   * state dict; they are copied, float64 narrowed to float32.
   *
   * @throws ERR_STATE_DICT, once, listing every missing, unexpected or misshapen parameter, or, if there are none under
   *   the prefix, the prefixes under which there are; ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE or ERR_DETACHED for what is no
   *   sound tensor; ERR_OPTION_UNKNOWN, ERR_ALLOCATION
   */
  static fromStateDict(stateDict: StateDict, options?: LayerLoadOptions): Linear {
    const entries = layerEntries(stateDict, options)
    const names = entries.has('bias') ? ['weight', 'bias'] : ['weight']
    const { sizes, values } = layerValues(entries, names, 'Linear')
    return new Linear(made, sizes, values[0]!, values[1])
  }

  /**
   * The affine map of every row.
   *
   * @param input [*, inFeatures] with any leading dimensions, or a PackedSequence of [rows, inFeatures]; float32
   * @returns [*, outFeatures]; a PackedSequence for a PackedSequence
   * @throws ERR_SHAPE if the last dimension is not inFeatures, ERR_DTYPE, ERR_ARG_TYPE, ERR_DETACHED, ERR_ALLOCATION
   */
  forwardSync<I extends Input>(input: I): OutputOf<I> {
    return mapped(input, 'input', ({ data, shape, type }, argument) => {
      if (type !== 'float32') expected('ERR_DTYPE', 'float32, as the weights are,', argument, type)
      if (shape.at(-1) !== this.inFeatures) {
        const wanted = `inFeatures ${String(this.inFeatures)} as the last dimension`
        expected('ERR_SHAPE', wanted, argument, `shape ${shapeText(shape)}`)
      }
      const output = allocateOutput([...shape.slice(0, -1), this.outFeatures])
      native.linear(this.#handle, data as Float32Array, output.data)
      return output
    })
  }
}

/** What fromStateDict alone has: JavaScript can call a private constructor, and whoever comes from PyTorch will. */
const made = Symbol('fromStateDict')

function checkKey(key: unknown, layer: string): void {
  if (key === made) return
  fail('ERR_ARG_TYPE', `${layer} has no constructor to call: ${layer}.fromStateDict makes one of its weights`)
}

/** Applies a function of tensors to a tensor, or to the data of a PackedSequence. */
function mapped<I extends Input>(
  input: I,
  argument: string,
  forward: (found: View, argument: string) => Tensor
): OutputOf<I> {
  const output = isPacked(input, argument)
    ? input.withData(forward(view(input.data, `${argument}.data`), `${argument}.data`))
    : forward(view(input, argument), argument)
  return output as OutputOf<I>
}

function layerEntries(stateDict: StateDict, given: LayerLoadOptions | undefined): Map<string, View> {
  const { prefix } = check.options(given, 'options', ['prefix'])
  return entriesUnder(stateDict, check.text(prefix, 'options.prefix', ''), ['weight', 'bias'])
}

/** The rows and columns of a weight. */
type Sizes = readonly [number, number]

/** A weight of two dimensions, and a bias as long as it has rows. */
function layerValues(
  entries: Map<string, View>,
  names: readonly string[],
  module: string
): { readonly sizes: Sizes; readonly values: readonly Float32Array[] } {
  const [rows = 0, columns = 0] = entries.get('weight')?.shape ?? []
  const shapes = [[rows, columns], [rows]]
  const parameters = names.map((name, i) => ({ name, shape: shapes[i]! }))
  checkParameters(entries, parameters, module)
  return { sizes: [rows, columns], values: valuesOf(entries, parameters) }
}
