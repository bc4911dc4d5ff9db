import type { TensorLike } from '../lib/tensor'

/**
 * The mathematics of torch.nn.LSTM, GRU and RNN in float64, as plain loops over one sequence: the equations and nothing
 * else, for everything fast to be measured against.
 */
export type ModuleName = 'LSTM' | 'GRU' | 'RNN'

export interface ReferenceOptions {
  readonly hiddenSize: number
  readonly numLayers?: number
  readonly bidirectional?: boolean
  readonly nonlinearity?: 'tanh' | 'relu'
}

/** A sequence, as its steps; or states, as one vector for each layer and direction. */
export type Rows = readonly (readonly number[])[]

export interface ReferenceResult {
  readonly output: number[][]
  readonly h: number[][]
  readonly c: number[][]
}

type Parameters = Readonly<Record<string, TensorLike>>
type Vector = readonly number[]

interface CellState {
  readonly h: Vector
  readonly c: Vector
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** From W_ih x + b_ih and W_hh h + b_hh, whose rows are the gates one after another, to the next state. */
type CellEquations = (x: Vector, u: Vector, state: CellState, size: number) => CellState

const equations: Record<ModuleName, (options: ReferenceOptions) => CellEquations> = {
  LSTM:
    () =>
    (x, u, { c }, size) => {
      const gate = (g: number, j: number): number => x[g * size + j]! + u[g * size + j]!
      const next = c.map((cj, j) => sigmoid(gate(1, j)) * cj + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)))
      return { c: next, h: next.map((cj, j) => sigmoid(gate(3, j)) * Math.tanh(cj)) }
    },
  GRU:
    () =>
    (x, u, { h, c }, size) => {
      const next = h.map((hj, j) => {
        const r = sigmoid(x[j]! + u[j]!)
        const z = sigmoid(x[size + j]! + u[size + j]!)
        const n = Math.tanh(x[2 * size + j]! + r * u[2 * size + j]!)
        return (1 - z) * n + z * hj
      })
      return { h: next, c }
    },
  RNN:
    ({ nonlinearity }) =>
    (x, u, { c }) => {
      const activation = nonlinearity === 'relu' ? (v: number): number => Math.max(v, 0) : Math.tanh
      return { h: x.map((xj, j) => activation(xj + u[j]!)), c }
    }
}

function affine(weight: Float64Array, bias: Float64Array | undefined, x: Vector): number[] {
  const result: number[] = []
  for (let row = 0; row < weight.length; row += x.length) {
    let sum = bias ? bias[result.length]! : 0
    for (let k = 0; k < x.length; ++k) sum += weight[row + k]! * x[k]!
    result.push(sum)
  }
  return result
}

const zeros = (length: number): number[] => new Array<number>(length).fill(0)

/**
 * Runs a module on one sequence.
 *
 * @param parameters by PyTorch's names; a bias or a projection that is not there is not applied
 * @param h0 one vector for each layer and direction; zeros if left out; c0 alike
 */
export function reference(
  module: ModuleName,
  options: ReferenceOptions,
  parameters: Parameters,
  sequence: Rows,
  h0?: Rows,
  c0?: Rows
): ReferenceResult {
  const { hiddenSize, numLayers = 1, bidirectional = false } = options
  const step = equations[module](options)
  const h: number[][] = []
  const c: number[][] = []
  let input = sequence
  for (let layer = 0; layer < numLayers; ++layer) {
    const halves = (bidirectional ? ['', '_reverse'] : ['']).map((suffix) => {
      const parameter = (name: string): Float64Array | undefined => {
        const values = parameters[`${name}_l${String(layer)}${suffix}`]
        return values && Float64Array.from(values.data as Float32Array)
      }
      const [weightIh, weightHh] = [parameter('weight_ih')!, parameter('weight_hh')!]
      const [biasIh, biasHh] = [parameter('bias_ih'), parameter('bias_hh')]
      const projection = parameter('weight_hr')
      const width = projection ? projection.length / hiddenSize : hiddenSize
      let state: CellState = { h: h0?.[h.length] ?? zeros(width), c: c0?.[c.length] ?? zeros(hiddenSize) }
      const order = [...input.keys()]
      if (suffix) order.reverse()
      const outputs: Vector[] = []
      for (const t of order) {
        const fromInput = affine(weightIh, biasIh, input[t]!)
        const fromHidden = affine(weightHh, biasHh, state.h)
        state = step(fromInput, fromHidden, state, hiddenSize)
        if (projection) state = { c: state.c, h: affine(projection, undefined, state.h) }
        outputs[t] = state.h
      }
      h.push([...state.h])
      c.push([...state.c])
      return outputs
    })
    input = input.map((_, t) => halves.flatMap((outputs) => outputs[t]!))
  }
  return { output: input.map((row) => [...row]), h, c }
}
