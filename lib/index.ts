export { type Lengths } from './check'
export { type CodedError, type ErrorCode } from './errors'
export {
  type ArrayOf,
  type DType,
  type KindOf,
  type NestedArray,
  Tensor,
  type TensorLike,
  type TypedArray,
  tensor
} from './tensor'
export {
  type Input,
  invertPermutation,
  lastSteps,
  type LastStepsOptions,
  type OutputOf,
  packPaddedSequence,
  type PackPaddedSequenceOptions,
  PackedSequence,
  packSequence,
  type PackSequenceOptions,
  padPackedSequence,
  type PadPackedSequenceOptions,
  padSequence,
  type PadSequenceOptions,
  unpackSequence,
  unpadSequence,
  type UnpadSequenceOptions
} from './sequence'
export {
  type CellOptions,
  type GRUOptions,
  type LSTMOptions,
  type RecurrentOptions,
  type RNNCellOptions,
  type RNNOptions
} from './kinds'
export { GRU, GRUCell, type LoadOptions, LSTM, LSTMCell, type LSTMState, type Result, RNN, RNNCell } from './recurrent'
export { type HiddenState, type State } from './engine'
export { type StateDict } from './weights'
export { type Stream, stepStreams } from './stream'
export { Embedding, type LayerLoadOptions, Linear } from './layers'
export { type LoadedStateDict, loadSafetensors, saveSafetensors } from './safetensors'
export { getNumThreads, runtime, setNumThreads } from './runtime'
