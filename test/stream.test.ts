import { createHook } from 'node:async_hooks'
import {
  GRU,
  type HiddenState,
  LSTM,
  type LSTMState,
  RNN,
  type State,
  type Stream,
  stepStreams,
  Tensor,
  type TensorLike
} from '../lib'
import { native } from '../lib/binding'
import type { ModuleName } from './reference'
import {
  type AnyModule,
  type AnyOptions,
  expectSameArrays,
  expectSameBits,
  generator,
  randomModule,
  randomState,
  randomTensor,
  resizable
} from './support'
import { expectError } from './thrown'

const inputSize = 7
const kinds: [ModuleName, Partial<AnyOptions>][] = [
  ['LSTM', { numLayers: 2 }],
  ['LSTM', { projSize: 4, numLayers: 2 }],
  ['GRU', { numLayers: 2 }],
  ['RNN', { numLayers: 2 }]
]
const random = generator(30)
const sequence = randomTensor(random, [24, inputSize], 2)
const chunkings = [[24], [1, 22, 1], [0, 5, 0, 0, 19, 0], [7, 8, 9], Array.from({ length: 24 }, () => 1)]

function chunksOf({ data }: Tensor, counts: readonly number[]): Tensor[] {
  let from = 0
  return counts.map((count) => {
    const start = from * inputSize
    from += count
    return new Tensor(data.slice(start, from * inputSize), [count, inputSize])
  })
}

function joined(outputs: readonly Tensor[]): Tensor {
  const width = outputs[0]!.shape[1]!
  const data = Float32Array.from(outputs.flatMap((output) => [...output.data]))
  return new Tensor(data, [data.length / width, width])
}

function expectSameStates(actual: HiddenState | LSTMState, expected: { h: Tensor; c?: Tensor }): void {
  expectSameBits(actual.h, expected.h)
  expect('c' in actual).toBe(expected.c !== undefined)
  if ('c' in actual) expectSameBits(actual.c, expected.c!)
}

const moduleOf = (name: ModuleName, some: Partial<AnyOptions> = {}): AnyModule =>
  randomModule(name, { inputSize, hiddenSize: 9, ...some }, 31)

describe.each(kinds)('%s %j', (name, some) => {
  const module = moduleOf(name, some)
  const initial = randomState(module, random)
  const expected = module.forwardSync(sequence, initial)

  test.each(chunkings)('B53 chunks of %j and more give the bits of one run', async (...counts) => {
    const [now, later] = [module.createStream(initial), module.createStream(initial)]
    const chunks = chunksOf(sequence, counts)
    expectSameBits(joined(chunks.map((chunk) => now.pushSync(chunk))), expected.output)
    expectSameBits(joined(await Promise.all(chunks.map((chunk) => later.push(chunk)))), expected.output)
    for (const stream of [now, later]) {
      expectSameStates(stream.state, expected.state)
      expect(stream.steps).toBe(24)
    }
  })

  test('chunks without steps do nothing', async () => {
    const stream = module.createStream(initial)
    const none = new Tensor(new Float32Array(0), [0, inputSize])
    for (const output of [stream.pushSync(none), await stream.push(none)]) {
      expect(output.shape).toEqual([0, expected.output.shape[1]])
    }
    expectSameStates(stream.state, initial)
    expect(stream.steps).toBe(0)
  })

  test('B53 many streams in one call, ragged and empty, give the bits of each alone', async () => {
    const counts = [
      [3, 0, 5],
      [0, 0, 1],
      [9, 2, 0],
      [1, 1, 1]
    ]
    const inputs = counts.map((own) => chunksOf(randomTensor(random, [12, inputSize]), own))
    const states = counts.map((_, i) => (i === 2 ? null : randomState(module, random)))
    const [together, alone] = [states, states].map((all) => all.map((state) => module.createStream(state)))
    for (const round of [0, 1, 2]) {
      const chunks = inputs.map((own) => own[round]!)
      const outputs = await stepStreams(together!, chunks)
      outputs.forEach((output, i) => {
        expectSameBits(output, alone![i]!.pushSync(chunks[i]!))
      })
    }
    together!.forEach((stream, i) => {
      expectSameStates(stream.state, alone![i]!.state)
      expect(stream.steps).toBe(counts[i]!.reduce((a, b) => a + b))
    })
  })
})

test('B53 many streams of so much work that another thread does it give the bits of each alone', async () => {
  const module = moduleOf('LSTM', { hiddenSize: 40, projSize: 12 })
  const chunks = Array.from({ length: 37 }, (_, i) => randomTensor(random, [1 + ((i * 11) % 30), inputSize]))
  const [together, alone] = [chunks, chunks].map((all) => all.map(() => module.createStream()))
  for (const round of [1, 2]) {
    const running = stepStreams(together!, chunks)
    expectError(() => together![0]!.pushSync(chunks[0]!), Error, 'ERR_BUSY', 'pushSync', 'await')
    expect(together!.map(({ steps }) => steps)).toEqual(chunks.map(({ shape }) => (round - 1) * shape[0]!))
    const outputs = await running
    outputs.forEach((output, i) => {
      expectSameBits(output, alone![i]!.pushSync(chunks[i]!))
      expectSameStates(together![i]!.state, alone![i]!.state)
    })
  }
})

describe('the state of a stream', () => {
  const lstm = moduleOf('LSTM', { numLayers: 2 }) as LSTM
  const chunk = randomTensor(random, [3, inputSize])

  test('is zeros at first, [layers, size], and a copy', () => {
    const stream = lstm.createStream()
    for (const { shape, data } of [stream.state.h, stream.state.c]) {
      expect(shape).toEqual([2, 9])
      expect(data).toEqual(new Float32Array(18))
    }
    stream.state.h.data.fill(NaN)
    expect(stream.state.h.data).toEqual(new Float32Array(18))
  })

  test('does not follow the tensors that it was given', () => {
    const given = randomState(lstm, random)
    const stream = lstm.createStream(given)
    const before = given.h.data.slice()
    given.h.data.fill(NaN)
    expectSameArrays(stream.state.h.data, before)
  })

  test('reset starts anew, from zeros or from a state', () => {
    const stream = lstm.createStream()
    const first = stream.pushSync(chunk)
    expect(stream.steps).toBe(3)
    stream.reset()
    expect(stream.steps).toBe(0)
    expectSameBits(stream.pushSync(chunk), first)
    const given = randomState(lstm, random)
    stream.reset(given)
    expectSameStates(stream.state, given)
    expectSameBits(stream.pushSync(chunk), lstm.createStream(given).pushSync(chunk))
  })

  test('a clone goes on by itself', () => {
    const stream = lstm.createStream()
    stream.pushSync(chunk)
    const clone = stream.clone()
    expectSameStates(clone.state, stream.state)
    expect(clone.steps).toBe(3)
    const state = clone.state
    stream.pushSync(chunk)
    expectSameStates(clone.state, state)
    expectSameBits(clone.pushSync(chunk), lstm.createStream(state).pushSync(chunk))
  })

  test('what does not fit is refused, and changes nothing', () => {
    const make = (state: unknown) => () => lstm.createStream(state as State)
    const [h, c] = [randomTensor(random, [2, 9]), randomTensor(random, [2, 9])]
    expectError(make({ h }), TypeError, 'ERR_ARG_TYPE', 'state', '{ h, c }')
    expectError(
      make({ h: randomTensor(random, [2, 1, 9]), c }),
      RangeError,
      'ERR_SHAPE',
      'state.h',
      '[2, 9]',
      '[2, 1, 9]'
    )
    const stream = lstm.createStream({ h, c })
    expectError(
      () => {
        stream.reset({ h, c: { data: new Float64Array(18), shape: [2, 9] } })
      },
      TypeError,
      'ERR_DTYPE',
      'state.c',
      'float64'
    )
    expectSameStates(stream.state, { h, c })
  })
})

describe('a chunk that does not fit', () => {
  const gru = moduleOf('GRU')
  const wrong: [
    TensorLike,
    TypeErrorConstructor | RangeErrorConstructor,
    'ERR_SHAPE' | 'ERR_DTYPE' | 'ERR_ARG_TYPE'
  ][] = [
    [randomTensor(random, [3, inputSize + 1]), RangeError, 'ERR_SHAPE'],
    [randomTensor(random, [inputSize]), RangeError, 'ERR_SHAPE'],
    [randomTensor(random, [1, 1, inputSize]), RangeError, 'ERR_SHAPE'],
    [{ data: new Float64Array(inputSize), shape: [1, inputSize] }, TypeError, 'ERR_DTYPE'],
    [null as never, TypeError, 'ERR_ARG_TYPE']
  ]

  test('is refused by name, and changes nothing', async () => {
    const stream = gru.createStream()
    for (const [chunk, type, code] of wrong) {
      expectError(() => stream.pushSync(chunk), type, code, 'chunk', 'but received')
      await expect(stream.push(chunk)).rejects.toMatchObject({ code })
      await expect(stepStreams([stream], [chunk])).rejects.toMatchObject({
        code,
        message: expect.stringContaining('chunks[0]') as string
      })
    }
    expect(stream.steps).toBe(0)
    expect(stream.state.h.data).toEqual(new Float32Array(9))
  })

  test('leaves the other streams of the call as they were', async () => {
    const streams = [gru.createStream(), gru.createStream()]
    await expect(stepStreams(streams, [sequence, randomTensor(random, [1, 2])])).rejects.toMatchObject({
      code: 'ERR_SHAPE'
    })
    for (const stream of streams) {
      expect(stream.steps).toBe(0)
      expect(stream.state.h.data).toEqual(new Float32Array(9))
    }
  })
})

describe('pushes that overlap', () => {
  const module = moduleOf('LSTM')
  const expected = module.forwardSync(sequence)

  test('are taken in order, each with the chunk as it was', async () => {
    const stream = module.createStream()
    const buffer = new Float32Array(inputSize)
    const outputs = Array.from({ length: 24 }, (_, t) => {
      buffer.set(sequence.data.subarray(t * inputSize, (t + 1) * inputSize))
      return stream.push({ data: buffer, shape: [1, inputSize] })
    })
    buffer.fill(NaN)
    expectSameBits(joined(await Promise.all(outputs)), expected.output)
  })

  test('state and steps are those of the last chunk that is done', async () => {
    const stream = module.createStream()
    const [first, second] = chunksOf(sequence, [4, 20])
    const pushed = stream.push(first!)
    expect(stream.steps).toBe(0)
    expect(stream.state.h.data).toEqual(new Float32Array(9))
    const clone = stream.clone()
    await pushed
    expect(stream.steps).toBe(4)
    expect(clone.steps).toBe(0)
    await stream.push(second!)
    expectSameStates(stream.state, expected.state)
  })

  test('never write into a state that can be read meanwhile', async () => {
    const forward = jest.spyOn(native, 'forward')
    const stream = module.createStream()
    for (const chunk of chunksOf(sequence, [4, 6, 14])) await stream.push(chunk)
    expect(forward).toHaveBeenCalledTimes(3)
    for (const [, , , , , , , h0, c0, , hn, cn] of forward.mock.calls) {
      expect(hn).not.toBe(h0)
      expect(cn).not.toBe(c0)
    }
    forward.mockRestore()
  })

  test('pushSync and reset are refused meanwhile, and allowed again after', async () => {
    const stream = module.createStream()
    const [first, second] = chunksOf(sequence, [4, 20])
    const outputs = [stream.push(first!)]
    expectError(() => stream.pushSync(second!), Error, 'ERR_BUSY', 'pushSync', 'await')
    expectError(
      () => {
        stream.reset()
      },
      Error,
      'ERR_BUSY',
      'reset',
      'await'
    )
    const done = await Promise.all(outputs)
    expectSameBits(joined([...done, stream.pushSync(second!)]), expected.output)
    stream.reset()
    expect(stream.steps).toBe(0)
  })

  test('stepStreams waits for pushes, and pushes for stepStreams', async () => {
    const [stream, other] = [module.createStream(), module.createStream()]
    const [a, b, c] = chunksOf(sequence, [5, 6, 13])
    const outputs = await Promise.all([stream.push(a!), stepStreams([other, stream], [a!, b!]), stream.push(c!)])
    expectSameBits(joined([outputs[0], outputs[1][1]!, outputs[2]]), expected.output)
    expectSameBits(outputs[1][0]!, outputs[0])
    expectSameStates(stream.state, expected.state)
    expect([stream.steps, other.steps]).toEqual([24, 5])
  })
})

describe('stepStreams and its arguments', () => {
  const module = moduleOf('LSTM')
  const chunks = chunksOf(sequence, [4, 6, 14])

  test.each<[string, (streams: Stream[]) => unknown]>([
    ['reversed', (streams) => streams.reverse()],
    ['emptied', (streams) => (streams.length = 0)],
    ['added to', (streams) => streams.push(module.createStream())]
  ])('the array of streams may be %s meanwhile', async (_, change) => {
    const streams = chunks.map(() => module.createStream())
    const list = [...streams]
    const busy = streams[0]!.push(chunks[0]!)
    const running = stepStreams(list, chunks)
    change(list)
    const [outputs] = await Promise.all([running, busy])
    for (const [i, stream] of streams.entries()) {
      const alone = module.createStream()
      if (i === 0) alone.pushSync(chunks[0]!)
      expectSameBits(outputs[i]!, alone.pushSync(chunks[i]!))
      expectSameStates(stream.state, alone.state)
      expect(stream.steps).toBe(alone.steps)
    }
  })

  test('a chunk with getters is read once: it may be another thing later', async () => {
    const [stream, alone] = [module.createStream(), module.createStream()]
    const later = new Tensor(new Float64Array(4), [2, 2])
    let reads = 0
    const chunk = {
      get data() {
        return (reads++ === 0 ? chunks[0]!.data : later.data) as Float32Array
      },
      get shape() {
        return (reads === 1 ? chunks[0]! : later).shape
      }
    }
    const [output] = await stepStreams([stream], [chunk])
    expectSameBits(output!, alone.pushSync(chunks[0]!))
    expect(reads).toBe(1)
  })

  test('a chunk that pushes while it is read is refused, as the stream is busy then', async () => {
    const stream = module.createStream()
    let running: Promise<Tensor> | undefined
    const chunk = {
      data: chunks[0]!.data,
      get shape() {
        running ??= stream.push(chunks[1]!)
        return chunks[0]!.shape
      }
    }
    expectError(() => stream.pushSync(chunk), Error, 'ERR_BUSY', 'pushSync', 'await')
    await running
    expect(stream.steps).toBe(6)
  })
})

describe('a run that fails', () => {
  const module = moduleOf('GRU')
  const [first, second] = chunksOf(sequence, [4, 20])
  const failOnce = (): unknown => jest.spyOn(native, 'forward').mockRejectedValueOnce(new RangeError('no memory'))
  afterEach(() => {
    jest.restoreAllMocks()
  })

  test('fails stepStreams that wait for it, when the others that they wait for are done', async () => {
    const gru = randomModule('GRU', { inputSize, hiddenSize: 64 }, 35)
    const [a, b] = [gru.createStream(), gru.createStream()]
    const long = randomTensor(random, [2000, inputSize])
    failOnce()
    const failing = expect(a.push(sequence)).rejects.toThrow('no memory')
    const running = b.push(long)
    await expect(stepStreams([a, b], [sequence, sequence])).rejects.toThrow('no memory')
    expect([a.steps, b.steps]).toEqual([0, 2000])
    await Promise.all([failing, running])
  })

  test('leaves the state as it was, and fails what is queued behind it, but nothing after', async () => {
    failOnce()
    const stream = module.createStream()
    const pushed = await Promise.allSettled([
      stream.push(first!),
      stream.push(second!),
      stepStreams([stream], [first!])
    ])
    expect(pushed.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(stream.steps).toBe(0)
    expectSameBits(joined([await stream.push(first!), stream.pushSync(second!)]), module.forwardSync(sequence).output)
  })

  test('leaves the state as it was where the push is synchronous, too', () => {
    const stream = module.createStream()
    const output = stream.pushSync(first!)
    jest.spyOn(native, 'advance').mockImplementationOnce((...[, , , , after]) => {
      after.fill(NaN)
      throw new RangeError('no memory')
    })
    expect(() => stream.pushSync(second!)).toThrow('no memory')
    expect(stream.steps).toBe(4)
    expectSameBits(joined([output, stream.pushSync(second!)]), module.forwardSync(sequence).output)
  })

  test('of many streams leaves all of them as they were', async () => {
    jest.spyOn(native, 'advanceEach').mockImplementationOnce((...[, , , , , after]) => {
      for (const state of after) state.fill(NaN)
      return Promise.reject(new RangeError('no memory'))
    })
    const streams = [module.createStream(), module.createStream()]
    await expect(stepStreams(streams, [first!, second!])).rejects.toThrow('no memory')
    for (const stream of streams) {
      expect(stream.steps).toBe(0)
      expect(stream.state.h.data).toEqual(new Float32Array(9))
    }
    const outputs = await stepStreams(streams, [first!, second!])
    expectSameBits(joined([outputs[0]!, streams[0]!.pushSync(second!)]), module.forwardSync(sequence).output)
  })

  test('before stepStreams fails it when no stream is busy any more', async () => {
    failOnce()
    const [failing, other] = [module.createStream(), module.createStream()]
    const pushes = Promise.allSettled([failing.push(first!), other.push(first!)])
    await expect(stepStreams([failing, other], [second!, second!])).rejects.toThrow('no memory')
    expect([failing.steps, other.steps]).toEqual([0, 4])
    const whole = module.forwardSync(sequence).output.data
    expectSameBits(other.pushSync(second!), new Tensor(whole.subarray(4 * 9), [20, 9]))
    await pushes
  })
})

describe('what cannot be streamed', () => {
  test.each([LSTM, GRU, RNN])('a bidirectional module', (module) => {
    const make = (): unknown => new module({ inputSize, hiddenSize: 2, bidirectional: true }).createStream()
    expectError(make, RangeError, 'ERR_ARG_VALUE', 'createStream', 'bidirectional', 'reverse direction')
  })

  test('streams of different modules together, one stream twice, or no streams at all', async () => {
    const [a, b] = [moduleOf('GRU').createStream(), moduleOf('GRU').createStream()]
    const reject = (streams: unknown, chunks: unknown, code: string, ...says: string[]): Promise<void> =>
      expect(stepStreams(streams as Stream[], chunks as Tensor[])).rejects.toMatchObject({
        code,
        message: expect.stringMatching(new RegExp(says.map((text) => `(?=.*${text})`).join(''))) as string
      })
    await reject([a, b], [sequence, sequence], 'ERR_ARG_VALUE', 'one module', 'streams')
    await reject([a, a], [sequence, sequence], 'ERR_ARG_VALUE', 'streams.1.', 'different streams')
    await reject([a, {}], [sequence, sequence], 'ERR_ARG_TYPE', 'streams.1.', 'a stream')
    const filledInPart: Stream[] = []
    filledInPart[1] = a
    await reject(filledInPart, [sequence, sequence], 'ERR_ARG_TYPE', 'streams.0.', 'a stream')
    await reject([a], [], 'ERR_LENGTHS', 'chunks', '1', '0')
    await reject(a, [sequence], 'ERR_ARG_TYPE', 'streams', 'array')
    await reject([a], sequence, 'ERR_ARG_TYPE', 'chunks', 'array')
    await expect(stepStreams([], [])).resolves.toEqual([])
    expect(a.steps).toBe(0)
  })
})

test('a push that a hook of the making of promises slips in is done before, or refused', async () => {
  const module = moduleOf('GRU')
  const stream = module.createStream()
  const [step] = chunksOf(sequence, [1]) // a state forgets what lies many steps back
  const slipped: Tensor[] = []
  let refused = 0
  const hook = createHook({
    init(_, type) {
      if (type !== 'PROMISE') return
      try {
        stream.pushSync(step!)
        slipped.push(step!)
      } catch {
        ++refused
      }
    }
  })
  hook.enable()
  const pushed = stream.push(step!)
  hook.disable()
  await pushed
  const { state } = module.forwardSync(joined([...slipped, step!]))
  expectSameBits(stream.state.h, state.h)
  expect(refused).toBeGreaterThan(0)
})

describe('a hook of what is made for a call does not change what the call was given', () => {
  const gru = randomModule('GRU', { inputSize, hiddenSize: 64 }, 33)
  const long = randomTensor(random, [2000, inputSize])
  const copy = (): Tensor => new Tensor(long.data.slice(), long.shape)

  test('by overwriting and detaching it', async () => {
    const input = copy()
    let types = 0
    const hook = createHook({
      init(_, type) {
        if (type !== 'packed-rnn forward') return
        ++types
        input.data.fill(9)
        structuredClone(input.data.buffer, { transfer: [input.data.buffer as ArrayBuffer] })
      }
    })
    hook.enable()
    const running = gru.forward(input)
    hook.disable()
    expect([types, input.data.length]).toEqual([1, 0])
    expectSameBits((await running).output, gru.forwardSync(long).output)
  })

  test.each([1, 2, 3, 4, 5, 6])('by a push of its own that it has to wait for, at promise %d', async (at) => {
    const input = copy()
    const stream = gru.createStream()
    let promises = 0
    const slipped: Promise<Tensor>[] = []
    const hook = createHook({
      init(_, type) {
        if (type === 'PROMISE' && ++promises === at) slipped.push(stream.push(sequence))
      }
    })
    hook.enable()
    const running = stream.push(input)
    hook.disable()
    input.data.fill(9)
    const output = await running
    await Promise.all(slipped)
    const after = gru.createStream()
    const first = after.pushSync(long)
    const same = (expected: Tensor): boolean =>
      Buffer.from(output.data.buffer).equals(Buffer.from(expected.data.buffer))
    if (same(first)) return
    after.reset()
    after.pushSync(sequence)
    expectSameBits(output, after.pushSync(long))
  })
})

test('a state that was read does not change with the stream', () => {
  for (const [name, more] of kinds) {
    const stream = randomModule(name, { inputSize, hiddenSize: 9, ...more }, 34).createStream()
    stream.pushSync(sequence)
    const read = stream.state
    const before = structuredClone(read)
    stream.pushSync(sequence)
    stream.pushSync(sequence) // into the memory that was held first
    expect(structuredClone(read)).toEqual(before)
  }
})

test('stepStreams runs the module’s weights, whatever a class makes of its forward', async () => {
  class Other extends GRU {
    override forward = (): never => {
      throw new Error('not this')
    }
  }
  const streams = [new Other({ inputSize, hiddenSize: 2 }).createStream()]
  await expect(stepStreams(streams, [sequence])).resolves.toHaveLength(1)
})

test('the state of an LSTM stream has c, by its type as well', () => {
  const state: LSTMState = new LSTM({ inputSize, hiddenSize: 2 }).createStream().state
  expect(Object.keys(state)).toEqual(['h', 'c'])
  expect(Object.keys(new GRU({ inputSize, hiddenSize: 2 }).createStream().state)).toEqual(['h'])
})

describe('what lies between pushes', () => {
  const part = (from: number, to: number): Tensor =>
    new Tensor(sequence.data.slice(from * inputSize, to * inputSize), [to - from, inputSize])
  const gru = randomModule('GRU', { inputSize, hiddenSize: 9 }, 31)
  const lstm = randomModule('LSTM', { inputSize, hiddenSize: 9, numLayers: 2 }, 31) as LSTM

  test('pushSync is refused until the last of many pushes is done', async () => {
    const stream = gru.createStream()
    const first = stream.push(part(0, 4))
    const second = stream.push(part(4, 24))
    await first
    expectError(() => stream.pushSync(part(0, 1)), Error, 'ERR_BUSY', 'pushSync', 'await')
    await second
    expect(stream.steps).toBe(24)
  })

  test('pushSync is refused meanwhile, even without steps', async () => {
    const stream = gru.createStream()
    const running = stream.push(part(0, 6))
    expectError(() => stream.pushSync(part(0, 0)), Error, 'ERR_BUSY', 'pushSync', 'await')
    await running
  })

  test('a push without steps does not make the stream busy', async () => {
    const stream = gru.createStream()
    const none = stream.push(part(0, 0))
    expect(stream.pushSync(part(0, 4)).shape).toEqual([4, 9])
    await none
  })

  test('a state.h that loses its memory to the reading of state.c is refused by name', () => {
    const buffer = resizable(72, 72)
    const h = { data: new Float32Array(buffer), shape: [2, 9] }
    const c = {
      data: new Float32Array(18),
      get shape() {
        buffer.resize(36)
        return [2, 9]
      }
    }
    expectError(() => lstm.createStream({ h, c }), TypeError, 'ERR_DETACHED', 'state.h', 'lost')
  })

  test('a state that pushes while it is read: reset is refused, as the stream is busy then', async () => {
    const stream = gru.createStream()
    let running: Promise<Tensor> | undefined
    const h = {
      data: new Float32Array(9),
      get shape() {
        running ??= stream.push(part(0, 6))
        return [1, 9]
      }
    }
    expectError(
      () => {
        stream.reset({ h })
      },
      Error,
      'ERR_BUSY',
      'reset',
      'await'
    )
    await running
    expect(stream.steps).toBe(6)
  })

  test.each(['LSTM', 'GRU', 'RNN'] as const)('%s: a clone goes on from the state', (name) => {
    const stream = randomModule(name, { inputSize, hiddenSize: 9 }, 31).createStream()
    stream.pushSync(part(0, 4))
    const clone = stream.clone()
    expect(clone.state).toEqual(stream.state)
    expectSameBits(clone.pushSync(part(4, 9)), stream.pushSync(part(4, 9)))
  })

  test('the chunks of stepStreams may be overwritten while it waits for a push', async () => {
    const [stream, alone] = [gru.createStream(), gru.createStream()]
    const chunk = part(4, 9)
    const pushed = stream.push(part(0, 4))
    const stepped = stepStreams([stream], [chunk])
    chunk.data.fill(NaN)
    await pushed
    alone.pushSync(part(0, 4))
    expectSameBits((await stepped)[0]!, alone.pushSync(part(4, 9)))
  })

  test('a chunk of three dimensions is refused even if its second is inputSize', () => {
    expectError(
      () => gru.createStream().pushSync(randomTensor(random, [3, inputSize, 1])),
      RangeError,
      'ERR_SHAPE',
      'chunk',
      'but received'
    )
  })
})
