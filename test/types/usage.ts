/* Compiled by test/types.test.ts against the declarations that are published, and never run. */
import {
  type CodedError,
  type DType,
  Embedding,
  type ErrorCode,
  GRU,
  type HiddenState,
  lastSteps,
  Linear,
  loadSafetensors,
  LSTM,
  LSTMCell,
  type LSTMState,
  type NestedArray,
  packPaddedSequence,
  PackedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
  RNN,
  RNNCell,
  saveSafetensors,
  type StateDict,
  type Stream,
  stepStreams,
  tensor,
  type Tensor,
  type TensorLike,
  type TypedArray,
  unpackSequence,
  unpadSequence
} from 'packed-rnn'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles if the type of the value is exactly the expected one. */
declare function expectType<Expected>(): <Actual>(value: Actual, same: Equal<Actual, Expected>) => void

// A tensor's elements are of the type that is asked for, or of the values' own; of float32 where neither is known.
expectType<Tensor>()(tensor([[1, 2]]), true)
expectType<Tensor>()(tensor([]), true)
expectType<Tensor<BigInt64Array>>()(tensor([[1n], [2n]]), true)
expectType<Tensor<Uint8Array>>()(tensor(true), true)
expectType<Tensor<Int32Array>>()(tensor(Int32Array.of(1)), true)
expectType<Tensor<Int32Array>>()(tensor([1], undefined, 'int32'), true)
expectType<Tensor<BigInt64Array>>()(tensor(Int32Array.of(1), [1], 'int64'), true)
expectType<Tensor<Uint8Array>>()(tensor([1, 0], [2], 'bool'), true)
declare const dtype: DType
declare const maybe: DType | undefined
declare const values: NestedArray
declare const array: TypedArray
expectType<Tensor>()(tensor(values), true)
expectType<Tensor>()(tensor(array), true)
expectType<Tensor>()(tensor([1], [1], dtype), true)
expectType<Tensor>()(tensor([1n], [1], maybe), true)
// @ts-expect-error no such type
tensor([1], [1], 'float16')
// @ts-expect-error an int64 is no number
take<number | undefined>(tensor([1n]).data[0])

declare function take<T>(value: T): void

declare const input: Tensor
declare const packed: PackedSequence
declare const either: Tensor | PackedSequence
declare const tensorLike: TensorLike
declare const stateDict: StateDict

export async function usage(): Promise<void> {
  const sizes = { inputSize: 3, hiddenSize: 4 }
  const lstm = new LSTM({ ...sizes, projSize: 2, batchFirst: true, dropout: 0.1 }, stateDict)
  const gru = new GRU({ ...sizes, numLayers: 2, bias: false, bidirectional: true })
  const rnn = new RNN({ ...sizes, nonlinearity: 'relu' })

  // The output has the kind of the input, the state that of the module.
  expectType<Tensor>()(lstm.forwardSync(input).output, true)
  expectType<Tensor>()(lstm.forwardSync(tensorLike).output, true)
  expectType<Tensor>()(lstm.forwardSync({ data: new Float32Array(3), dims: [1, 3] }).output, true)
  expectType<PackedSequence>()(lstm.forwardSync(packed).output, true)
  expectType<Tensor | PackedSequence>()(lstm.forwardSync(either).output, true)
  expectType<PackedSequence>()((await gru.forward(packed)).output, true)
  expectType<LSTMState>()(lstm.forwardSync(input).state, true)
  expectType<HiddenState>()((await rnn.forward(input)).state, true)
  expectType<Tensor>()(lstm.forwardSync(input).state.c, true)
  // @ts-expect-error a GRU has no cell state
  take(gru.forwardSync(input).state.c)
  // @ts-expect-error a batch of nothing is no input
  gru.forwardSync(null)
  // @ts-expect-error a state has h
  gru.forwardSync(input, { c: input })
  lstm.forwardSync(input, { h: input, c: tensorLike })
  lstm.forwardSync(input, null)
  lstm.forwardSync(input, lstm.forwardSync(input).state)

  // Options are checked by name and by kind.
  // @ts-expect-error inputSize is missing
  new LSTM({ hiddenSize: 3 })
  // @ts-expect-error a misspelt name
  new LSTM({ ...sizes, numlayers: 2 })
  // @ts-expect-error a number for a flag
  new LSTM({ ...sizes, bias: 1 })
  // @ts-expect-error projections are the LSTM's
  new GRU({ ...sizes, projSize: 2 })
  // @ts-expect-error nonlinearities are the RNN's
  new GRU({ ...sizes, nonlinearity: 'relu' })
  // @ts-expect-error an unknown nonlinearity
  new RNN({ ...sizes, nonlinearity: 'gelu' })
  expectType<number>()(lstm.options.projSize, true)
  expectType<boolean>()(gru.options.bidirectional, true)
  expectType<'tanh' | 'relu'>()(rnn.options.nonlinearity, true)
  // @ts-expect-error options are read only
  lstm.options.hiddenSize = 5

  // The ways in give the class that they are called on, and take what its shapes don't tell.
  expectType<LSTM>()(LSTM.fromStateDict(stateDict, { prefix: 'a.', batchFirst: true }), true)
  expectType<GRU>()(await GRU.load('a.safetensors'), true)
  expectType<RNN>()(await RNN.load(new URL('file:///a.safetensors'), { nonlinearity: 'relu' }), true)
  expectType<LSTMCell>()(LSTMCell.fromStateDict(new Map([['weight_ih', input]])), true)
  RNNCell.fromStateDict({ weight_ih: input }, { nonlinearity: 'relu' })
  // @ts-expect-error the nonlinearity is the RNN's
  LSTM.fromStateDict(stateDict, { nonlinearity: 'relu' })
  // @ts-expect-error sizes are in the shapes
  LSTM.fromStateDict(stateDict, { hiddenSize: 3 })
  // @ts-expect-error a cell has no batchFirst
  LSTMCell.fromStateDict(stateDict, { batchFirst: true })

  const cell = new LSTMCell(sizes)
  expectType<LSTMState>()(cell.forwardSync(input), true)
  // @ts-expect-error a cell takes no sequences
  cell.forwardSync(packed)

  const stream = lstm.createStream()
  expectType<Stream<LSTMState>>()(stream, true)
  expectType<Tensor>()(stream.state.c, true)
  expectType<Tensor>()(await stream.push(input), true)
  expectType<Tensor[]>()(await stepStreams([stream, gru.createStream({ h: input })], [input, tensorLike]), true)
  // @ts-expect-error steps are counted by the stream
  stream.steps = 3
  const anyStream: Stream = stream
  anyStream.reset()

  expectType<PackedSequence>()(Embedding.fromStateDict(stateDict).forwardSync(packed), true)
  expectType<Tensor>()(Linear.fromStateDict(stateDict, { prefix: 'head.' }).forwardSync(input), true)
  // @ts-expect-error layers come from state dicts
  new Linear(input, input)

  const loaded = await loadSafetensors(new Uint8Array(8))
  expectType<string | undefined>()(loaded.metadata['format'], true)
  LSTM.fromStateDict(loaded)
  const renamed = Object.entries<Tensor<TypedArray>>(loaded).map(([name, value]) => [`a.${name}`, value] as const)
  LSTM.fromStateDict(new Map(renamed), { prefix: 'a.' })
  await saveSafetensors('a.safetensors', lstm.stateDict(), loaded.metadata)

  // Packing and padding keep the type of the elements.
  const ids = tensor([1, 2], [2], 'int64')
  const packedIds = packSequence([ids, ids])
  type Ids = Tensor<BigInt64Array>
  expectType<PackedSequence<BigInt64Array>>()(packedIds, true)
  expectType<Ids>()(packedIds.data, true)
  expectType<PackedSequence>()(packedIds.withData(input), true)
  expectType<Ids>()(padPackedSequence(packedIds).padded, true)
  expectType<Ids>()(lastSteps(packedIds), true)
  expectType<Ids[]>()(unpackSequence(packedIds), true)
  expectType<Ids>()(padSequence(new Set([ids])), true)
  expectType<Ids[]>()(unpadSequence(ids, [2]), true)
  expectType<PackedSequence<BigInt64Array>>()(packPaddedSequence(ids, [2]), true)
  expectType<PackedSequence<BigInt64Array>>()(new PackedSequence(ids, [1, 1]), true)
  expectType<PackedSequence>()(packSequence([tensorLike]), true)
  expectType<PackedSequence>()(packSequence(input), true)
  expectType<PackedSequence>()(Embedding.fromStateDict(stateDict).forwardSync(packedIds), true)
  const packedOfAny: PackedSequence<TypedArray> = packedIds
  expectType<PackedSequence>()(Linear.fromStateDict(stateDict).forwardSync(packedOfAny), true)
  expectType<PackedSequence>()(packSequence([{ data: new Float32Array(1), shape: [1] }]), true)
  expectType<Tensor<Int8Array | Float32Array>>()(padSequence([tensor([1], [1], dtype as 'int8' | 'float32')]), true)
  // @ts-expect-error sequences of two types
  packSequence([input, ids])
  take<PackedSequence<TypedArray>>(packedIds)

  const { padded } = padPackedSequence(packSequence([input], { enforceSorted: false }), { batchFirst: true })
  packPaddedSequence(padded, [1], { enforceSorted: false })
  // @ts-expect-error a misspelt name
  packSequence([input], { enforcesorted: false })

  expectType<Float32Array>()(input.data, true)
  const code: ErrorCode = 'ERR_SHAPE'
  take<CodedError>(Object.assign(new RangeError(), { code }))
  // @ts-expect-error no such code
  take<ErrorCode>('ERR_SHAPES')
}
