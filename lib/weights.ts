import { describe, shapeText, typedArrayName } from './check'
import { expected, fail } from './errors'
import { type TensorLike, type View, allocateFloats, copyInto, view } from './tensor'

/** Parameters by PyTorch's names: what `module.state_dict()` holds. */
export type StateDict = Readonly<Record<string, TensorLike>> | ReadonlyMap<string, TensorLike>

/** The sizes that the parameters of a recurrent module follow from; `hiddenSize` of them is the number of hidden units. */
export interface Sizes {
  readonly inputSize: number
  readonly hiddenSize: number
  /** The width of a projected hidden state, or 0 without projection. */
  readonly projSize: number
  readonly numLayers: number
  readonly numDirections: number
  readonly bias: boolean
}

/** A parameter: its name in a state dict and its shape. */
export interface Parameter {
  readonly name: string
  readonly shape: readonly number[]
}

/** What follows `weight_ih` in the names of one layer and direction. */
export type Suffix = (layer: number, reverse: boolean) => string

/** Of torch.nn.LSTM, GRU and RNN. */
export const layerSuffix: Suffix = (layer, reverse) => `_l${String(layer)}${reverse ? '_reverse' : ''}`

/** Of the cells, which have one layer and one direction. */
export const cellSuffix: Suffix = () => ''

/**
 * The parameters of a recurrent module, in PyTorch's order. With G gates, H hidden units, P = projSize or H, and layers
 * after the first reading the P values of every direction:
 *
 *     weight_ih [G·H, input]   weight_hh [G·H, P]   bias_ih [G·H]   bias_hh [G·H]   weight_hr [projSize, H]
 */
export function recurrentParameters(gates: number, sizes: Sizes, suffix: Suffix): Parameter[] {
  const { inputSize, hiddenSize, projSize, numLayers, numDirections, bias } = sizes
  const rows = gates * hiddenSize
  const width = projSize || hiddenSize
  const parameters: Parameter[] = []
  for (let layer = 0; layer < numLayers; ++layer) {
    const layerInput = layer === 0 ? inputSize : numDirections * width
    for (let direction = 0; direction < numDirections; ++direction) {
      const end = suffix(layer, direction === 1)
      const add = (name: string, ...shape: number[]): unknown => parameters.push({ name: name + end, shape })
      add('weight_ih', rows, layerInput)
      add('weight_hh', rows, width)
      if (bias) add('bias_ih', rows)
      if (bias) add('bias_hh', rows)
      if (projSize > 0) add('weight_hr', projSize, hiddenSize)
    }
  }
  return parameters
}

/** The sizes that a state dict's names and shapes tell; one they don't tell is 0, which no shape then satisfies. */
export function recurrentSizes(entries: ReadonlyMap<string, View>, suffix: Suffix): Sizes {
  const first = suffix(0, false)
  const extent = (name: string, axis: number): number => entries.get(name + first)?.shape[axis] ?? 0
  const has = (name: string, layer: number, reverse: boolean): boolean => entries.has(name + suffix(layer, reverse))
  const hiddenSize = extent('weight_hr', 1) || extent('weight_hh', 1)
  const projSize = extent('weight_hr', 0)
  const layered = suffix(0, false) !== suffix(1, false)
  let numLayers = 1
  while (layered && has('weight_ih', numLayers, false)) ++numLayers
  return {
    inputSize: extent('weight_ih', 1),
    hiddenSize,
    projSize: projSize < hiddenSize ? projSize : 0, // such a weight_hr is then unexpected
    numLayers,
    numDirections: layered && has('weight_ih', 0, true) ? 2 : 1,
    bias: has('bias_ih', 0, false) || has('bias_hh', 0, false)
  }
}

/**
 * The entries under a prefix, by their names without it.
 *
 * @param landmarks names of parameters of the module, by which prefixes are told; every module of the kind has the first
 */
export function entriesUnder(stateDict: unknown, prefix: string, landmarks: readonly string[]): Map<string, View> {
  const all = entriesOf(stateDict)
  const chosen = new Map<string, View>()
  for (const [name, value] of all) {
    if (name.startsWith(prefix))
      chosen.set(name.slice(prefix.length), view(value, `stateDict[${JSON.stringify(name)}]`))
  }
  if (!landmarks.some((name) => chosen.has(name))) suggestPrefix([...all.keys()], prefix, landmarks[0]!, chosen.size)
  return chosen
}

/** The entries of a state dict, none of them looked at. */
export function entriesOf(stateDict: unknown): ReadonlyMap<string, unknown> {
  if (stateDict instanceof Map) {
    for (const name of stateDict.keys()) {
      if (typeof name !== 'string') expected('ERR_ARG_TYPE', 'strings', 'the keys of stateDict', describe(name))
    }
    return stateDict as Map<string, unknown>
  }
  const isRecord = typeof stateDict === 'object' && stateDict !== null && !(stateDict instanceof Promise)
  if (!isRecord || Array.isArray(stateDict) || typedArrayName(stateDict)) {
    const wayOut = typeof stateDict === 'string' ? 'load reads a file' : ''
    expected('ERR_ARG_TYPE', 'a record or a Map of tensors', 'stateDict', describe(stateDict), wayOut)
  }
  return new Map(Object.entries(stateDict))
}

/** Throws if the parameters are surely meant to be found under another prefix, or if there are none under this one. */
function suggestPrefix(names: readonly string[], prefix: string, landmark: string, found: number): void {
  const prefixes = names
    .filter((name) => name === landmark || name.endsWith(`.${landmark}`))
    .map((name) => name.slice(0, -landmark.length))
  if (prefixes.length > 0) {
    const choices = prefixes.map((choice) => JSON.stringify(choice)).join(', ')
    fail(
      'ERR_STATE_DICT',
      `The state dict has no ${prefix}${landmark}: with fromStateDict and load, the prefix can be ${choices}`
    )
  }
  if (found === 0 && prefix !== '') {
    const some = names.slice(0, 8).map((name) => JSON.stringify(name))
    const shown = names.length > 8 ? `${some.join(', ')}, ...` : some.join(', ') || 'none at all'
    fail(
      'ERR_STATE_DICT',
      `No name in the state dict starts with the prefix ${JSON.stringify(prefix)}: it has ${shown}`
    )
  }
}

/**
 * Checks that the entries of a state dict are the parameters of a module.
 *
 * @param likelier the module that they look like, if that is another one
 * @throws ERR_STATE_DICT, once, listing every parameter that is missing, unexpected, misshapen or not of real numbers
 */
export function checkParameters(
  entries: ReadonlyMap<string, View>,
  parameters: readonly Parameter[],
  module: string,
  likelier?: string
): void {
  const problems: string[] = []
  for (const { name, shape } of parameters) {
    const problem = problemOf(entries.get(name), shape)
    if (problem !== undefined) problems.push(`${name} ${problem}`)
  }
  const known = new Set(parameters.map(({ name }) => name))
  for (const name of entries.keys()) if (!known.has(name)) problems.push(`${name} is unexpected`)
  if (problems.length > 0) {
    const other = likelier === undefined ? '' : `, but may fit ${likelier}`
    fail(
      'ERR_STATE_DICT',
      `The state dict does not fit this ${module}${other}:${problems.map((line) => `\n  ${line}`).join('')}`
    )
  }
}

function problemOf(entry: View | undefined, shape: readonly number[]): string | undefined {
  const wanted = `[${shape.map((size) => size || '?').join(', ')}]`
  if (!entry) return `is missing: expected ${wanted}`
  if (shapeText(entry.shape) !== wanted) return `has shape ${shapeText(entry.shape)}: expected ${wanted}`
  if (entry.type !== 'float32' && entry.type !== 'float64') return `is of ${entry.type}: expected float32 or float64`
  return undefined
}

/** The values of checked parameters, in the order of `parameters`: float64 narrowed to float32, float32 not copied. */
export function valuesOf(entries: ReadonlyMap<string, View>, parameters: readonly Parameter[]): Float32Array[] {
  return parameters.map(({ name, shape }) => {
    const { data, type } = entries.get(name)!
    if (type === 'float32') return data as Float32Array
    const narrowed = allocateFloats(shape).data
    copyInto(narrowed, data as Float64Array, `${name} of stateDict`) // its key there may have a prefix
    return narrowed
  })
}

/** Parameters as PyTorch initialises them: uniform between ±bound. */
export function uniformValues(parameters: readonly Parameter[], bound: number): Float32Array[] {
  return parameters.map(({ shape }) => {
    const values = allocateFloats(shape).data
    for (let i = 0; i < values.length; ++i) values[i] = (2 * Math.random() - 1) * bound
    return values
  })
}
