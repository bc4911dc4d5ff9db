import { Buffer } from 'node:buffer'
import {
  Embedding,
  GRU,
  type KindOf,
  Linear,
  loadSafetensors,
  LSTM,
  LSTMCell,
  PackedSequence,
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
  RNN,
  saveSafetensors,
  setNumThreads,
  stepStreams,
  tensor,
  Tensor,
  type TensorLike,
  type TypedArray,
  unpackSequence,
  unpadSequence
} from '../lib'
import { errorCodes } from '../lib/errors'
import {
  type AnyModule,
  expectSameBits,
  generator,
  randomModule,
  randomState,
  randomTensor,
  resizable,
  runChild,
  sanitized
} from './support'
import { expectError } from './thrown'

const random = generator(60)
const inputSize = 16

function detach(buffer: ArrayBufferLike): void {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
}

describe('B61 an async call has taken what it needs when it returns', () => {
  const lstm = randomModule('LSTM', { inputSize, hiddenSize: 60, numLayers: 2 }, 61)
  const lengths = [90, 4, 60, 33]

  /** Sequences in memory that can be resized, and a state. */
  function freshArguments(): { packed: PackedSequence; padded: Tensor; state: { h: Tensor; c?: Tensor } } {
    const own = generator(62)
    const sequences = lengths.map((steps) => randomTensor(own, [steps, inputSize]))
    const packed = packSequence(sequences, { enforceSorted: false })
    const padded = new Tensor(inResizable(randomTensor(own, [50, 4, inputSize]).data), [50, 4, inputSize])
    return { packed, padded, state: randomState(lstm, own, 4) }
  }

  function inResizable(data: Float32Array): Float32Array {
    const copy = new Float32Array(resizable(data.byteLength, 2 * data.byteLength))
    copy.set(data)
    return copy
  }

  const spoilers: [string, (array: Float32Array | Int32Array) => void][] = [
    ['overwritten', (array) => array.fill(1e9)],
    ['detached', ({ buffer }) => detach(buffer)]
  ]

  test.each(spoilers)('packed input and states may be %s', async (_, spoil) => {
    const untouched = freshArguments()
    const expected = lstm.forwardSync(untouched.packed, untouched.state)
    const { packed, state } = freshArguments()
    // It waits for so many others, and so begins when all has been spoiled.
    const others = Array.from({ length: 8 }, () => lstm.forward(randomTensor(random, [400, 4, inputSize])))
    const running = lstm.forward(packed, state)
    const { data, batchSizes, sortedIndices } = packed
    for (const array of [data.data, batchSizes, sortedIndices!, state.h.data, state.c!.data]) spoil(array)
    const result = await running
    expectSameBits(result.output.data, expected.output.data)
    expectSameBits(result.state.h, expected.state.h)
    await Promise.all(others)
  })

  test.each(spoilers)('the order of sequences without any step may be %s', async (_, spoil) => {
    const empty = Array.from({ length: 300 }, () => ({ data: new Float32Array(0), shape: [0, inputSize] }))
    const packed = packSequence(empty, { enforceSorted: false, allowZeroLength: true })
    const state = randomState(lstm, random, empty.length)
    const running = lstm.forward(packed, state)
    spoil(packed.sortedIndices!)
    const result = await running
    expectSameBits(result.state.h, state.h)
    expect(result.state).toEqual(state)
  })

  test('and nobody has the arrays that it writes before it is done', async () => {
    const { packed } = freshArguments()
    const received: TensorLike[] = []
    class Watching extends PackedSequence {
      override withData<E extends TypedArray>(data: TensorLike<E>): PackedSequence<KindOf<E>> {
        received.push(data)
        return super.withData(data)
      }
    }
    const { data, batchSizes, sortedIndices } = packed
    const running = lstm.forward(new Watching(data, batchSizes, sortedIndices))
    expect(received).toHaveLength(0)
    expectSameBits((await running).output.data, lstm.forwardSync(packed).output.data)
    expect(received).toHaveLength(1)
  })

  test('padded input may be resized', async () => {
    const expected = lstm.forwardSync(freshArguments().padded)
    for (const size of [0, 4]) {
      const { padded } = freshArguments()
      const running = lstm.forward(padded)
      ;(padded.data.buffer as ArrayBuffer & { resize: (size: number) => void }).resize(size)
      expectSameBits((await running).output, expected.output)
    }
  })

  test.each(spoilers)('chunks of streams may be %s, queued ones as well', async (_, spoil) => {
    const chunks = (): Tensor[] => Array.from({ length: 3 }, (__, i) => randomTensor(generator(i), [20, inputSize]))
    const expected = lstm.createStream()
    const outputs = chunks().map((chunk) => expected.pushSync(chunk))
    const [stream, one, two] = [lstm.createStream(), lstm.createStream(), lstm.createStream()]
    const [pushed, stepped] = [chunks(), chunks().slice(0, 2)]
    const running = [...pushed.map((chunk) => stream.push(chunk)), stepStreams([one, two], stepped)]
    for (const { data } of [...pushed, ...stepped]) spoil(data)
    const done = (await Promise.all(running)).flat()
    outputs.forEach((output, i) => {
      expectSameBits(done[i]!, output)
    })
    expectSameBits(done[3]!, outputs[0]!)
  })

  test('a module that nobody holds any more finishes its runs', async () => {
    const { packed } = freshArguments()
    const run = (): Promise<{ output: PackedSequence }> =>
      randomModule('LSTM', { inputSize, hiddenSize: 60, numLayers: 2 }, 61).forward(packed)
    const results = await Promise.all(Array.from({ length: 20 }, run))
    for (const { output } of results) expectSameBits(output.data, lstm.forwardSync(packed).output.data)
  })
})

describe('B62 memory of other kinds', () => {
  const gru = randomModule('GRU', { inputSize, hiddenSize: 21 }, 63)
  const input = randomTensor(random, [5, 3, inputSize])
  const state = randomState(gru, random, 3)
  const kinds: [string, (data: Float32Array) => Float32Array][] = [
    ['shared', (data) => new Float32Array(new SharedArrayBuffer(data.byteLength))],
    ['part of a buffer', (data) => new Float32Array(new ArrayBuffer(data.byteLength + 24), 12, data.length)],
    ['part of an array', (data) => new Float32Array(data.length + 7).subarray(7)],
    ['a pooled Buffer', (data) => new Float32Array(Buffer.alloc(data.byteLength + 8).buffer, 8, data.length)]
  ]

  test.each(kinds)('%s', async (_, allocate) => {
    const inside = ({ data, shape }: Tensor): Tensor => {
      const copy = allocate(data)
      copy.set(data)
      return new Tensor(copy, shape)
    }
    const expected = gru.forwardSync(input, state)
    const [other, otherState] = [inside(input), { h: inside(state.h) }]
    for (const result of [gru.forwardSync(other, otherState), await gru.forward(other, otherState)]) {
      expectSameBits(result.output, expected.output)
      expectSameBits(result.state.h, expected.state.h)
    }
    const stateDict = Object.entries(gru.stateDict()).map(([name, values]) => [name, inside(values)] as const)
    expectSameBits(GRU.fromStateDict(new Map(stateDict)).forwardSync(input, state).output, expected.output)
    const weight = randomTensor(random, [9, inputSize])
    const linear = Linear.fromStateDict({ weight })
    expectSameBits(
      Linear.fromStateDict({ weight: inside(weight) }).forwardSync(inside(input)),
      linear.forwardSync(input)
    )
  })

  test('memory that has gone is refused by name', () => {
    const gone = (...shape: number[]): Tensor => {
      const lost = randomTensor(random, shape)
      detach(lost.data.buffer)
      return lost
    }
    const packed = packSequence([randomTensor(random, [4, inputSize])])
    detach(packed.data.data.buffer)
    const linear = Linear.fromStateDict({ weight: randomTensor(random, [2, 3]) })
    const calls: [string, () => unknown][] = [
      ['input', () => gru.forwardSync(gone(5, 3, inputSize))],
      ['input.data', () => gru.forwardSync(packed)],
      ['state.h', () => gru.forwardSync(input, { h: gone(1, 3, 21) })],
      ['chunk', () => gru.createStream().pushSync(gone(1, inputSize))],
      ['stateDict["weight_ih_l0"]', () => GRU.fromStateDict({ weight_ih_l0: gone(63, inputSize) })],
      ['input', () => linear.forwardSync(gone(4, 3))]
    ]
    for (const [name, call] of calls) expectError(call, TypeError, 'ERR_DETACHED', name, 'transferred')
  })
})

describe('B64 nothing that is passed ends the process', () => {
  const sizes = { inputSize: 3, hiddenSize: 4 }
  const modules = [
    new LSTM({ ...sizes, numLayers: 2 }),
    new GRU({ ...sizes, batchFirst: true }),
    new RNN({ ...sizes, bidirectional: true })
  ]

  /** What the structure of a packed sequence can be made into: its arrays cannot be frozen. */
  const damages: [string, (packed: PackedSequence) => void][] = [
    ['sizes that grow', ({ batchSizes }) => batchSizes.set([1, 3])],
    ['a size of zero', ({ batchSizes }) => batchSizes.fill(0)],
    ['negative sizes', ({ batchSizes }) => batchSizes.fill(-1)],
    ['sizes beyond the batch', ({ batchSizes }) => batchSizes.fill(2 ** 31 - 1)],
    ['sizes of other rows', ({ batchSizes }) => batchSizes.set([3, 2, 2])],
    ['an index twice', ({ sortedIndices }) => sortedIndices!.fill(1)],
    ['an index beyond the batch', ({ sortedIndices }) => sortedIndices!.set([2 ** 31 - 1])],
    ['a negative index', ({ sortedIndices }) => sortedIndices!.set([-1])],
    ['sizes that are gone', ({ batchSizes }) => detach(batchSizes.buffer)],
    ['indices that are gone', ({ sortedIndices }) => detach(sortedIndices!.buffer)]
  ]
  test.each(damages)('a packed sequence that was written to: %s', async (_, damage) => {
    for (const module of modules) {
      const sequences = [1, 3, 2].map((steps) => randomTensor(random, [steps, 3]))
      const packed = packSequence(sequences, { enforceSorted: false })
      damage(packed)
      const refused = { code: expect.stringMatching(/^ERR_(PACKED_SEQUENCE|DETACHED)$/) as string }
      expect(() => module.forwardSync(packed)).toThrow(expect.objectContaining(refused) as Error)
      await expect(module.forward(packed)).rejects.toMatchObject(refused)
    }
  })

  test('outputs beyond all memory are an error', async () => {
    const rnn = new RNN({ inputSize: 1, hiddenSize: 1024 })
    const input = new Tensor(new Float32Array(2 ** 23), [2 ** 23, 1, 1])
    expectError(() => rnn.forwardSync(input), RangeError, 'ERR_ALLOCATION', 'Could not allocate', '8589934592')
    await expect(rnn.forward(input)).rejects.toMatchObject({ code: 'ERR_ALLOCATION' })
    const embedding = Embedding.fromStateDict({ weight: new Tensor(new Float32Array(1024), [1, 1024]) })
    const ids = new Tensor(new Uint8Array(2 ** 23), [2 ** 23])
    expectError(() => embedding.forwardSync(ids), RangeError, 'ERR_ALLOCATION', 'Could not allocate', '8589934592')
  })

  const values: readonly unknown[] = [
    undefined,
    null,
    NaN,
    -1,
    0,
    2 ** 31,
    1e308,
    10n,
    '',
    'weight',
    true,
    Symbol('symbol'),
    () => 0,
    [],
    [[1, 2, 3]],
    {},
    new Map(),
    new Map([['weight', 1]]),
    new Date(0),
    new Float32Array(3),
    new ArrayBuffer(12),
    new DataView(new ArrayBuffer(12)),
    { data: new Float32Array(3) },
    { data: new Float32Array(3), shape: [3], dims: [1, 3] },
    { data: new Float32Array(3), shape: [-3] },
    { data: new Float32Array(3), shape: 'three' },
    { data: new Float32Array(3), shape: [2 ** 52, 2 ** 52] },
    { data: new Float32Array(0), shape: [2 ** 32, 2 ** 32, 0] },
    { data: new Float32Array(0), shape: [0, 2 ** 40, 3] },
    { data: new Uint16Array(3), shape: [1, 3] },
    { data: [1, 2, 3], shape: [1, 3] },
    { data: new Float32Array(3), shape: [1, 3] },
    { data: new Float32Array(6), dims: [1, 2, 3] },
    { data: new Float32Array(0), dims: [0, 2, 3] },
    { data: new Float32Array(0), dims: [2, 0, 3] },
    { data: new Float64Array(3), shape: [1, 3] },
    tensor([0, 255, 3], [3], 'uint8'),
    tensor([0, -5, 3], [3], 'int64'),
    packSequence([randomTensor(random, [2, 3])]),
    packSequence([tensor([1, 2], [2], 'int32')]),
    packSequence([randomTensor(random, [0, 3])], { allowZeroLength: true }),
    { h: randomTensor(random, [1, 1, 4]) },
    { h: null, c: undefined },
    { weight: randomTensor(random, [2, 3]) },
    { weight: randomTensor(random, [0, 3]) },
    { weight_ih_l0: randomTensor(random, [16, 3]), weight_hh_l0: randomTensor(random, [16, 4]) },
    { ...sizes },
    { ...sizes, numLayers: 1e9 },
    { inputSize: 2 ** 31 - 1, hiddenSize: 2 ** 31 - 1 },
    { prefix: 'x' },
    modules[0]!.createStream()
  ]

  const embedding = Embedding.fromStateDict({ weight: randomTensor(random, [4, 3]) })
  const linear = Linear.fromStateDict({ weight: randomTensor(random, [4, 3]) })
  const functions: [string, (a: never, b: never) => unknown][] = [
    ...[LSTM, GRU, RNN].flatMap((type): [string, (a: never, b: never) => unknown][] => [
      [`new ${type.name}`, (a, b) => new type(a, b)],
      [`${type.name}.fromStateDict`, (a, b) => type.fromStateDict(a, b)],
      [`${type.name}.load`, (a, b) => (typeof a === 'string' ? null : type.load(a, b))]
    ]),
    ...modules.flatMap((module): [string, (a: never, b: never) => unknown][] => [
      [`${module.constructor.name}.forwardSync`, (a, b) => module.forwardSync(a, b)],
      [`${module.constructor.name}.forward`, (a, b) => module.forward(a, b)],
      [`${module.constructor.name}.createStream`, (a) => module.createStream(a)]
    ]),
    ['new LSTMCell', (a, b) => new LSTMCell(a, b)],
    ['LSTMCell.fromStateDict', (a, b) => LSTMCell.fromStateDict(a, b)],
    ['LSTMCell.forwardSync', (a, b) => new LSTMCell(sizes).forwardSync(a, b)],
    ['Stream.pushSync', (a) => modules[0]!.createStream().pushSync(a)],
    ['Stream.push', (a) => modules[0]!.createStream().push(a)],
    ['Stream.reset', (a) => modules[0]!.createStream().reset(a)],
    ['stepStreams', (a, b) => stepStreams(a, b)],
    ['stepStreams of lists', (a, b) => stepStreams([a, modules[0]!.createStream()], [b, b])],
    ['Embedding.fromStateDict', (a, b) => Embedding.fromStateDict(a, b)],
    ['Embedding.forwardSync', (a) => embedding.forwardSync(a)],
    ['Linear.fromStateDict', (a, b) => Linear.fromStateDict(a, b)],
    ['Linear.forwardSync', (a) => linear.forwardSync(a)],
    ['loadSafetensors', (a) => (typeof a === 'string' ? null : loadSafetensors(a))],
    ['saveSafetensors', (a, b) => (typeof a === 'string' ? null : saveSafetensors(a, b))],
    ['setNumThreads', (a) => setNumThreads(a)]
  ]

  test.each(functions)('%s throws with a code, or works', async (_, call) => {
    for (const a of values) {
      for (const b of values) {
        try {
          await call(a as never, b as never)
        } catch (error) {
          const { code } = error as { code?: never }
          if (!errorCodes.includes(code!)) throw error
        }
      }
    }
  })
})

describe('B65 native memory', () => {
  const megabyte = 2 ** 20

  // A sanitizer has terabytes of addresses, and ends the process where memory is not to be had.
  const testOfLinux = process.platform === 'linux' && !sanitized ? test : test.skip
  testOfLinux('that a run cannot have for its work is an error, and later runs are not held up', async () => {
    const codes = new Array<string>(8).fill('RangeError ERR_ALLOCATION: Not enough memory')
    await expect(runChild('exhausted.js', ['--expose-gc'])).resolves.toEqual({ codes, same: true, steps: 0 })
  })

  test('that a run reads and writes is there until it has ended, whoever holds it', async () => {
    const turns: unknown = expect.any(Number)
    const runs = (await runChild('held.js', ['--expose-gc'])) as Record<string, { readonly turns: number }>
    expect(runs).toEqual({
      forward: { turns, meanwhile: [], afterwards: ['module', 'output', 'hn', 'cn'] },
      advanceEach: { turns, meanwhile: [], afterwards: ['module', 'input', 'before', 'after', 'output'] }
    })
    for (const run of Object.values(runs)) expect(run.turns).toBeGreaterThan(0)
  })

  // What the sanitizer keeps of what is freed would count.
  const testOfResidence = sanitized ? test.skip : test
  testOfResidence('is known to V8, is freed with its owner, and does not grow', async () => {
    const { more, after, most, grown } = (await runChild('soak.js', ['--expose-gc'])) as Record<string, number>
    // A layer of 16 MiB, made and let go.
    expect(more).toBeGreaterThan(15 * megabyte)
    expect(after).toBeLessThan(4 * megabyte)
    // 200 layers of 4 MiB, never collected by hand.
    expect(most).toBeLessThan(400 * megabyte)
    // 1200 rounds after a warm-up, each of which takes 100 kB and more.
    expect(grown).toBeLessThan(16 * megabyte)
  })
})

// A result of some size gets memory that holds anything.
describe('every element of a large result is written', () => {
  const lengths = [400, 350, 1, 90]
  const longest = 400
  const packed = packSequence(
    lengths.map((steps) => randomTensor(random, [steps, inputSize])),
    { enforceSorted: false }
  )
  const { padded } = padPackedSequence(packed, { batchFirst: true })
  const ids = new Tensor(
    new Int32Array(longest).map((_, i) => i % 7),
    [longest]
  )
  const embedding = Embedding.fromStateDict({ weight: randomTensor(random, [7, 200]) })
  const linear = Linear.fromStateDict({ weight: randomTensor(random, [200, inputSize]) })
  const module = (options: object): AnyModule => randomModule('LSTM', { inputSize, hiddenSize: 90, ...options }, 63)
  const sequences = lengths.map((steps) => randomTensor(random, [steps, 300]))
  const wide = padSequence(sequences, { batchFirst: true })
  const widePacked = packSequence(sequences, { enforceSorted: false })

  afterEach(() => jest.restoreAllMocks())

  test.each<[string, () => Promise<Tensor> | Tensor | Tensor[]]>([
    ['a module, packed', () => module({}).forwardSync(packed).output.data],
    ['a module, padded', () => module({ batchFirst: true }).forwardSync(padded).output],
    ['two layers and directions', () => module({ numLayers: 2, bidirectional: true }).forwardSync(packed).output.data],
    ['a projection', async () => (await module({ projSize: 80 }).forward(packed)).output.data],
    [
      'a stream',
      () =>
        module({})
          .createStream()
          .push(randomTensor(random, [800, inputSize]))
    ],
    ['Embedding', () => embedding.forwardSync(ids)],
    ['Linear', () => linear.forwardSync(padded)],
    ['packPaddedSequence', () => packPaddedSequence(wide, lengths, { batchFirst: true, enforceSorted: false }).data],
    ['padPackedSequence', () => padPackedSequence(widePacked).padded],
    ['padSequence', () => padSequence(sequences)],
    ['unpadSequence', () => unpadSequence(wide, lengths, { batchFirst: true })],
    ['packSequence', () => packSequence(sequences, { enforceSorted: false }).data],
    ['unpackSequence', () => unpackSequence(widePacked)]
  ])('%s', async (_, run) => {
    const unwritten = Buffer.allocUnsafeSlow.bind(Buffer)
    const spy = jest.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation((size) => unwritten(size).fill(0xff))
    const result = await run()
    expect(spy).toHaveBeenCalled()
    for (const { data } of [result].flat()) expect(data.findIndex(Number.isNaN)).toBe(-1)
  })
})

describe('what must begin at zero does, however large', () => {
  beforeEach(() => {
    const unwritten = Buffer.allocUnsafeSlow.bind(Buffer)
    jest.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation((size) => unwritten(size).fill(0xff))
  })
  afterEach(() => {
    jest.restoreAllMocks()
  })

  test('the state of a stream', () => {
    const stream = new RNN({ inputSize: 1, hiddenSize: 4, numLayers: 1024 }).createStream()
    expect(stream.state.h.data).toEqual(new Float32Array(2 ** 12))
  })

  test('the counts of steps', () => {
    const { batchSizes } = packSequence([new Tensor(new Float32Array(5000), [5000]), tensor([0, 0])])
    expect(batchSizes).toEqual(new Int32Array(5000).fill(1).fill(2, 0, 2))
  })
})

describe('errors know what caused them', () => {
  test('what V8 said is the cause', () => {
    let error: unknown
    try {
      new LSTM({ inputSize: 1, hiddenSize: 2 ** 31 - 1 })
    } catch (caught) {
      error = caught
    }
    expect(error).toHaveProperty('cause.name', 'RangeError')
  })

  test('there is none where nothing was caught', () => {
    let error: unknown
    try {
      tensor(null as never)
    } catch (caught) {
      error = caught
    }
    expect(error).not.toHaveProperty('cause')
  })
})
