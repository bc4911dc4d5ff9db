import * as check from './check'
import { expected } from './errors'
import { type Call, Engine, type HiddenState, type State } from './engine'
import {
  type CellOptions,
  type GRUOptions,
  type Kind,
  type LSTMOptions,
  type RecurrentOptions,
  type RNNCellOptions,
  type RNNOptions,
  kinds,
  optionsOf,
  resolveOptions,
  sizesOf
} from './kinds'
import { copyOfArray } from './memory'
import { readSafetensors } from './safetensors'
import { type Input, type OutputOf, PackedSequence } from './sequence'
import { RecurrentStream, type Stream } from './stream'
import { type Tensor, type TensorLike, type View, allocateFloats } from './tensor'
import {
  type Parameter,
  type StateDict,
  checkParameters,
  entriesUnder,
  recurrentParameters,
  recurrentSizes,
  uniformValues,
  valuesOf
} from './weights'

/** How a state dict is read: its sizes are in its shapes, and these are the options that its shapes don't tell. */
export type LoadOptions<O> = Pick<O, Extract<keyof O, 'batchFirst' | 'nonlinearity'>> & {
  /** What stands before the parameters' own names, as `'encoder.'`; other names are then ignored. Default: `''`. */
  readonly prefix?: string
}

/** The state of an LSTM. */
export interface LSTMState extends HiddenState {
  /** The cell state, PyTorch's c_n. */
  readonly c: Tensor
}

/** What a recurrent module returns. */
export interface Result<I, S> {
  /** The top layer's hidden state at every step: [*, directions x (projSize or hiddenSize)], in the layout of the input. */
  readonly output: OutputOf<I>
  /** The states after each sequence's last step; the reverse direction's after its first. */
  readonly state: S
}

/** The values that a state dict gives to parameters, all of them and no others. */
function givenValues(kind: Kind, stateDict: unknown, parameters: readonly Parameter[]): Float32Array[] {
  const entries = entriesUnder(stateDict, '', landmarks(kind))
  checkParameters(entries, parameters, kind.module, likelierThan(kind, entries))
  return valuesOf(entries, parameters)
}

/** The parameters of the first layer, by which a prefix is told. */
function landmarks(kind: Kind): string[] {
  const sizes = { inputSize: 1, hiddenSize: 1, projSize: 1, numLayers: 1, numDirections: 1, bias: true }
  return recurrentParameters(kind.gates, sizes, kind.suffix).map(({ name }) => name)
}

/** The module whose weights these look like by their gates, if it is not the one. */
function likelierThan(kind: Kind, entries: ReadonlyMap<string, View>): string | undefined {
  const [rows = 0, width = 0] = entries.get(`weight_hh${kind.suffix(0, false)}`)?.shape ?? []
  const alike = Object.values(kinds).filter(({ suffix }) => suffix === kind.suffix)
  const likely = alike.find(({ gates }) => rows > 0 && rows === gates * width)
  return likely?.gates === kind.gates ? undefined : likely?.module
}

/** The options of fromStateDict and load, checked. */
interface Loading {
  readonly prefix: string
  readonly rest: object
}

function loadOptions(kind: Kind, given: unknown): Loading {
  const names = kind.options.filter((name) => name === 'batchFirst' || name === 'nonlinearity')
  const options = check.options(given as Record<string, unknown> | undefined, 'options', ['prefix', ...names])
  const { prefix, ...rest } = options
  return { prefix: check.text(prefix, 'options.prefix', ''), rest }
}

/** A class of modules, as its static members see it. */
type ModuleClass<M, O> = new (options: O, stateDict?: StateDict) => M

function kindOf(moduleClass: unknown): Kind {
  return (moduleClass as typeof Parametrized).kind
}

function moduleFrom<M, O>(moduleClass: ModuleClass<M, O>, stateDict: unknown, { prefix, rest }: Loading): M {
  const kind = kindOf(moduleClass)
  const entries = entriesUnder(stateDict, prefix, landmarks(kind))
  const sizes = recurrentSizes(entries, kind.suffix)
  checkParameters(
    entries,
    recurrentParameters(kind.gates, sizes, kind.suffix),
    kind.module,
    likelierThan(kind, entries)
  )
  return new moduleClass({ ...optionsOf(kind, sizes), ...rest } as O, entries)
}

/** What modules and cells have in common: options, parameters, and the ways in for both. */
abstract class Parametrized<O extends object> {
  /** @internal */
  static readonly kind: Kind

  /** The options, defaults filled in; frozen. */
  readonly options: Readonly<Required<O>>
  readonly #parameters: readonly Parameter[]
  /** The native side has the weights, but only the sums of most biases. */
  readonly #biases = new Map<string, Float32Array>()
  /** @internal */
  protected readonly engine: Engine

  /**
   * @param options sizes and flags by PyTorch's names, camel-cased; a misspelt name is an error
   * @param stateDict the parameters, which are copied, float64 narrowed to float32; without it they are uniform between
   *   ±1/√hiddenSize, as PyTorch initialises them
   * @throws ERR_ARG_TYPE, ERR_ARG_VALUE or ERR_OPTION_UNKNOWN for an option; ERR_STATE_DICT, once, listing every
   *   missing, unexpected or misshapen parameter; ERR_SHAPE, ERR_DTYPE or ERR_DETACHED for what is no sound tensor;
   *   ERR_ALLOCATION if memory does not suffice
   */
  constructor(options: O, stateDict?: StateDict) {
    const kind = kindOf(new.target)
    const resolved = resolveOptions(kind, options)
    const parameters = recurrentParameters(kind.gates, sizesOf(resolved), kind.suffix)
    const values =
      stateDict === undefined
        ? uniformValues(parameters, 1 / Math.sqrt(resolved.hiddenSize))
        : givenValues(kind, stateDict, parameters)
    this.options = resolved as unknown as Readonly<Required<O>>
    this.#parameters = parameters
    parameters.forEach(({ name, shape }, i) => {
      if (shape.length === 1) this.#biases.set(name, copyOfArray(values[i]!, 'float32'))
    })
    this.engine = new Engine(kind, resolved, values)
  }

  /**
   * A module with the parameters of a state dict. Its sizes, layers, directions, bias and projection are read off the
   * names and shapes.
   *
   * @param stateDict PyTorch's parameter names and their tensors (float32, or float64, which is narrowed)
   * @param options the prefix of the names, and what the shapes don't tell
   * @throws ERR_STATE_DICT, once, listing every missing, unexpected or misshapen parameter, or, if there are none under
   *   the prefix, the prefixes under which there are; ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE or ERR_DETACHED for what is no
   *   sound tensor; ERR_ARG_TYPE, ERR_ARG_VALUE or ERR_OPTION_UNKNOWN for an option; ERR_ALLOCATION
   */
  static fromStateDict<M, O extends object>(
    this: ModuleClass<M, O>,
    stateDict: StateDict,
    options?: LoadOptions<O>
  ): M {
    return moduleFrom(this, stateDict, loadOptions(kindOf(this), options))
  }

  /**
   * As {@link fromStateDict}, from a safetensors file, of which the tensors under the prefix alone are read.
   *
   * @param file a path, a file URL, or the bytes of the file
   * @throws as fromStateDict and `loadSafetensors` do
   */
  static async load<M, O extends object>(
    this: ModuleClass<M, O>,
    file: string | URL | Uint8Array,
    options?: LoadOptions<O>
  ): Promise<M> {
    const given = loadOptions(kindOf(this), options)
    const { tensors } = await readSafetensors(file, (name) => name.startsWith(given.prefix))
    return moduleFrom(this, tensors, given)
  }

  /** Copies of the parameters, by PyTorch's names and in its order. */
  stateDict(): Record<string, Tensor> {
    const copies: Record<string, Tensor> = {}
    const matrices: Float32Array[] = []
    for (const { name, shape } of this.#parameters) {
      const copy = allocateFloats(shape)
      const bias = this.#biases.get(name)
      if (bias) copy.data.set(bias)
      else matrices.push(copy.data)
      copies[name] = copy
    }
    this.engine.unpackWeights(matrices)
    return copies
  }
}

/**
 * A recurrent module of one or more layers, in one or both directions: what LSTM, GRU and RNN have in common.
 *
 * With D = 2 directions if bidirectional, else 1, and Hout = projSize or hiddenSize, it takes
 *
 * - padded input [steps, batch, inputSize], or [batch, steps, inputSize] if batchFirst;
 * - one sequence, unbatched: [steps, inputSize];
 * - a PackedSequence with data [rows, inputSize]: sequences of any lengths, at the cost of their real steps alone;
 *
 * and returns an output of the same layout, D x Hout wide (forward half, then reverse half), and states of shape
 * [numLayers x D, batch, size], or [numLayers x D, size] if unbatched: layer by layer, direction by direction, and the
 * sequences in the caller's order. The size is Hout for h and hiddenSize for c.
 *
 * The result for a sequence has the same bits whatever else is in the batch, whatever the layout, the number of threads
 * and the x86 instruction set. Subnormal numbers (below 2^-126) are taken for zeros, in what is read and in what is computed.
 */
export abstract class Recurrent<O extends RecurrentOptions, S extends HiddenState> extends Parametrized<O> {
  /**
   * Runs the module off the event loop. What it reads has been copied when this returns: the elements of the arguments may
   * be overwritten or transferred while it runs. (But a packed output shares batchSizes and indices with its input.)
   *
   * A brief run, of some 10 microseconds, is computed at once, since to hand it to another thread would hold up the event loop
   * for longer; but the event loop gets a turn after some 100 of them.
   *
   * @param input padded, unbatched or packed, of float32
   * @param state the initial states, in the caller's order; zeros if left out or null
   * @returns a promise, which rejects with ERR_SHAPE for a rank or size that does not fit, ERR_DTYPE for another type than
   *   float32, ERR_ARG_TYPE for anything but tensors, ERR_EMPTY for input without steps, ERR_DETACHED, ERR_PACKED_SEQUENCE
   *   or ERR_ALLOCATION
   */
  async forward<I extends Input>(input: I, state?: State | null): Promise<Result<I, S>> {
    const call = this.engine.call(input, state)
    await this.engine.run(call) // before the result: until then nobody else may have the arrays that it writes
    return resultOf<I, S>(input, call)
  }

  /**
   * The same on the calling thread.
   *
   * @throws what {@link forward} rejects with
   */
  forwardSync<I extends Input>(input: I, state?: State | null): Result<I, S> {
    const call = this.engine.call(input, state)
    this.engine.runSync(call)
    return resultOf<I, S>(input, call)
  }

  /**
   * One live sequence, which is fed in chunks: the stream keeps its state, and shares the weights.
   *
   * @param state the initial state, of an unbatched sequence: [numLayers, size]; zeros if left out
   * @throws ERR_ARG_VALUE if the module is bidirectional, for its reverse direction starts where a live sequence has not
   *   yet come to; ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE or ERR_DETACHED for the state
   */
  createStream(state?: State | null): Stream<S> {
    if (this.options.bidirectional) {
      const wayOut = 'its reverse direction starts at the last step, which a live sequence does not have yet'
      expected('ERR_ARG_VALUE', 'a module of one direction', 'createStream', 'a bidirectional one', wayOut)
    }
    return new RecurrentStream<S>(this.engine, state)
  }
}

/** One step of one layer, without a time dimension: what LSTMCell, GRUCell and RNNCell have in common. */
export abstract class RecurrentCell<O extends CellOptions, S extends HiddenState> extends Parametrized<O> {
  /**
   * One step.
   *
   * @param input [batch, inputSize], or [inputSize] for one sequence; float32
   * @param state each of [batch, hiddenSize], or [hiddenSize] for one sequence; zeros if left out or null
   * @returns the next state, in the shapes of the given one
   * @throws ERR_SHAPE for a rank or size that does not fit, ERR_DTYPE for another type than float32, ERR_ARG_TYPE for
   *   anything but tensors, ERR_DETACHED, ERR_ALLOCATION
   */
  forwardSync(input: TensorLike, state?: State | null): S {
    const call = this.engine.cellCall(input, state)
    this.engine.runSync(call)
    return stateOf<S>(call)
  }
}

function resultOf<I, S>(input: I, call: Call): Result<I, S> {
  const output = input instanceof PackedSequence ? input.withData(call.output) : call.output
  return { output: output as OutputOf<I>, state: stateOf<S>(call) }
}

function stateOf<S>({ h, c }: Pick<Call, 'h' | 'c'>): S {
  return (c ? { h, c } : { h }) as S
}

/**
 * Long short-term memory, at inference.
 *
 *     i = σ(W_ii x + b_ii + W_hi h + b_hi)    f = σ(W_if x + b_if + W_hf h + b_hf)
 *     g = tanh(W_ig x + b_ig + W_hg h + b_hg)    o = σ(W_io x + b_io + W_ho h + b_ho)
 *     c' = f · c + i · g    h' = o · tanh(c'), and with projSize h' = W_hr (o · tanh(c'))
 *
 * The rows of the weights hold the gates in the order i, f, g, o.
 *
 * Source: `torch.nn.LSTM`.
 */
export class LSTM extends Recurrent<LSTMOptions, LSTMState> {
  /** @internal */
  static override readonly kind: Kind = kinds.LSTM
}

/**
 * Gated recurrent unit, at inference.
 *
 *     r = σ(W_ir x + b_ir + W_hr h + b_hr)    z = σ(W_iz x + b_iz + W_hz h + b_hz)
 *     n = tanh(W_in x + b_in + r · (W_hn h + b_hn))    h' = (1 − z) · n + z · h
 *
 * The rows of the weights hold the gates in the order r, z, n.
 *
 * Source: `torch.nn.GRU`.
 */
export class GRU extends Recurrent<GRUOptions, HiddenState> {
  /** @internal */
  static override readonly kind: Kind = kinds.GRU
}

/**
 * Elman network, at inference.
 *
 *     h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, …) with nonlinearity 'relu'
 *
 * Source: `torch.nn.RNN`.
 */
export class RNN extends Recurrent<RNNOptions, HiddenState> {
  /** @internal */
  static override readonly kind: Kind = kinds.RNN
}

/** One step of an {@link LSTM} of one layer, without projection. Source: `torch.nn.LSTMCell`. */
export class LSTMCell extends RecurrentCell<CellOptions, LSTMState> {
  /** @internal */
  static override readonly kind: Kind = kinds.LSTMCell
}

/** One step of a {@link GRU} of one layer. Source: `torch.nn.GRUCell`. */
export class GRUCell extends RecurrentCell<CellOptions, HiddenState> {
  /** @internal */
  static override readonly kind: Kind = kinds.GRUCell
}

/** One step of an {@link RNN} of one layer. Source: `torch.nn.RNNCell`. */
export class RNNCell extends RecurrentCell<RNNCellOptions, HiddenState> {
  /** @internal */
  static override readonly kind: Kind = kinds.RNNCell
}
