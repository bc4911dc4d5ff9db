import { GRU, GRUCell, LSTM, LSTMCell, RNN, RNNCell, Tensor, tensor, type TensorLike } from '../lib'
import { expectSameArrays, expectSameBits, generator, randomStateDict, randomTensor } from './support'
import type { ModuleName } from './reference'
import { expectError } from './thrown'

type AnyCell = LSTMCell | GRUCell | RNNCell

const cells = { LSTM: LSTMCell, GRU: GRUCell, RNN: RNNCell }
const modules = { LSTM, GRU, RNN }
const names = Object.keys(cells) as ModuleName[]
const sizes = { inputSize: 3, hiddenSize: 5 }

/** A module of one layer, and the cell with the same weights. */
function pair(name: ModuleName, options = {}): [LSTM | GRU | RNN, AnyCell] {
  const stateDict = randomStateDict(name, { ...sizes, ...options }, generator(1))
  const renamed = Object.entries(stateDict).map(([key, values]) => [key.replace('_l0', ''), values] as const)
  const make = <M>(module: unknown, dict: unknown): M =>
    new (module as new (o: object, d: unknown) => M)({ ...sizes, ...options }, dict)
  return [make(modules[name], stateDict), make(cells[name], new Map(renamed))]
}

const floats = (seed: number, ...shape: number[]): Tensor => randomTensor(generator(seed), shape)
const stateOf = (name: ModuleName, ...shape: number[]): { h: Tensor; c?: Tensor } =>
  name === 'LSTM' ? { h: floats(3, ...shape), c: floats(4, ...shape) } : { h: floats(3, ...shape) }
const reshaped = ({ data }: Tensor, ...shape: number[]): Tensor => new Tensor(data, shape)
const values = (state: object): Tensor[] => Object.values(state) as Tensor[]

describe('B55 cells', () => {
  const variants: [ModuleName, object][] = [
    ...names.map((name): [ModuleName, object] => [name, {}]),
    ...names.map((name): [ModuleName, object] => [name, { bias: false }]),
    ['RNN', { nonlinearity: 'relu' }]
  ]

  test.each(variants)('%s %j: a batch of one step each, as the module gives', (name, options) => {
    const [module, cell] = pair(name, options)
    const input = floats(2, 4, 3)
    const state = stateOf(name, 4, 5)
    const expected = module.forwardSync(reshaped(input, 1, 4, 3), {
      h: reshaped(state.h, 1, 4, 5),
      ...(state.c && { c: reshaped(state.c, 1, 4, 5) })
    })
    const next = cell.forwardSync(input, state)
    expect(Object.keys(next)).toEqual(name === 'LSTM' ? ['h', 'c'] : ['h'])
    values(next).forEach((actual, i) => {
      expect(actual.shape).toEqual([4, 5])
      expectSameArrays(actual.data, values(expected.state)[i]!.data)
    })
  })

  test.each(names)('%s: one sequence without a batch, as a batch of one', (name) => {
    const [, cell] = pair(name)
    const alone = cell.forwardSync(floats(2, 3), stateOf(name, 5))
    const batch = cell.forwardSync(floats(2, 1, 3), stateOf(name, 1, 5))
    values(alone).forEach((actual, i) => {
      expect(actual.shape).toEqual([5])
      expectSameArrays(actual.data, values(batch)[i]!.data)
    })
  })

  test.each(names)('%s: a missing state is zeros', (name) => {
    const [, cell] = pair(name)
    const zeros = { h: reshaped(new Tensor(new Float32Array(10), [10]), 2, 5) }
    const expected = cell.forwardSync(floats(2, 2, 3), name === 'LSTM' ? { ...zeros, c: zeros.h } : zeros)
    for (const none of [undefined, null]) expectSameBits(cell.forwardSync(floats(2, 2, 3), none).h, expected.h)
  })

  test.each(names)('%s: steps by hand are the sequence', (name) => {
    const [module, cell] = pair(name)
    const sequence = floats(5, 6, 3)
    const expected = module.forwardSync(sequence)
    let state: { h: Tensor; c?: Tensor } | null = null
    for (let t = 0; t < 6; ++t) {
      state = cell.forwardSync(new Tensor(sequence.data.slice(3 * t, 3 * t + 3), [3]), state)
      expectSameArrays(state.h.data, expected.output.data.slice(5 * t, 5 * t + 5))
    }
  })

  test.each(names)('%s: no rows', (name) => {
    expect(pair(name)[1].forwardSync(floats(2, 0, 3)).h.shape).toEqual([0, 5])
  })

  test.each(names)('%s: input and state that do not fit', (name) => {
    const [, cell] = pair(name)
    const run = (input: TensorLike, state?: object) => () => cell.forwardSync(input, state as never)
    expectError(run(floats(2, 2, 4)), RangeError, 'ERR_SHAPE', 'input', 'inputSize 3', '4')
    expectError(run(floats(2, 1, 2, 3)), RangeError, 'ERR_SHAPE', 'input', '[batch, inputSize]', 'rank 3')
    expectError(run(tensor(3)), RangeError, 'ERR_SHAPE', 'input', '[inputSize]', 'rank 0')
    expectError(run(floats(2, 2, 3), stateOf(name, 3, 5)), RangeError, 'ERR_SHAPE', 'state.h', '[2, 5]', '[3, 5]')
    expectError(run(floats(2, 2, 3), stateOf(name, 2, 4)), RangeError, 'ERR_SHAPE', 'state.h', '[2, 5]', '[2, 4]')
    expectError(run(floats(2, 3), stateOf(name, 1, 5)), RangeError, 'ERR_SHAPE', 'state.h', '[5]', '[1, 5]')
    expectError(run({ data: new Float64Array(3), shape: [3] }), TypeError, 'ERR_DTYPE', 'input', 'float64')
  })

  test('the LSTM cell needs h and c, and has no projection', () => {
    const [, cell] = pair('LSTM')
    const run = (): unknown => cell.forwardSync(floats(2, 3), { h: floats(3, 5) })
    expectError(run, TypeError, 'ERR_ARG_TYPE', 'state', '{ h, c }')
    const make = (): LSTMCell => new LSTMCell({ ...sizes, projSize: 2 } as never)
    expectError(make, TypeError, 'ERR_OPTION_UNKNOWN', 'projSize', 'inputSize')
  })

  test.each(names)('%s: options are those of a cell, all of them there', (name) => {
    const { options } = pair(name)[1]
    expect(options).toEqual({ ...sizes, bias: true, ...(name === 'RNN' && { nonlinearity: 'tanh' }) })
    expect(Object.isFrozen(options)).toBe(true)
  })

  test.each(names)('%s: sizes are read off a state dict', (name) => {
    const [, cell] = pair(name, { bias: false })
    const whole = Object.entries(cell.stateDict()).map(([key, value]) => [`decoder.cell.${key}`, value] as const)
    const read = (cells[name] as typeof LSTMCell).fromStateDict(new Map(whole), { prefix: 'decoder.cell.' })
    expect(read.options).toEqual(cell.options)
    expectSameBits(read.forwardSync(floats(2, 3)).h, cell.forwardSync(floats(2, 3)).h)
  })

  test('the parameters of a module are not those of a cell', () => {
    const [module, cell] = pair('GRU')
    const wrong = (): unknown => GRUCell.fromStateDict(module.stateDict())
    expectError(wrong, RangeError, 'ERR_STATE_DICT', 'weight_ih is missing', 'weight_ih_l0 is unexpected')
    expectError(
      () => GRU.fromStateDict(cell.stateDict()),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l0 is missing',
      'weight_ih '
    )
  })
})
