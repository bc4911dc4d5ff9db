import { describe } from './check'
import { expected, fail } from './errors'
import { copyOfArray } from './memory'
import type { Call, Engine, HiddenState, State } from './engine'
import { allocateSequences, dataOf, packSequence } from './sequence'
import { type TensorLike, allocateFloats, allocateOutput, copyInto, sizeOf, Tensor } from './tensor'

/**
 * One live sequence: the weights of its module, and a state of its own. However a sequence is cut into chunks, the
 * outputs have the bits of one run over the whole.
 */
export interface Stream<S extends HiddenState = HiddenState> {
  /**
   * Feeds steps, off the event loop, as forward does, brief ones at once. A chunk has been copied when the call returns.
   * Chunks that are pushed while earlier ones are under way are queued and taken in order. A push that fails leaves the
   * state as it was: one whose chunk is refused is as if it had not been, one for which memory does not suffice fails
   * those queued behind it as well.
   *
   * @param chunk [steps, inputSize], of float32; without steps nothing happens
   * @returns [steps, outputSize]; rejects with ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE, ERR_DETACHED or ERR_ALLOCATION
   */
  push(chunk: TensorLike): Promise<Tensor>
  /**
   * The same on the calling thread.
   *
   * @throws what {@link Stream.push} rejects with; ERR_BUSY while a push is under way
   */
  pushSync(chunk: TensorLike): Tensor
  /** A copy of the state after the last chunk that is done: h and, for the LSTM, c, each [numLayers, size]. */
  readonly state: S
  /** How many steps that state has seen. */
  readonly steps: number
  /**
   * Starts anew, from a state or from zeros.
   *
   * @throws ERR_BUSY while a push is under way; ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE or ERR_DETACHED for the state
   */
  reset(state?: State | null): void
  /** Another stream of the same module, which goes on from a copy of the state and of the count of steps. */
  clone(): Stream<S>
}

/** A stream's state: [layers, size] each, and c for the LSTM alone; in one array, h first. */
interface Held {
  readonly all: Float32Array
  readonly h: Tensor
  readonly c: Tensor | null
}

export class RecurrentStream<S extends HiddenState> implements Stream<S> {
  readonly #engine: Engine
  #held: Held
  /** Where a push writes, so that what is held is whole while it runs, and if it fails. */
  #spare: Held | null = null
  #steps = 0
  /** The last of the queued pushes; null when all are done. */
  #pending: Promise<unknown> | null = null

  constructor(engine: Engine, state: State | null | undefined) {
    this.#engine = engine
    this.#held = initial(engine, state)
  }

  get state(): S {
    const { h, c } = this.#held
    return (c ? { h: copyOf(h), c: copyOf(c) } : { h: copyOf(h) }) as HiddenState as S
  }

  get steps(): number {
    return this.#steps
  }

  pushSync(chunk: TensorLike): Tensor {
    const { data, shape } = this.#engine.chunk(chunk, 'chunk')
    const steps = shape[0]!
    this.#expectIdle('pushSync')
    const output = allocateOutput([steps, this.#engine.outputSize])
    if (steps === 0) return output
    const next = this.#next()
    this.#engine.advance(data, steps, this.#held.all, next.all, output)
    this.#accept(next, steps)
    return output
  }

  async push(chunk: TensorLike): Promise<Tensor> {
    const { data, shape } = this.#engine.chunk(chunk, 'chunk')
    const steps = shape[0]!
    const output = allocateOutput([steps, this.#engine.outputSize])
    if (steps === 0) return output
    await RecurrentStream.#queue([this], (waits) => {
      const input = waits ? copyOfArray(data, 'float32') : data
      return () => this.#advance(input, steps, output)
    })
    return output
  }

  async #advance(input: Float32Array, steps: number, output: Tensor): Promise<void> {
    const next = this.#next()
    await this.#engine.run(callOf(input, steps, this.#held, output, next))
    this.#accept(next, steps)
  }

  #next(): Held {
    return this.#spare ?? zeros(this.#engine)
  }

  /** So many steps have led to another state. */
  #accept(next: Held, steps: number): void {
    this.#spare = this.#held
    this.#held = next
    this.#steps += steps
  }

  /**
   * Starts something when all that is under way on some streams is done, and makes what comes next wait for it. What it
   * needs is prepared at once.
   */
  static #queue<T>(
    streams: readonly RecurrentStream<HiddenState>[],
    prepare: (waits: boolean) => () => Promise<T>
  ): Promise<T> {
    let begin!: (result: Promise<T>) => void
    const done = new Promise<T>((resolve) => (begin = resolve))
    const earlier = streams.flatMap((stream) => stream.#pending ?? [])
    // Before anything begins: where promises are made, hooks (async_hooks) may call these streams.
    for (const stream of streams) stream.#pending = done
    const waits = earlier.length > 0
    const start = prepare(waits)
    begin(waits ? allDone(earlier).then(start) : start())
    const release = (): void => {
      for (const stream of streams) if (stream.#pending === done) stream.#pending = null
    }
    done.then(release, release)
    return done
  }

  reset(state?: State | null): void {
    const held = initial(this.#engine, state)
    this.#expectIdle('reset')
    this.#held = held
    this.#steps = 0
  }

  clone(): Stream<S> {
    const copy = new RecurrentStream<S>(this.#engine, this.state)
    copy.#steps = this.#steps
    return copy
  }

  #expectIdle(method: string): void {
    if (this.#pending) fail('ERR_BUSY', `${method} was called while a push is under way: await the push first`)
  }

  /** See {@link stepStreams}. */
  static async step(streams: readonly Stream[], chunks: readonly TensorLike[]): Promise<Tensor[]> {
    const members = membersOf(streams, chunks)
    const first = members[0]
    if (!first) return []
    const engine = first.#engine
    const inputs = members.map((stream, i) => {
      if (stream.#engine !== engine) {
        expected('ERR_ARG_VALUE', 'streams of one module', 'streams', 'streams of different ones')
      }
      return engine.chunk(chunks[i]!, `chunks[${String(i)}]`)
    })
    const packed = packSequence(inputs, { enforceSorted: false, allowZeroLength: true })
    const lengths = inputs.map(({ shape }) => shape[0]!)
    return RecurrentStream.#queue(members, () => async () => {
      const outputs = allocateSequences<Float32Array>(lengths, 'float32', [engine.outputSize])
      const next = members.map((stream) => stream.#next())
      const before = members.map((stream) => stream.#held.all)
      const after = next.map(({ all }) => all)
      await engine.advanceEach(packed, before, after, dataOf(outputs))
      members.forEach((stream, i) => {
        stream.#accept(next[i]!, lengths[i]!)
      })
      return outputs
    })
  }
}

/**
 * Feeds one chunk to each of many streams of one module, as one packed batch. Chunks may be of different lengths, and
 * of none. Each stream's output has the bits that its own `push` gives.
 *
 * @param streams different streams of one module
 * @param chunks for each stream its next steps: [steps, inputSize], of float32; copied when the call returns
 * @returns for each stream [steps, outputSize]. Rejects with ERR_ARG_TYPE or ERR_ARG_VALUE for the streams, ERR_LENGTHS
 *   if there are not as many chunks as streams, and otherwise as {@link Stream.push} does; no state has changed then.
 */
export function stepStreams(streams: readonly Stream[], chunks: readonly TensorLike[]): Promise<Tensor[]> {
  return RecurrentStream.step(streams, chunks)
}

/** When none of them goes on any more; rejects if one has. */
async function allDone(pushes: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(pushes)
  await Promise.all(pushes)
}

function membersOf(streams: unknown, chunks: unknown): readonly RecurrentStream<HiddenState>[] {
  if (!Array.isArray(streams)) expected('ERR_ARG_TYPE', 'an array of streams', 'streams', describe(streams))
  if (!Array.isArray(chunks)) expected('ERR_ARG_TYPE', 'an array of tensors', 'chunks', describe(chunks))
  if (chunks.length !== streams.length) {
    const count = `${String(streams.length)} tensors, one for each stream,`
    expected('ERR_LENGTHS', count, 'chunks', String(chunks.length))
  }
  // The caller's array may change meanwhile, or have holes.
  const members = Array.from(streams) as RecurrentStream<HiddenState>[]
  const seen = new Set<unknown>()
  members.forEach((stream, i) => {
    const argument = `streams[${String(i)}]`
    if (!(stream instanceof RecurrentStream)) expected('ERR_ARG_TYPE', 'a stream', argument, describe(stream))
    if (seen.has(stream)) expected('ERR_ARG_VALUE', 'different streams', argument, 'one that is there already')
    seen.add(stream)
  })
  return members
}

function initial(engine: Engine, state: State | null | undefined): Held {
  const held = zeros(engine)
  const { h, c } = engine.stateArrays(state, { h: held.h.shape, c: held.c?.shape ?? null })
  if (h) copyInto(held.h.data, h, 'state.h')
  if (c && held.c) copyInto(held.c.data, c, 'state.c')
  return held
}

function zeros(engine: Engine): Held {
  const shapes = engine.stateShapes([engine.states])
  const width = sizeOf(shapes.h)
  const all = allocateFloats([width + (shapes.c ? sizeOf(shapes.c) : 0)]).data
  return {
    all,
    h: new Tensor(all.subarray(0, width), shapes.h),
    c: shapes.c && new Tensor(all.subarray(width), shapes.c)
  }
}

function copyOf({ data, shape }: Tensor): Tensor {
  return new Tensor(copyOfArray(data, 'float32'), shape)
}

function callOf(input: Float32Array, steps: number, from: Held, output: Tensor, to: Held): Call {
  const c0 = from.c?.data ?? null
  return { input, batchSizes: null, order: null, batch: 1, steps, h0: from.h.data, c0, output, h: to.h, c: to.c }
}
