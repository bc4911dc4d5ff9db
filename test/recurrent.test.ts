import {
  GRU,
  LSTM,
  packPaddedSequence,
  PackedSequence,
  packSequence,
  padPackedSequence,
  RNN,
  Tensor,
  tensor,
  unpackSequence
} from '../lib'
import type { State, TensorLike } from '../lib'
import { type ModuleName, reference, type Rows } from './reference'
import {
  type AnyModule,
  type AnyOptions,
  expectSameBits,
  generator,
  maxError,
  modules,
  newModule,
  randomModule,
  randomState,
  randomTensor,
  rowsOf,
  stateOf
} from './support'
import { expectError, messageOf } from './thrown'

const names = Object.keys(modules) as ModuleName[]
const sizes = { inputSize: 3, hiddenSize: 5 }

/** What float32 may differ from float64 by, in these short runs of small numbers: a few units in the last place each step. */
const tolerance = 2e-6

const floats = (...shape: number[]): Tensor => randomTensor(generator(shape.join().length), shape)

function expectNear(actual: Tensor | Rows, expected: Rows): void {
  expect(maxError((actual instanceof Tensor ? rowsOf(actual) : actual).flat(), expected.flat())).toBeLessThan(tolerance)
}

function referenceOf(module: AnyModule, sequence: Rows, h0?: Rows, c0?: Rows): ReturnType<typeof reference> {
  const name = module.constructor.name as ModuleName
  return reference(name, module.options, module.stateDict(), sequence, h0, c0)
}

/** Expects what the reference gives for each sequence alone, in the caller's order. */
function expectReference(
  module: AnyModule,
  sequences: readonly Tensor[],
  state: { h: Tensor; c?: Tensor } | null,
  output: readonly Tensor[],
  final: { h: Tensor; c?: Tensor }
): void {
  sequences.forEach((sequence, b) => {
    const c0 = state?.c && stateOf(state.c, b)
    const expected = referenceOf(module, rowsOf(sequence), state ? stateOf(state.h, b) : undefined, c0)
    expectNear(output[b]!, expected.output)
    expectNear(stateOf(final.h, b), expected.h)
    if (module instanceof LSTM) expectNear(stateOf(final.c!, b), expected.c)
  })
}

/** [batch, steps, *] ↔ [steps, batch, *]. */
function transposed({ data, shape }: Tensor): Tensor {
  const [rows, columns, width] = shape as [number, number, number]
  const turned = new Tensor(new Float32Array(data.length), [columns, rows, width])
  for (let i = 0; i < rows; ++i) {
    for (let j = 0; j < columns; ++j) {
      const from = (i * columns + j) * width
      turned.data.set(data.subarray(from, from + width), (j * rows + i) * width)
    }
  }
  return turned
}

const variants: [ModuleName, Partial<AnyOptions>][] = names.flatMap((name) =>
  [
    {},
    { bias: false },
    { numLayers: 3 },
    { bidirectional: true },
    { numLayers: 2, bidirectional: true, bias: false },
    ...(name === 'RNN' ? [{ nonlinearity: 'relu' as const, numLayers: 2, bidirectional: true }] : []),
    ...(name === 'LSTM' ? [{ projSize: 2 }, { projSize: 4, numLayers: 2, bidirectional: true }] : [])
  ].map((options): [ModuleName, Partial<AnyOptions>] => [name, options])
)

describe('B37 options', () => {
  const shared = { ...sizes, numLayers: 1, bias: true, batchFirst: false, dropout: 0, bidirectional: false }

  test.each([
    ['LSTM', { ...shared, projSize: 0 }],
    ['GRU', shared],
    ['RNN', { ...shared, nonlinearity: 'tanh' }]
  ] as const)('%s has the defaults of PyTorch, all of them there and frozen', (name, expected) => {
    const { options } = newModule(name, sizes)
    expect(options).toEqual(expected)
    expect(Object.isFrozen(options)).toBe(true)
  })

  test('what is given is kept; dropout has no effect', () => {
    const given = {
      ...sizes,
      numLayers: 2,
      bias: false,
      batchFirst: true,
      dropout: 0.5,
      bidirectional: true,
      projSize: 2
    }
    const lstm = new LSTM(given)
    expect(lstm.options).toEqual(given)
    const without = new LSTM({ ...given, dropout: 0 }, lstm.stateDict())
    const input = floats(2, 4, 3)
    expectSameBits(lstm.forwardSync(input).output, without.forwardSync(input).output)
  })
})

describe('B38 wrong options are errors', () => {
  const wrong: [string, unknown, TypeErrorConstructor | RangeErrorConstructor][] = [
    ...['inputSize', 'hiddenSize', 'numLayers'].flatMap((name): [string, unknown, RangeErrorConstructor][] =>
      [0, -1, 1.5, NaN, Infinity, 2 ** 31].map((value) => [name, value, RangeError])
    ),
    ...['inputSize', 'hiddenSize', 'numLayers'].map((name): [string, unknown, TypeErrorConstructor] => [
      name,
      '4',
      TypeError
    ]),
    ...['bias', 'batchFirst', 'bidirectional'].flatMap((name): [string, unknown, TypeErrorConstructor][] =>
      [1, 'yes', null].map((value) => [name, value, TypeError])
    ),
    ...[-0.1, 1.1, NaN].map((value): [string, unknown, RangeErrorConstructor] => ['dropout', value, RangeError]),
    ['dropout', '0', TypeError],
    ...[-1, 5, 6, 0.5].map((value): [string, unknown, RangeErrorConstructor] => ['projSize', value, RangeError])
  ]
  test.each(wrong)('LSTM with %s: %p', (name, value, type) => {
    const code = type === TypeError ? 'ERR_ARG_TYPE' : 'ERR_ARG_VALUE'
    expectError(() => new LSTM({ ...sizes, [name]: value }), type, code, `options.${name}`, 'but received')
  })

  test('sizes must be given', () => {
    for (const name of ['inputSize', 'hiddenSize']) {
      const some = Object.fromEntries(Object.entries(sizes).filter(([key]) => key !== name))
      expectError(() => new GRU(some as never), TypeError, 'ERR_ARG_TYPE', `options.${name}`, 'undefined')
    }
    expectError(
      () => new (GRU as unknown as new () => GRU)(),
      TypeError,
      'ERR_ARG_TYPE',
      'options.inputSize',
      'undefined'
    )
    expectError(() => new GRU(3 as never), TypeError, 'ERR_ARG_TYPE', 'options', '3')
  })

  test('a nonlinearity that does not exist', () => {
    const make = (nonlinearity: unknown) => () => new RNN({ ...sizes, nonlinearity } as never)
    expectError(make('gelu'), RangeError, 'ERR_ARG_VALUE', 'options.nonlinearity', '"tanh", "relu"', '"gelu"')
    expectError(make(1), TypeError, 'ERR_ARG_TYPE', 'options.nonlinearity', '1')
  })

  test('an option of another module', () => {
    for (const module of [GRU, RNN]) {
      const make = (): unknown => new module({ ...sizes, projSize: 2 } as never)
      expectError(make, TypeError, 'ERR_OPTION_UNKNOWN', 'projSize', 'the options are inputSize, hiddenSize')
    }
    const make = (): LSTM => new LSTM({ ...sizes, nonlinearity: 'relu' } as never)
    expectError(make, TypeError, 'ERR_OPTION_UNKNOWN', 'nonlinearity', 'projSize')
  })

  test.each([
    ['numlayers', 'numLayers'],
    ['num_layers', 'numLayers'],
    ['batch_first', 'batchFirst'],
    ['hidenSize', 'hiddenSize'],
    ['bidirektional', 'bidirectional']
  ])('%s is refused, and %s suggested', (misspelt, meant) => {
    const make = (): LSTM => new LSTM({ ...sizes, [misspelt]: 1 })
    expectError(make, TypeError, 'ERR_OPTION_UNKNOWN', misspelt, `did you mean ${meant}?`)
  })
})

describe('the equations, against the reference in float64', () => {
  test('B41 GRU: the reset gate takes the hidden bias of n in, but not the input bias', () => {
    const gru = new GRU(
      { inputSize: 1, hiddenSize: 1 },
      {
        weight_ih_l0: tensor([[0], [0], [0]]),
        weight_hh_l0: tensor([[0], [0], [0.5]]),
        bias_ih_l0: tensor([-1, 0.25, 0.125]),
        bias_hh_l0: tensor([0.5, 0.25, 2])
      }
    )
    const { output } = gru.forwardSync(tensor([[0]]), { h: tensor([[0.75]]) })
    const [r, z] = [1 / (1 + Math.exp(0.5)), 1 / (1 + Math.exp(-0.5))]
    const n = Math.tanh(0.125 + r * (0.5 * 0.75 + 2))
    expect(output.data[0]).toBeCloseTo((1 - z) * n + z * 0.75, 6)
  })

  test.each(variants)('B50 %s %j: every row of a packed batch is that row alone', (name, some) => {
    const module = randomModule(name, { ...sizes, ...some }, 7)
    const random = generator(8)
    const sequences = [4, 1, 6, 6, 2, 9].map((steps) => randomTensor(random, [steps, 3], 2))
    for (const state of [null, randomState(module, random, sequences.length)]) {
      const { output, state: final } = module.forwardSync(packSequence(sequences, { enforceSorted: false }), state)
      expectReference(module, sequences, state, unpackSequence(output), final)
    }
  })

  test.each(variants)('%s %j: padded, in both layouts, and unbatched', (name, some) => {
    const options = { ...sizes, ...some }
    const module = randomModule(name, options, 9)
    const random = generator(10)
    const sequences = Array.from({ length: 4 }, () => randomTensor(random, [5, 3], 2))
    const batchFirst = new Tensor(Float32Array.from(sequences.flatMap(({ data }) => [...data])), [4, 5, 3])
    const state = randomState(module, random, 4)
    const timeFirst = module.forwardSync(transposed(batchFirst), state)
    const perSequence = transposed(timeFirst.output)
    const width = perSequence.shape[2]!
    const outputs = sequences.map((_, b) => {
      return new Tensor(perSequence.data.slice(b * 5 * width, (b + 1) * 5 * width), [5, width])
    })
    expectReference(module, sequences, state, outputs, timeFirst.state)

    const turned = newModule(name, { ...options, batchFirst: true }, module.stateDict()).forwardSync(batchFirst, state)
    expectSameBits(turned.output, perSequence)
    expectSameBits(turned.state.h, timeFirst.state.h)

    const alone = module.forwardSync(sequences[0]!)
    const expected = referenceOf(module, rowsOf(sequences[0]!))
    expect(alone.output.shape).toEqual([5, width])
    expectNear(alone.output, expected.output)
    expectNear(alone.state.h, expected.h)
  })
})

describe('B43 the rank of the input', () => {
  const lstm = randomModule('LSTM', sizes, 1)

  test.each([[[]], [[3]], [[1, 2, 4, 3]]])('%j is neither batched nor unbatched', (shape) => {
    expectError(
      () => lstm.forwardSync(floats(...shape)),
      RangeError,
      'ERR_SHAPE',
      'input',
      '[steps, batch, inputSize]',
      `rank ${String(shape.length)}`
    )
  })

  test('batchFirst is named in what was expected, and ignored for unbatched input', () => {
    const turned = new LSTM({ ...sizes, batchFirst: true }, lstm.stateDict())
    expectError(() => turned.forwardSync(floats(3)), RangeError, 'ERR_SHAPE', 'input', '[batch, steps, inputSize]')
    expectSameBits(turned.forwardSync(floats(4, 3)).output, lstm.forwardSync(floats(4, 3)).output)
  })

  test('packed data has two dimensions', () => {
    const packed = packSequence([floats(2, 3, 1), floats(1, 3, 1)])
    expectError(() => lstm.forwardSync(packed), RangeError, 'ERR_SHAPE', 'PackedSequence', 'rank 2', '[3, 3, 1]')
    const flat = packSequence([floats(2), floats(1)])
    expectError(() => lstm.forwardSync(flat), RangeError, 'ERR_SHAPE', 'PackedSequence', 'rank 1')
  })

  test.each([undefined, null, 3, 'abc', {}, [[1, 2, 3]], new Float32Array(3)])('%p is no input', (input) => {
    expectError(() => lstm.forwardSync(input as never), TypeError, 'ERR_ARG_TYPE', 'input', 'a tensor')
  })

  test.each([[[[1, 2, 3]]], [new Float32Array(3)]])('%p can be made one', (input) => {
    expectError(() => lstm.forwardSync(input as never), TypeError, 'ERR_ARG_TYPE', 'input', 'tensor(values, shape)')
  })

  test('a clone of a packed sequence is none, but its parts make one', () => {
    const packed = packSequence([floats(1, 3), floats(2, 3)], { enforceSorted: false })
    const clone = structuredClone(packed)
    const wayOut = 'new PackedSequence(p.data, p.batchSizes, p.sortedIndices, p.unsortedIndices, p.batchCount)'
    expectError(() => lstm.forwardSync(clone), TypeError, 'ERR_ARG_TYPE', 'for input', wayOut)
    expectError(() => padPackedSequence(clone), TypeError, 'ERR_ARG_TYPE', 'for p', wayOut)
    const { data, batchSizes, sortedIndices, unsortedIndices, batchCount } = clone
    const made = new PackedSequence(data, batchSizes, sortedIndices, unsortedIndices, batchCount)
    expectSameBits(lstm.forwardSync(made).output.data, lstm.forwardSync(packed).output.data)
  })
})

describe('B44 the size and type of the input', () => {
  const gru = randomModule('GRU', sizes, 1)

  test('another last dimension than inputSize', () => {
    for (const input of [floats(2, 1, 4), floats(2, 4)]) {
      expectError(() => gru.forwardSync(input), RangeError, 'ERR_SHAPE', 'input', 'inputSize 3', '4')
    }
    const packed = packSequence([floats(2, 4)])
    expectError(() => gru.forwardSync(packed), RangeError, 'ERR_SHAPE', 'input', 'inputSize 3', '4')
  })

  test('another type than that of the weights', () => {
    const doubles = { data: new Float64Array(6), shape: [2, 3] }
    expectError(() => gru.forwardSync(doubles), TypeError, 'ERR_DTYPE', 'input', 'float32', 'float64')
    const packed = packSequence([doubles])
    expectError(() => gru.forwardSync(packed), TypeError, 'ERR_DTYPE', 'input', 'float32', 'float64')
  })
})

describe('B45 the shape of the states', () => {
  const lstm = randomModule('LSTM', { ...sizes, numLayers: 2, bidirectional: true, projSize: 2 }, 1)
  const packed = packSequence([floats(3, 3), floats(2, 3)], { enforceSorted: false })
  const h = floats(4, 2, 2)
  const c = floats(4, 2, 5)

  test('h is projected, c is not', () => {
    const { state } = lstm.forwardSync(packed, { h, c })
    expect(state.h.shape).toEqual([4, 2, 2])
    expect((state as { c: Tensor }).c.shape).toEqual([4, 2, 5])
  })

  test.each([
    ['h', { h: floats(4, 2, 5), c }, '[4, 2, 2]', '[4, 2, 5]'],
    ['h', { h: floats(2, 2, 2), c }, '[4, 2, 2]', '[2, 2, 2]'],
    ['h', { h: floats(4, 3, 2), c }, '[4, 2, 2]', '[4, 3, 2]'],
    ['c', { h, c: floats(4, 2, 2) }, '[4, 2, 5]', '[4, 2, 2]'],
    ['h', { h: floats(4, 2), c: floats(4, 5) }, '[4, 2, 2]', '[4, 2]']
  ])('a wrong size of %s is named, packed and padded', (name, state, expected, received) => {
    for (const input of [packed, floats(3, 2, 3)]) {
      expectError(() => lstm.forwardSync(input, state), RangeError, 'ERR_SHAPE', `state.${name}`, expected, received)
    }
  })

  test('unbatched input has states without a batch', () => {
    const state = { h: floats(4, 2), c: floats(4, 5) }
    expect(lstm.forwardSync(floats(3, 3), state).state.h.shape).toEqual([4, 2])
    const batched = { h: floats(4, 1, 2), c: floats(4, 1, 5) }
    expectError(
      () => lstm.forwardSync(floats(3, 3), batched),
      RangeError,
      'ERR_SHAPE',
      'state.h',
      '[4, 2]',
      '[4, 1, 2]'
    )
  })

  test('states of another type, or none at all', () => {
    const doubles = { data: new Float64Array(16), shape: [4, 2, 2] }
    expectError(() => lstm.forwardSync(packed, { h: doubles, c }), TypeError, 'ERR_DTYPE', 'state.h', 'float64')
    expectError(() => lstm.forwardSync(packed, { h, c: 5 as never }), TypeError, 'ERR_ARG_TYPE', 'state.c', '5')
  })
})

describe('B46 a state that is missing is zeros', () => {
  test.each(names)('%s', (name) => {
    const module = randomModule(name, sizes, 3)
    const zeros = { h: new Tensor(new Float32Array(10), [1, 2, 5]) }
    const state = name === 'LSTM' ? { ...zeros, c: zeros.h } : zeros
    const given = module.forwardSync(floats(4, 2, 3), state)
    for (const none of [undefined, null]) {
      const result = module.forwardSync(floats(4, 2, 3), none)
      expectSameBits(result.output, given.output)
      expectSameBits(result.state.h, given.state.h)
    }
  })

  test('the LSTM needs both h and c, the others h alone', () => {
    const h = floats(1, 2, 5)
    const run = (name: ModuleName, state: unknown) => () =>
      randomModule(name, sizes, 3).forwardSync(floats(4, 2, 3), state as State)
    for (const state of [{ h }, { c: h }, {}, [h, h]]) {
      expectError(run('LSTM', state), TypeError, 'ERR_ARG_TYPE', 'state', '{ h, c }')
    }
    expectError(run('GRU', { h, c: h }), TypeError, 'ERR_ARG_TYPE', 'state', '{ h }', 'h, c')
    expectError(run('RNN', 'zeros'), TypeError, 'ERR_ARG_TYPE', 'state', '"zeros"')
  })
})

test('B47 batchFirst never moves the batch axis of states', () => {
  const lstm = randomModule('LSTM', { ...sizes, numLayers: 2, batchFirst: true }, 4)
  const state = { h: floats(2, 3, 5), c: floats(2, 3, 5) }
  const result = lstm.forwardSync(floats(3, 7, 3), state)
  expect(result.output.shape).toEqual([3, 7, 5])
  expect(result.state.h.shape).toEqual([2, 3, 5])
})

describe('B48 packed, unsorted', () => {
  test.each(names)(
    '%s: states are in the order of the caller, the output shares the structure of the input',
    (name) => {
      const module = randomModule(name, { ...sizes, numLayers: 2, bidirectional: true }, 5)
      const random = generator(6)
      const sequences = [2, 5, 1, 5, 3].map((steps) => randomTensor(random, [steps, 3]))
      const packed = packSequence(sequences, { enforceSorted: false })
      const state = randomState(module, random, 5)
      const result = module.forwardSync(packed, state)
      expect(result.output).toBeInstanceOf(PackedSequence)
      expect(result.output.batchSizes).toBe(packed.batchSizes)
      expect(result.output.sortedIndices).toBe(packed.sortedIndices)
      expect(result.output.unsortedIndices).toBe(packed.unsortedIndices)
      sequences.forEach((sequence, b) => {
        const only = (states: Tensor): TensorLike => tensor(stateOf(states, b).map((row) => [row]))
        const own = { h: only(state.h), ...(state.c && { c: only(state.c) }) }
        const alone = module.forwardSync(packSequence([sequence]), own)
        expectSameBits(unpackSequence(result.output)[b]!, alone.output.data)
        expect(stateOf(result.state.h, b)).toEqual(stateOf(alone.state.h, 0))
      })
    }
  )
})

describe('B49 B50 two directions', () => {
  const gru = randomModule('GRU', { ...sizes, bidirectional: true }, 11)
  const packed = packSequence([floats(2, 3), floats(5, 3), floats(3, 3)], { enforceSorted: false })
  const { output, state } = gru.forwardSync(packed)
  const outputs = unpackSequence(output).map(rowsOf)

  test('the output is the forward half, then the reverse half', () => {
    expect(output.data.shape).toEqual([10, 10])
    const parameters = Object.entries(gru.stateDict())
    const half = (suffix: string): GRU => {
      const own = parameters.filter(([name]) => name.endsWith(suffix))
      return GRU.fromStateDict(new Map(own.map(([name, values]) => [name.replace('_reverse', ''), values])))
    }
    const sequence = floats(5, 3)
    const backwards = tensor([...rowsOf(sequence)].reverse())
    const forward = rowsOf(half('l0').forwardSync(sequence).output)
    const reverse = [...rowsOf(half('reverse').forwardSync(backwards).output)].reverse()
    expect(outputs[1]).toEqual(forward.map((row, t) => [...row, ...reverse[t]!]))
  })

  test('h_n is the output at the last valid step, and for the reverse direction at the first', () => {
    outputs.forEach((rows, b) => {
      const [forward, reverse] = stateOf(state.h, b)
      expect(forward).toEqual(rows.at(-1)!.slice(0, 5))
      expect(reverse).toEqual(rows[0]!.slice(5))
    })
  })
})

describe('B51 NaN and Infinity in the padding', () => {
  test.each(names)('%s: packed input does not see them', (name) => {
    const module = randomModule(name, { ...sizes, numLayers: 2, bidirectional: true }, 12)
    const lengths = [5, 2, 4]
    const clean = randomTensor(generator(13), [5, 3, 3])
    const results = [0, NaN, Infinity].map((padding) => {
      const input = new Tensor(clean.data.slice(), clean.shape)
      lengths.forEach((length, b) => {
        for (let t = length; t < 5; ++t) input.data.fill(padding, (t * 3 + b) * 3, (t * 3 + b + 1) * 3)
      })
      return module.forwardSync(packPaddedSequence(input, lengths, { enforceSorted: false }))
    })
    for (const result of results) {
      expect(result.output.data.data.every(Number.isFinite)).toBe(true)
      expectSameBits(result.output.data, results[0]!.output.data)
      expectSameBits(result.state.h, results[0]!.state.h)
    }
  })
})

describe('B52 nothing to do', () => {
  test.each(names)('%s: no sequences give no output and no states', (name) => {
    const options = { ...sizes, numLayers: 2, bidirectional: true }
    const { output, state } = randomModule(name, options, 1).forwardSync(floats(4, 0, 3))
    expect(output.shape).toEqual([4, 0, 10])
    expect(state.h.shape).toEqual([4, 0, 5])
    const batchFirst = randomModule(name, { ...options, batchFirst: true }, 1)
    expect(batchFirst.forwardSync(floats(0, 4, 3)).output.shape).toEqual([0, 4, 10])
    const oneWay = randomModule(name, { ...options, bidirectional: false }, 1)
    expect(oneWay.forwardSync(floats(4, 0, 3)).output.shape).toEqual([4, 0, 5])
  })

  test.each(names)('%s: no steps are an error', (name) => {
    for (const shape of [
      [0, 2, 3],
      [0, 3],
      [0, 0, 3]
    ]) {
      const run = (): unknown => randomModule(name, sizes, 1).forwardSync(floats(...shape))
      expectError(run, RangeError, 'ERR_EMPTY', 'input', 'one step or more')
    }
  })

  test.each(names)('%s: packed sequences that all have no steps leave the state as it is', (name) => {
    const module = randomModule(name, { ...sizes, bidirectional: true }, 1)
    const packed = packSequence([floats(0, 3), floats(0, 3)], { allowZeroLength: true })
    const given = randomState(module, generator(1), 2)
    const { output, state } = module.forwardSync(packed, given)
    expect(output.data.shape).toEqual([0, 10])
    expectSameBits(state.h, given.h)
    if (given.c) expectSameBits((state as { c: Tensor }).c, given.c)
    expect(module.forwardSync(packed).state.h.data).toEqual(new Float32Array(20))
  })
})

describe('B56 a sequence of no steps among others', () => {
  test.each(names)('%s: has no output, and keeps its state in both directions', (name) => {
    const module = randomModule(name, { ...sizes, numLayers: 2, bidirectional: true }, 14)
    const random = generator(15)
    const all = [3, 0, 5, 1, 0].map((steps) => randomTensor(random, [steps, 3]))
    const packed = packSequence(all, { enforceSorted: false, allowZeroLength: true })
    const given = randomState(module, random, 5)
    const { output, state } = module.forwardSync(packed, given)
    expect(unpackSequence(output).map(({ shape }) => shape[0])).toEqual([3, 0, 5, 1, 0])
    for (const b of [1, 4]) {
      expect(stateOf(state.h, b)).toEqual(stateOf(given.h, b))
      if (given.c) expect(stateOf((state as { c: Tensor }).c, b)).toEqual(stateOf(given.c, b))
    }
    expectReference(module, all, given, unpackSequence(output), state)
  })
})

describe('B60 NaN and Infinity in a real step', () => {
  test.each(names.flatMap((name) => [NaN, Infinity].map((value) => [name, value] as const)))(
    '%s: %p reaches its own sequence from that step on, and no other',
    (name, value) => {
      const module = randomModule(name, { ...sizes, hiddenSize: 9 }, 16)
      const clean = randomTensor(generator(17), [6, 21, 3])
      const dirty = new Tensor(clean.data.slice(), clean.shape)
      const [row, step] = [7, 2]
      dirty.data[(step * 21 + row) * 3] = value
      const [before, after] = [module.forwardSync(clean), module.forwardSync(dirty)]
      const steps = (result: typeof before, b: number): Rows => rowsOf(result.output).filter((_, i) => i % 21 === b)
      for (let b = 0; b < 21; ++b) {
        const seen = b === row ? step : 6
        expect(steps(after, b).slice(0, seen)).toEqual(steps(before, b).slice(0, seen))
      }
      const dirtyRows = rowsOf(dirty).filter((_, i) => i % 21 === row)
      const expected = referenceOf(module, dirtyRows).output.flat()
      const actual = steps(after, row).flat()
      actual.forEach((x, i) => {
        expect(Number.isNaN(x)).toBe(Number.isNaN(expected[i]))
        if (Number.isFinite(expected[i])) expect(Math.abs(x - expected[i]!)).toBeLessThan(tolerance)
        else if (!Number.isNaN(x)) expect(x).toBe(expected[i])
      })
      if (Number.isNaN(value)) expect(actual.slice(step * 9).every(Number.isNaN)).toBe(true)
    }
  )
})

describe('forward, off the event loop', () => {
  test.each(names)('%s: a promise of what forwardSync returns', async (name) => {
    const module = randomModule(name, { ...sizes, numLayers: 2, bidirectional: true }, 18)
    const random = generator(19)
    const packed = (...lengths: number[]): PackedSequence =>
      packSequence(
        lengths.map((steps) => randomTensor(random, [steps, 3])),
        { enforceSorted: false }
      )
    const state = randomState(module, random, 3)
    const brief = [packed(3, 7, 1), randomTensor(random, [4, 3, 3])]
    for (const input of [...brief, packed(300, 700, 100), randomTensor(random, [400, 3, 3])]) {
      const [later, now] = [await module.forward(input, state), module.forwardSync(input, state)]
      const data = (output: Tensor | PackedSequence): Tensor => (output instanceof Tensor ? output : output.data)
      expectSameBits(data(later.output), data(now.output))
      expectSameBits(later.state.h, now.state.h)
    }
  })

  test('errors are rejections, never thrown', async () => {
    const gru = randomModule('GRU', sizes, 1)
    const promise = gru.forward(floats(2, 4))
    await expect(promise).rejects.toMatchObject({ code: 'ERR_SHAPE' })
  })

  test('a brief run has ended before the event loop has had a turn', async () => {
    const lstm = randomModule('LSTM', sizes, 1)
    await lstm.forward(floats(400, 8, 3)) // is handed over, and the count of brief ones begins anew
    let turned = false
    setImmediate(() => (turned = true))
    await lstm.forward(floats(1, 1, 3))
    expect(turned).toBe(false)
  })

  test('the event loop has its turns, however many brief runs follow each other', async () => {
    const lstm = randomModule('LSTM', sizes, 1)
    const input = floats(1, 1, 3)
    let turns = 0
    const turn = setInterval(() => ++turns, 0)
    for (let i = 0; i < 10000; ++i) await lstm.forward(input)
    clearInterval(turn)
    expect(turns).toBeGreaterThan(2)
  })

  test.each([3, 300])('inputs are left alone, outputs are new: %d steps', async (steps) => {
    const lstm = randomModule('LSTM', sizes, 1)
    const input = floats(steps, 2, 3)
    const state = { h: floats(1, 2, 5), c: floats(1, 2, 5) }
    const copies = [input, state.h, state.c].map(({ data }) => data.slice())
    const results = [lstm.forwardSync(input, state), await lstm.forward(input, state)]
    expect([input, state.h, state.c].map(({ data }) => data)).toEqual(copies)
    const buffers = results.flatMap(({ output, state: { h } }) => [output.data.buffer, h.data.buffer])
    expect(new Set([...buffers, input.data.buffer, state.h.data.buffer]).size).toBe(6)
  })
})

describe('edges', () => {
  test('the most layers and the largest dropout that there may be', () => {
    expect(new RNN({ inputSize: 1, hiddenSize: 1, numLayers: 1024, dropout: 1 }).options).toMatchObject({
      numLayers: 1024,
      dropout: 1
    })
    expectError(
      () => new RNN({ inputSize: 1, hiddenSize: 1, numLayers: 1025 }),
      RangeError,
      'ERR_ARG_VALUE',
      'options.numLayers',
      'from 1 to 1024',
      '1025'
    )
  })

  test('what is wrong with a state or a type is said whole', () => {
    const lstm = new LSTM(sizes)
    expect(messageOf(() => lstm.forwardSync(floats(1, 3), {} as State))).toBe(
      'Expected { h, c } or null for state but received one with nothing'
    )
    expect(messageOf(() => lstm.forwardSync(floats(1, 3), { h: undefined, c: undefined } as never))).toBe(
      'Expected { h, c } or null for state but received one with h: undefined, c: undefined'
    )
    for (const data of [new Float64Array(3), new BigInt64Array(3)]) {
      const way = /: Float32Array\.from\(data, Number\) converts it$/
      expect(messageOf(() => lstm.forwardSync({ data, shape: [1, 3] }))).toMatch(way)
      expect(() => lstm.forwardSync({ data: Float32Array.from(data, Number), shape: [1, 3] })).not.toThrow()
    }
  })
})
