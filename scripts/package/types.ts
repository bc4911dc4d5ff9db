import { GRU, LSTM, packSequence, padPackedSequence, type PackedSequence, type Tensor, tensor } from 'packed-rnn'

const packed: PackedSequence = packSequence([tensor([[1, 2]]), tensor([[3, 4]])], { enforceSorted: false })
const lstm = new LSTM({ inputSize: 2, hiddenSize: 3, bidirectional: true })
const { output, state } = lstm.forwardSync(packed)
const { padded, lengths } = padPackedSequence(output, { batchFirst: true })
const both: readonly [Tensor, Tensor] = [state.h, state.c]

// @ts-expect-error A GRU has no cell state.
export const none: unknown = new GRU({ inputSize: 2, hiddenSize: 3 }).forwardSync(packed).state.c
export const results: readonly [Tensor, Int32Array, readonly Tensor[]] = [padded, lengths, both]
