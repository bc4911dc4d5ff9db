import { describe } from './check'
import { expected, fail } from './errors'
import { copyOfArray } from './memory'
import type { Call, Engine, HiddenState, LSTMState, Result, State } from './recurrent'
import { type PackedSequence, packSequence, unpackSequence } from './sequence'
import { type TensorLike, allocateFloats, allocateOutput, Tensor } from './tensor'

/**
 * One live sequence: the weights of its module, and a state of its own. However a sequence is cut into chunks, the
 * outputs have the bits of one run over the whole.
 */
export interface Stream<S extends HiddenState = HiddenState> {
  /**
   * Feeds steps, off the event loop. A chunk has been copied when the call returns. Chunks that are pushed while earlier
   * ones are under way are queued and taken in order. A push that fails leaves the state as it was: one whose chunk is
   * refused is as if it had not been, one for which memory does not suffice fails those queued behind it as well.
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

/** What a stream asks of its module. */
interface Module<S> {
  forward(input: PackedSequence, state: State): Promise<Result<PackedSequence, S>>
}

/** A stream's state: [layers, size] each, and c for the LSTM alone. */
interface Held {
  readonly h: Tensor
  readonly c: Tensor | null
}

export class RecurrentStream<S extends HiddenState> implements Stream<S> {
  readonly #module: Module<S>
  readonly #engine: Engine
  #held: Held
  /** Where an asynchronous push writes, so that what is held is whole while it runs. */
  #spare: Held | null = null
  #steps = 0
  /** The last of the queued pushes; null when all are done. */
  #pending: Promise<unknown> | null = null

  constructor(module: Module<S>, engine: Engine, state: State | null | undefined) {
    this.#module = module
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
    const { data, steps } = this.#engine.chunk(chunk, 'chunk')
    this.#expectIdle('pushSync')
    const output = allocateOutput([steps, this.#engine.outputSize])
    if (steps > 0) this.#engine.advance(data, steps, this.#held.h, this.#held.c, output)
    this.#steps += steps
    return output
  }

  async push(chunk: TensorLike): Promise<Tensor> {
    const { data, steps } = this.#engine.chunk(chunk, 'chunk')
    const output = allocateOutput([steps, this.#engine.outputSize])
    if (steps === 0) return output
    if (this.#pending) {
      const copy = copyOfArray(data, 'float32')
      await this.#hold(this.#pending.then(() => this.#advance(copy, steps, output)))
    } else {
      await this.#hold(this.#advance(data, steps, output))
    }
    return output
  }

  async #advance(input: Float32Array, steps: number, output: Tensor): Promise<void> {
    const next = this.#spare ?? initial(this.#engine, null)
    this.#spare = null
    await this.#engine.run(callOf(input, steps, this.#held, output, next))
    this.#spare = this.#held
    this.#held = next
    this.#steps += steps
  }

  /** Makes what comes next wait for `done`. */
  #hold<T>(done: Promise<T>): Promise<T> {
    const release = (): void => {
      if (this.#pending === done) this.#pending = null
    }
    this.#pending = done
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
    const copy = new RecurrentStream(this.#module, this.#engine, this.state)
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
    const counts = members.map((stream, i) => {
      if (stream.#engine !== first.#engine) {
        expected('ERR_ARG_VALUE', 'streams of one module', 'streams', 'streams of different ones')
      }
      return first.#engine.chunk(chunks[i]!, `chunks[${String(i)}]`).steps
    })
    const packed = packSequence(chunks, { enforceSorted: false, allowZeroLength: true })
    const run = async (): Promise<Tensor[]> => {
      const { output, state } = await first.#module.forward(packed, gather(members.map((stream) => stream.#held)))
      const outputs = unpackSequence(output) // before a state changes: memory for them may not suffice
      scatter(
        state,
        members.map((stream) => stream.#held)
      )
      members.forEach((stream, i) => (stream.#steps += counts[i]!))
      return outputs
    }
    const earlier = members.flatMap((stream) => stream.#pending ?? [])
    const done = earlier.length > 0 ? allDone(earlier).then(run) : run()
    for (const stream of members) void stream.#hold(done)
    return done
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
  const members = streams.slice() as RecurrentStream<HiddenState>[] // the caller's array may change meanwhile
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
  const shapes = engine.stateShapes([engine.states])
  const { h, c } = engine.stateArrays(state, shapes)
  const held = { h: allocateFloats(shapes.h), c: shapes.c && allocateFloats(shapes.c) }
  if (h) held.h.data.set(h)
  if (c) held.c?.data.set(c)
  return held
}

function copyOf({ data, shape }: Tensor): Tensor {
  return new Tensor(copyOfArray(data, 'float32'), shape)
}

function callOf(input: Float32Array, steps: number, from: Held, output: Tensor, to: Held): Call {
  const c0 = from.c?.data ?? null
  return { input, batchSizes: null, order: null, batch: 1, steps, h0: from.h.data, c0, output, h: to.h, c: to.c }
}

/** [layers, size] of each stream → [layers, streams, size]. */
function gather(held: readonly Held[]): State {
  const h = interleave(held.map((one) => one.h))
  const cells = held.flatMap((one) => one.c ?? [])
  return cells.length > 0 ? { h, c: interleave(cells) } : { h }
}

function interleave(parts: readonly Tensor[]): Tensor {
  const [layers, size] = parts[0]!.shape as [number, number]
  const whole = allocateFloats([layers, parts.length, size])
  parts.forEach(({ data }, i) => {
    for (let layer = 0; layer < layers; ++layer) {
      whole.data.set(data.subarray(layer * size, (layer + 1) * size), (layer * parts.length + i) * size)
    }
  })
  return whole
}

/** The inverse of {@link gather}, into the streams' own states. */
function scatter(state: HiddenState | LSTMState, held: readonly Held[]): void {
  separate(
    state.h,
    held.map((one) => one.h)
  )
  if ('c' in state)
    separate(
      state.c,
      held.flatMap((one) => one.c ?? [])
    )
}

function separate(whole: Tensor, parts: readonly Tensor[]): void {
  parts.forEach(({ data, shape }, i) => {
    const [layers, size] = shape as [number, number]
    for (let layer = 0; layer < layers; ++layer) {
      const start = (layer * parts.length + i) * size
      data.set(whole.data.subarray(start, start + size), layer * size)
    }
  })
}
