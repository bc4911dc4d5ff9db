import { type Native, type NativeModule, native } from './binding'
import { describe, sameShape, shapeText } from './check'
import { expected } from './errors'
import { type Kind, type ResolvedOptions, sizesOf } from './kinds'
import { type Input, isPacked, type PackedSequence } from './sequence'
import {
  type Tensor,
  type TensorLike,
  type TypedArray,
  type View,
  allocateFloats,
  allocateOutput,
  view
} from './tensor'

/** A recurrent state as it is given: h, and for the LSTM c as well. */
export interface State {
  readonly h: TensorLike
  readonly c?: TensorLike
}

/** The state of a GRU or an RNN. */
export interface HiddenState {
  /** The hidden state, PyTorch's h_n. */
  readonly h: Tensor
}

/** Of a state: [...leading, size] each, and null for the c of what has none. */
export interface StateShapes {
  readonly h: readonly number[]
  readonly c: readonly number[] | null
}

/** A call, checked: what the native side reads, and the tensors that it fills. */
export interface Call {
  readonly input: Float32Array
  readonly batchSizes: Int32Array | null
  readonly order: Int32Array | null
  readonly batch: number
  readonly steps: number
  readonly h0: Float32Array | null
  readonly c0: Float32Array | null
  readonly output: Tensor
  readonly h: Tensor
  readonly c: Tensor | null
}

/** The weights of a module on the native side, and the sizes that checks and outputs need: all that a call asks for. */
export class Engine {
  readonly inputSize: number
  /** Of one step of the output: every direction's hidden state. */
  readonly outputSize: number
  /** The states of a sequence: one for each layer and direction. */
  readonly states: number
  /** Of h: projSize, or hiddenSize without projection. */
  readonly hiddenWidth: number
  /** Of c, or 0 where there is none. */
  readonly cellWidth: number
  readonly #batchFirst: boolean
  readonly #handle: NativeModule

  constructor(kind: Kind, options: ResolvedOptions, parameters: readonly Float32Array[]) {
    const { inputSize, hiddenSize, projSize, numLayers, numDirections, bias } = sizesOf(options)
    this.inputSize = inputSize
    this.hiddenWidth = projSize || hiddenSize
    this.cellWidth = kind.hasCellState ? hiddenSize : 0
    this.outputSize = numDirections * this.hiddenWidth
    this.states = numLayers * numDirections
    this.#batchFirst = options.batchFirst ?? false
    this.#handle = native.createRecurrent(
      kind.cell(options),
      inputSize,
      hiddenSize,
      projSize,
      numLayers,
      numDirections,
      bias,
      parameters
    )
  }

  /** A call on padded, unbatched or packed input. */
  call(input: Input, state: State | null | undefined): Call {
    if (isPacked(input, 'input')) return this.#packedCall(input, state)
    const { data, shape } = this.#floats(input, 'input')
    const batched = shape.length === 3
    if (!batched && shape.length !== 2) {
      const axes = this.#batchFirst ? '[batch, steps, inputSize]' : '[steps, batch, inputSize]'
      badRank(shape, `a tensor of rank 3, ${axes}, or 2, [steps, inputSize], or a PackedSequence`)
    }
    this.#checkWidth(shape)
    const steps = shape[batched && this.#batchFirst ? 1 : 0]!
    if (steps === 0) expected('ERR_EMPTY', 'one step or more', 'input', `shape ${shapeText(shape)}`)
    const batch = batched ? shape[this.#batchFirst ? 0 : 1]! : 1
    const outputShape = batched ? [shape[0]!, shape[1]!, this.outputSize] : [steps, this.outputSize]
    const leading = batched ? [this.states, batch] : [this.states]
    return this.#allocated({ input: data, batchSizes: null, order: null, batch, steps }, outputShape, leading, state)
  }

  #packedCall(input: PackedSequence<TypedArray>, state: State | null | undefined): Call {
    const { batchSizes, sortedIndices: order, batchCount: batch } = input
    const { data, shape } = this.#floats(input.data, 'input.data')
    if (shape.length !== 2) badRank(shape, 'a PackedSequence with data of rank 2, [rows, inputSize],')
    this.#checkWidth(shape)
    const rows = { input: data, batchSizes, order, batch, steps: batchSizes.length }
    return this.#allocated(rows, [shape[0]!, this.outputSize], [this.states, batch], state)
  }

  /** One step of a cell, on [inputSize] or [batch, inputSize]; its state has no layers. */
  cellCall(input: TensorLike, state: State | null | undefined): Call {
    const { data, shape } = this.#floats(input, 'input')
    if (shape.length !== 1 && shape.length !== 2) {
      badRank(shape, 'a tensor of rank 2, [batch, inputSize], or 1, [inputSize],')
    }
    this.#checkWidth(shape)
    const leading = shape.slice(0, -1)
    const rows = { input: data, batchSizes: null, order: null, batch: leading[0] ?? 1, steps: 1 }
    return this.#allocated(rows, [...leading, this.outputSize], leading, state)
  }

  #allocated(
    rows: Pick<Call, 'input' | 'batchSizes' | 'order' | 'batch' | 'steps'>,
    outputShape: readonly number[],
    leading: readonly number[],
    state: State | null | undefined
  ): Call {
    const shapes = this.stateShapes(leading)
    const { h, c } = this.stateArrays(state, shapes)
    // No spread: it makes this, the path of a single step, several times slower.
    return {
      input: rows.input,
      batchSizes: rows.batchSizes,
      order: rows.order,
      batch: rows.batch,
      steps: rows.steps,
      h0: h,
      c0: c,
      output: allocateOutput(outputShape),
      h: allocateFloats(shapes.h),
      c: shapes.c && allocateFloats(shapes.c)
    }
  }

  stateShapes(leading: readonly number[]): StateShapes {
    const h = [...leading, this.hiddenWidth]
    if (this.cellWidth === 0) return { h, c: null }
    return { h, c: this.cellWidth === this.hiddenWidth ? h : [...leading, this.cellWidth] }
  }

  /** The values of a state, checked to be of these shapes; nulls, for zeros, if there is none. */
  stateArrays(
    state: State | null | undefined,
    shapes: StateShapes
  ): { readonly h: Float32Array | null; readonly c: Float32Array | null } {
    if (state === null || state === undefined) return { h: null, c: null }
    if (typeof state !== 'object') expected('ERR_ARG_TYPE', this.#stateText(), 'state', describe(state))
    const { h, c } = state
    if (h === undefined || (c === undefined) !== (this.cellWidth === 0)) {
      const found = Object.entries(state).map(([name, value]) => (value === undefined ? `${name}: undefined` : name))
      expected('ERR_ARG_TYPE', this.#stateText(), 'state', `one with ${found.join(', ') || 'nothing'}`)
    }
    return {
      h: this.#stateArray(h, 'state.h', shapes.h),
      c: shapes.c && this.#stateArray(c, 'state.c', shapes.c)
    }
  }

  #stateText(): string {
    return this.cellWidth > 0 ? '{ h, c } or null' : '{ h } or null'
  }

  #stateArray(value: unknown, argument: string, shape: readonly number[]): Float32Array {
    const found = this.#floats(value, argument)
    if (!sameShape(found.shape, shape)) {
      expected('ERR_SHAPE', `shape ${shapeText(shape)}`, argument, shapeText(found.shape))
    }
    return found.data
  }

  /** A stream's chunk, checked to be [steps, inputSize]. */
  chunk(value: TensorLike, argument: string): View & { readonly data: Float32Array } {
    const found = this.#floats(value, argument)
    const { shape } = found
    if (shape.length !== 2 || shape[1] !== this.inputSize) {
      expected('ERR_SHAPE', `a tensor [steps, ${String(this.inputSize)}]`, argument, `shape ${shapeText(shape)}`)
    }
    return found
  }

  /** Fills the matrices among the parameters, in their order. */
  unpackWeights(matrices: readonly Float32Array[]): void {
    native.unpackWeights(this.#handle, matrices)
  }

  /** Steps of one sequence, from one state to another: h, and behind it c. */
  advance(input: Float32Array, steps: number, before: Float32Array, after: Float32Array, output: Tensor): void {
    native.advance(this.#handle, input, steps, before, after, output.data)
  }

  /** The same for many sequences, each with states and an output of its own; off the event loop, unless it is brief. */
  advanceEach(
    packed: PackedSequence,
    before: readonly Float32Array[],
    after: readonly Float32Array[],
    outputs: readonly Float32Array[]
  ): Promise<void> {
    const { data, batchSizes, sortedIndices } = packed
    return native.advanceEach(this.#handle, data.data, batchSizes, sortedIndices, before, after, outputs)
  }

  runSync(call: Call): void {
    native.forwardSync(...this.#arguments(call))
  }

  /** Computes off the event loop what is not brief; what the call reads is copied before this returns. */
  run(call: Call): Promise<void> {
    return native.forward(...this.#arguments(call))
  }

  #arguments(call: Call): Parameters<Native['forward']> {
    const { input, batchSizes, order, batch, steps, h0, c0, output, h, c } = call
    const cn = c?.data ?? null
    return [this.#handle, input, batchSizes, order, batch, steps, this.#batchFirst, h0, c0, output.data, h.data, cn]
  }

  /** A tensor, checked to be of the weights' type. */
  #floats(value: unknown, argument: string): View & { readonly data: Float32Array } {
    const found = view(value, argument)
    if (found.type !== 'float32') {
      expected(
        'ERR_DTYPE',
        'float32, as the weights are,',
        argument,
        found.type,
        'Float32Array.from(data, Number) converts it'
      )
    }
    return found as View & { readonly data: Float32Array }
  }

  #checkWidth(shape: readonly number[]): void {
    const width = shape[shape.length - 1]!
    if (width !== this.inputSize) {
      const wanted = `inputSize ${String(this.inputSize)} as the last dimension`
      expected('ERR_SHAPE', wanted, 'input', `${String(width)}, in shape ${shapeText(shape)}`)
    }
  }
}

function badRank(shape: readonly number[], wanted: string): never {
  expected('ERR_SHAPE', wanted, 'input', `one of rank ${String(shape.length)}, of shape ${shapeText(shape)}`)
}
