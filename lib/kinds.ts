import type { Cell } from './binding'
import * as check from './check'
import { describe } from './check'
import { expected } from './errors'
import { type Sizes, type Suffix, cellSuffix, layerSuffix } from './weights'

/** The options that LSTM, GRU and RNN share: those of torch.nn.RNNBase, camel-cased. */
export interface RecurrentOptions {
  /** Features of a step of the input. */
  readonly inputSize: number
  /** Hidden units, in each layer and direction. */
  readonly hiddenSize: number
  /** Layers, each reading the output of the one below. Default: 1. */
  readonly numLayers?: number
  /** Whether there are biases. Default: true. */
  readonly bias?: boolean
  /** Whether padded input and output are [batch, steps, *] instead of [steps, batch, *]; states never are. Default: false. */
  readonly batchFirst?: boolean
  /** From 0 to 1; without effect, since nothing is dropped at inference. Default: 0. */
  readonly dropout?: number
  /** Whether every layer also reads the sequence from its end. Default: false. */
  readonly bidirectional?: boolean
}

/** Of torch.nn.LSTM. */
export interface LSTMOptions extends RecurrentOptions {
  /** If above 0, the hidden state is projected to this size, which is below `hiddenSize`. Default: 0. */
  readonly projSize?: number
}

/** Of torch.nn.GRU. */
export type GRUOptions = RecurrentOptions

/** Of torch.nn.RNN. */
export interface RNNOptions extends RecurrentOptions {
  /** Default: 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu'
}

/** Of torch.nn.LSTMCell and GRUCell. */
export type CellOptions = Pick<RecurrentOptions, 'inputSize' | 'hiddenSize' | 'bias'>

/** Of torch.nn.RNNCell. */
export type RNNCellOptions = CellOptions & Pick<RNNOptions, 'nonlinearity'>

/** Far past any real network: a wrong number of layers shall not ask for names without end. */
const maxLayers = 1024

/** The options of every kind together. */
interface AllOptions extends Required<LSTMOptions>, Required<RNNOptions> {}

/** Options, defaults filled in; those that not every kind has may be absent. */
export type ResolvedOptions = Pick<AllOptions, 'inputSize' | 'hiddenSize' | 'bias'> & Partial<AllOptions>

/** The checks of each option; those that come later in a list of options may look at those before. */
const optionReaders: {
  [K in keyof AllOptions]: (value: unknown, argument: string, before: ResolvedOptions) => AllOptions[K]
} = {
  inputSize: (value, argument) => check.integer(value, argument, 1),
  hiddenSize: (value, argument) => check.integer(value, argument, 1),
  numLayers: (value, argument) => check.integer(value, argument, 1, 1, maxLayers),
  bias: (value, argument) => check.flag(value, argument, true),
  batchFirst: (value, argument) => check.flag(value, argument, false),
  dropout: (value, argument) => probability(check.number(value, argument, 0), argument),
  bidirectional: (value, argument) => check.flag(value, argument, false),
  projSize: (value, argument, { hiddenSize }) => check.integer(value, argument, 0, 0, hiddenSize - 1),
  nonlinearity: (value, argument) => check.oneOf(value, argument, ['tanh', 'relu'], 'tanh')
}

function probability(value: number, argument: string): number {
  if (!(value >= 0 && value <= 1)) expected('ERR_ARG_VALUE', 'a number from 0 to 1', argument, describe(value))
  return value
}

/** All that tells one recurrent module from another. */
export interface Kind {
  readonly module: string
  readonly cell: (options: ResolvedOptions) => Cell
  readonly gates: number
  readonly hasCellState: boolean
  readonly options: readonly (keyof AllOptions)[]
  readonly suffix: Suffix
}

const lstm = { cell: (): Cell => 'lstm', gates: 4, hasCellState: true }
const gru = { cell: (): Cell => 'gru', gates: 3, hasCellState: false }
const rnn = {
  cell: ({ nonlinearity = 'tanh' }: ResolvedOptions): Cell => `rnn_${nonlinearity}`,
  gates: 1,
  hasCellState: false
}

const cellOptions = ['inputSize', 'hiddenSize', 'bias'] as const
const layerOptions = ['inputSize', 'hiddenSize', 'numLayers', 'bias', 'batchFirst', 'dropout', 'bidirectional'] as const

export const kinds = {
  LSTM: { module: 'LSTM', ...lstm, options: [...layerOptions, 'projSize'], suffix: layerSuffix },
  GRU: { module: 'GRU', ...gru, options: layerOptions, suffix: layerSuffix },
  RNN: { module: 'RNN', ...rnn, options: [...layerOptions, 'nonlinearity'], suffix: layerSuffix },
  LSTMCell: { module: 'LSTMCell', ...lstm, options: cellOptions, suffix: cellSuffix },
  GRUCell: { module: 'GRUCell', ...gru, options: cellOptions, suffix: cellSuffix },
  RNNCell: { module: 'RNNCell', ...rnn, options: [...cellOptions, 'nonlinearity'], suffix: cellSuffix }
} satisfies Record<string, Kind>

/** Options checked against those that a kind has, the defaults filled in. */
export function resolveOptions(kind: Kind, given: unknown): ResolvedOptions {
  const options = check.options(given as Partial<AllOptions> | undefined, 'options', kind.options)
  const resolved: Record<string, unknown> = {}
  for (const name of kind.options) {
    resolved[name] = optionReaders[name](options[name], `options.${name}`, resolved as unknown as ResolvedOptions)
  }
  return Object.freeze(resolved) as unknown as ResolvedOptions
}

export function sizesOf(options: ResolvedOptions): Sizes {
  const { inputSize, hiddenSize, bias, projSize = 0, numLayers = 1, bidirectional = false } = options
  return { inputSize, hiddenSize, projSize, numLayers, numDirections: bidirectional ? 2 : 1, bias }
}

/** The options that give a module of some sizes. */
export function optionsOf(kind: Kind, sizes: Sizes): object {
  const { numDirections, ...rest } = sizes
  const options = { ...rest, bidirectional: numDirections === 2 }
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => (kind.options as readonly string[]).includes(name))
  )
}
