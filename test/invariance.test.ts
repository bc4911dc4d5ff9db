import {
  getNumThreads,
  packPaddedSequence,
  packSequence,
  padSequence,
  setNumThreads,
  Tensor,
  unpackSequence,
  unpadSequence
} from '../lib'
import type { ModuleName } from './reference'
import {
  type AnyModule,
  type AnyOptions,
  expectSameArrays,
  expectSameBits,
  generator,
  isas,
  type Job,
  modules,
  newModule,
  randomModule,
  randomState,
  randomTensor,
  runUnder
} from './support'

// One test for each clause of the promise: the result of a sequence has the same bits, whatever stands around it.
const names = Object.keys(modules) as ModuleName[]
const kinds: [ModuleName, Partial<AnyOptions>][] = names.flatMap((name): [ModuleName, Partial<AnyOptions>][] => [
  [name, { numLayers: 2 }],
  [name, { numLayers: 2, bidirectional: true }]
])
kinds.push(['LSTM', { projSize: 21, numLayers: 2 }], ['RNN', { nonlinearity: 'relu' }])

const random = generator(20)
const inputSize = 11
// Enough for every path: rows for more than one span of layers, batches above and below a tile, at every place.
const lengths = Array.from({ length: 23 }, (_, b) => [1, 60, 7, 33, 60, 2, 48, 19][b % 8]!)
const sequences = lengths.map((steps) => randomTensor(random, [steps, inputSize], 2))
const longest = 60
const firstSteps = { enforceSorted: false } as const

/** The outcome of one sequence: its output, and its states [layers, size]. */
interface Outcome {
  readonly output: Float32Array
  readonly states: readonly Float32Array[]
}

interface States {
  readonly h: Tensor
  readonly c?: Tensor
}

const listOf = ({ h, c }: States): Tensor[] => (c ? [h, c] : [h])

/** What sequence b has in states [layers, batch, size]. */
function ownState({ data, shape }: Tensor, b: number): Float32Array {
  const [layers, batch, size] = shape as [number, number, number]
  const own = new Float32Array(layers * size)
  for (let layer = 0; layer < layers; ++layer) {
    const from = (layer * batch + b) * size
    own.set(data.subarray(from, from + size), layer * size)
  }
  return own
}

/** States in another order of the sequences, or for some of them. */
function chosenStates(state: States, chosen: readonly number[]): { h: Tensor; c?: Tensor } {
  const [h, c] = listOf(state).map((all) => {
    const [layers, , size] = all.shape as [number, number, number]
    const some = new Tensor(new Float32Array(layers * chosen.length * size), [layers, chosen.length, size])
    chosen.forEach((b, i) => {
      const own = ownState(all, b)
      for (let layer = 0; layer < layers; ++layer) {
        some.data.set(own.subarray(layer * size, (layer + 1) * size), (layer * chosen.length + i) * size)
      }
    })
    return some
  })
  return c ? { h: h!, c } : { h: h! }
}

const outcomes = (outputs: readonly Tensor[], state: States): Outcome[] =>
  outputs.map(({ data }, b) => ({ output: data, states: listOf(state).map((states) => ownState(states, b)) }))

function packedOutcomes(module: AnyModule, some: readonly Tensor[], state: States): Outcome[] {
  const result = module.forwardSync(packSequence(some, firstSteps), state)
  return outcomes(unpackSequence(result.output), result.state)
}

function expectSameOutcomes(actual: readonly Outcome[], expected: readonly Outcome[]): void {
  expect(actual.length).toBe(expected.length)
  actual.forEach(({ output, states }, b) => {
    expectSameArrays(output, expected[b]!.output)
    states.forEach((own, i) => {
      expectSameArrays(own, expected[b]!.states[i]!)
    })
  })
}

describe.each(kinds)('%s %j', (name, some) => {
  const module = randomModule(name, { inputSize, hiddenSize: 37, ...some }, 21)
  const state: States = randomState(module, random, sequences.length)
  const all = [...sequences.keys()]
  let together: Outcome[]
  beforeAll(() => {
    together = packedOutcomes(module, sequences, state)
  })

  test('B54 alone as in a batch', () => {
    const alone = all.flatMap((b) => packedOutcomes(module, [sequences[b]!], chosenStates(state, [b])))
    expectSameOutcomes(alone, together)
  })

  test('B54 in batches of any size', () => {
    for (const size of [2, 5, 6, 7, 12]) {
      for (let from = 0; from < all.length; from += size) {
        const chosen = all.slice(from, from + size)
        const own = packedOutcomes(module, sequences.slice(from, from + size), chosenStates(state, chosen))
        expectSameOutcomes(own, together.slice(from, from + size))
      }
    }
  })

  test('B54 in any order of the rows', () => {
    const order = all.map((b) => (b * 9 + 4) % all.length)
    const shuffled = packedOutcomes(
      module,
      order.map((b) => sequences[b]!),
      chosenStates(state, order)
    )
    expectSameOutcomes(
      shuffled,
      order.map((b) => together[b]!)
    )
  })

  test('B54 packed as padded, in both layouts', () => {
    const full = all.filter((b) => lengths[b] === longest)
    expect(full.length).toBeGreaterThan(4)
    for (const batchFirst of [false, true]) {
      const padded = padSequence(
        full.map((b) => sequences[b]!),
        { batchFirst }
      )
      const other = newModule(name, { ...module.options, batchFirst }, module.stateDict())
      const result = other.forwardSync(padded, chosenStates(state, full))
      const outputs = unpadSequence(
        result.output,
        Array.from(full, () => longest),
        { batchFirst }
      )
      expectSameOutcomes(
        outcomes(outputs, result.state),
        full.map((b) => together[b]!)
      )
    }
  })

  test('B54 whatever the padding holds', () => {
    const padded = padSequence(sequences, { paddingValue: NaN })
    const packed = packPaddedSequence(padded, lengths, firstSteps)
    const result = module.forwardSync(packed, state)
    expectSameOutcomes(outcomes(unpackSequence(result.output), result.state), together)
  })

  test('B58 sync as async', async () => {
    const packed = packSequence(sequences, firstSteps)
    const results = await Promise.all([module.forward(packed, state), module.forward(packed, state)])
    for (const result of results) {
      expectSameOutcomes(outcomes(unpackSequence(result.output), result.state), together)
    }
  })

  if (!some.bidirectional) {
    test('B53 in chunks that carry the state as in one run', () => {
      for (const size of [1, 7, 59]) {
        const b = 1
        const { data } = sequences[b]!
        let own = chosenStates(state, [b])
        const parts: number[] = []
        for (let from = 0; from < longest; from += size) {
          const chunk = data.slice(from * inputSize, (from + size) * inputSize)
          const result = module.forwardSync(new Tensor(chunk, [chunk.length / inputSize, 1, inputSize]), own)
          parts.push(...result.output.data)
          own = result.state
        }
        const outcome = { output: Float32Array.from(parts), states: listOf(own).map((states) => ownState(states, 0)) }
        expectSameOutcomes([outcome], [together[b]!])
      }
    })
  }
})

describe('B54 B58 any number of threads', () => {
  const before = getNumThreads()
  afterEach(() => {
    setNumThreads(before)
  })

  // Rows enough for every thread to have its own; too few, so that they share the panels; both directions side by side.
  const shapes: [string, Partial<AnyOptions>, number][] = [
    ['many rows', {}, 40],
    ['few rows', { numLayers: 2 }, 3],
    ['one row', {}, 1],
    ['two directions', { bidirectional: true }, 9]
  ]
  test.each(names.flatMap((name) => shapes.map((shape) => [name, ...shape] as const)))(
    '%s, %s',
    (name, _, some, batch) => {
      const module = randomModule(name, { inputSize: 64, hiddenSize: 150, ...some }, 22)
      const rows = Array.from({ length: batch }, (_, b) => randomTensor(random, [30 - (b % 7), 64]))
      const packed = packSequence(rows, firstSteps)
      setNumThreads(1)
      const expected = module.forwardSync(packed)
      for (const threads of [2, 3, 8]) {
        setNumThreads(threads)
        expect(getNumThreads()).toBe(threads)
        const result = module.forwardSync(packed)
        expectSameBits(result.output.data, expected.output.data)
        expectSameBits(result.state.h, expected.state.h)
      }
    }
  )

  test('many calls at once, each with its own', async () => {
    setNumThreads(3)
    const lstm = randomModule('LSTM', { inputSize: 64, hiddenSize: 150 }, 23)
    const inputs = Array.from({ length: 12 }, (_, i) => randomTensor(random, [20, 1 + i, 64]))
    const expected = inputs.map((input) => lstm.forwardSync(input).output)
    const results = await Promise.all(inputs.map((input) => lstm.forward(input)))
    results.forEach(({ output }, i) => {
      expectSameBits(output, expected[i]!)
    })
  })
})

test('B58 every instruction set, on sizes that take every path', async () => {
  const jobs = kinds.map(([module, some]): Job => {
    const options = { inputSize, hiddenSize: 37, ...some }
    const { data, batchSizes, sortedIndices } = packSequence(sequences, firstSteps)
    const stateDict = randomModule(module, options, 24).stateDict()
    return { module, options, stateDict, input: [data, batchSizes, sortedIndices], state: null }
  })
  const results = await Promise.all(isas.map((isa) => runUnder(isa, jobs)))
  for (const others of results) {
    others.forEach(({ output, h, c }, i) => {
      const first = results[0]![i]!
      expectSameArrays(output, first.output)
      expectSameArrays(h, first.h)
      if (c) expectSameArrays(c, first.c!)
    })
  }
})
