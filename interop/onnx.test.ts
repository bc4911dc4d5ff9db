import path from 'node:path'
import * as ort from 'onnxruntime-node'
import {
  GRU,
  type HiddenState,
  loadSafetensors,
  LSTM,
  packPaddedSequence,
  padPackedSequence,
  RNN,
  type State,
  Tensor,
  type TensorLike
} from '../lib'
import { readRecurrentNode } from './onnx-file'

/** ONNX's operators, beside PyTorch's: where PyTorch's gates stand in ONNX's weights. */
const operators = {
  LSTM: { module: LSTM, gates: ['i', 'f', 'g', 'o'], onnxGates: ['i', 'o', 'f', 'g'] },
  GRU: { module: GRU, gates: ['r', 'z', 'n'], onnxGates: ['z', 'r', 'n'] },
  RNN: { module: RNN, gates: ['h'], onnxGates: ['h'] }
} as const

const cases = [
  { name: 'lstm-bidirectional', operator: 'LSTM' },
  { name: 'gru-wide', operator: 'GRU' },
  { name: 'rnn-tanh', operator: 'RNN' }
] as const

describe.each(cases)('$name, in onnxruntime-node with sequence_lens and here, packed', ({ name, operator }) => {
  const { module, gates, onnxGates } = operators[operator]
  const file = path.join(__dirname, 'models', `${name}.onnx`)
  let golden: Golden
  let theirs: Record<string, ort.TypedTensor<'float32'>>

  beforeAll(async () => {
    golden = await readGolden(name)
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 })
    theirs = await run(session, golden)
  })

  /** Here: packed, run, and padded again. */
  const forward = (input: TensorLike, state: State | null): Outputs => {
    const packed = packPaddedSequence(input, golden.lengths)
    const { output, state: last } = module.fromStateDict(golden.weights).forwardSync(packed, state)
    return { output: padPackedSequence(output, { totalLength: golden.steps }).padded, ...last }
  }

  test('outputs and states are equal within the bound that holds against PyTorch', () => {
    const ours = forward(golden.input, golden.state)
    expect(largestDifference(ours.output, byStep(theirs['Y']!))).toBeLessThanOrEqual(golden.bounds.output)
    expect(largestDifference(ours.h, theirs['Y_h']!)).toBeLessThanOrEqual(golden.bounds.h)
    if (ours.c) expect(largestDifference(ours.c, theirs['Y_c']!)).toBeLessThanOrEqual(golden.bounds.c!)
  })

  test("ONNX's initialisers are PyTorch's parameters, gate by gate, and its biases PyTorch's two", () => {
    const node = readRecurrentNode(file)
    expect(node.operator).toBe(operator)
    const stateDict = stateDictOf(node.initializers, onnxGates, gates)
    expect(Object.keys(stateDict).sort()).toEqual(Object.keys(golden.weights).sort())
    for (const [parameter, { data, shape }] of Object.entries(golden.weights)) {
      expect(stateDict[parameter]!.shape).toEqual(shape)
      expect(stateDict[parameter]!.data).toEqual(data)
    }
  })

  test("onnxruntime's tensors are taken as they are, input and states", () => {
    const { Y_h: h, Y_c: c } = theirs
    const input = new ort.Tensor('float32', golden.input.data, golden.input.shape)
    const state = { h: copyOf(h!), ...(c && { c: copyOf(c) }) }
    expect(forward(input, { h: h!, ...(c && { c }) })).toEqual(forward(golden.input, state))
  })
})

test('integer tensors go both ways: lengths of an onnxruntime tensor, a packed batch of its ids', () => {
  const lengths = new ort.Tensor('int64', BigInt64Array.of(3n, 1n), [2])
  const ids = new ort.Tensor('int32', Int32Array.of(1, 2, 3, 4, 0, 0), [2, 3])
  const packed = packPaddedSequence(ids, lengths.data, { batchFirst: true })
  expect([...packed.data.data]).toEqual([1, 4, 2, 3])
  expect([...packed.batchSizes]).toEqual([2, 1, 1])
})

interface Outputs extends HiddenState {
  readonly output: Tensor
  readonly c?: Tensor
}

interface Golden {
  readonly input: Tensor
  readonly lengths: number[]
  readonly steps: number
  readonly state: State | null
  readonly weights: Record<string, Tensor>
  readonly bounds: { readonly output: number; readonly h: number; readonly c?: number }
}

async function readGolden(name: string): Promise<Golden> {
  const file = path.join(__dirname, '..', 'test', 'golden', `${name}.safetensors`)
  const loaded = await loadSafetensors(file)
  const tensors = Object.fromEntries(Object.entries(loaded)) as Record<string, Tensor>
  const weights = Object.entries(tensors).filter(([key]) => key.startsWith('weights.'))
  const bound = (key: string, key64: string): number => 2 * largestDifference(tensors[key]!, tensors[key64]!) + 1e-7
  return {
    input: tensors['input']!,
    lengths: JSON.parse(loaded.metadata['lengths']!) as number[],
    steps: tensors['input']!.shape[0]!,
    state: tensors['h0'] ? { h: tensors['h0'] } : null,
    weights: Object.fromEntries(weights.map(([key, value]) => [key.slice('weights.'.length), value])),
    bounds: {
      output: bound('output.data', 'output64.data'),
      h: bound('h_n', 'h_n64'),
      ...(tensors['c_n'] && { c: bound('c_n', 'c_n64') })
    }
  }
}

function copyOf({ data, dims }: ort.TypedTensor<'float32'>): Tensor {
  return new Tensor(data.slice(), dims)
}

/** Our tensors are the feeds. */
async function run(
  session: ort.InferenceSession,
  { input, lengths, state }: Golden
): Promise<Record<string, ort.TypedTensor<'float32'>>> {
  const feeds = {
    X: input,
    sequence_lens: new Tensor(Int32Array.from(lengths), [lengths.length]),
    ...(state && { initial_h: state.h })
  }
  return (await session.run(feeds as unknown as ort.InferenceSession.FeedsType)) as Record<
    string,
    ort.TypedTensor<'float32'>
  >
}

/** [steps, directions, batch, size], as ONNX has it, → [steps, batch, directions · size], as PyTorch does. */
function byStep({ data, dims }: ort.TypedTensor<'float32'>): TensorLike {
  const [steps, directions, batch, size] = dims as [number, number, number, number]
  const result = new Float32Array(data.length)
  for (let step = 0; step < steps; ++step) {
    for (let direction = 0; direction < directions; ++direction) {
      for (let i = 0; i < batch; ++i) {
        const from = ((step * directions + direction) * batch + i) * size
        result.set(data.subarray(from, from + size), ((step * batch + i) * directions + direction) * size)
      }
    }
  }
  return { data: result, shape: [steps, batch, directions * size] }
}

/**
 * ONNX's W [directions, gates · hidden, input], R [directions, gates · hidden, hidden] and B [directions, 2 · gates · hidden],
 * PyTorch's bias_ih and then its bias_hh, as a state dict.
 */
function stateDictOf(
  initializers: ReturnType<typeof readRecurrentNode>['initializers'],
  onnxGates: readonly string[],
  gates: readonly string[]
): Record<string, Tensor> {
  const reordered = (data: Float32Array): Float32Array => {
    const size = data.length / gates.length
    return Float32Array.from(
      gates.flatMap((gate) => [...data.subarray(onnxGates.indexOf(gate) * size).subarray(0, size)])
    )
  }
  const { W, R, B } = initializers
  const [directions, rows, inputSize] = W!.shape as [number, number, number]
  const part = (data: Float32Array, index: number, count: number): Float32Array => {
    const size = data.length / count
    return reordered(data.subarray(index * size, (index + 1) * size))
  }
  const stateDict: Record<string, Tensor> = {}
  for (let direction = 0; direction < directions; ++direction) {
    const end = direction === 0 ? '_l0' : '_l0_reverse'
    stateDict[`weight_ih${end}`] = new Tensor(part(W!.data, direction, directions), [rows, inputSize])
    stateDict[`weight_hh${end}`] = new Tensor(part(R!.data, direction, directions), [rows, R!.shape[2]!])
    stateDict[`bias_ih${end}`] = new Tensor(part(B!.data, 2 * direction, 2 * directions), [rows])
    stateDict[`bias_hh${end}`] = new Tensor(part(B!.data, 2 * direction + 1, 2 * directions), [rows])
  }
  return stateDict
}

function largestDifference(a: Pick<TensorLike, 'data'>, b: Pick<TensorLike, 'data'>): number {
  expect(a.data).toHaveLength(b.data.length)
  let largest = 0
  for (let i = 0; i < a.data.length; ++i) {
    const difference = Math.abs(Number(a.data[i]) - Number(b.data[i]))
    if (!(difference <= largest)) largest = difference
  }
  return largest
}
