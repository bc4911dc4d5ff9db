/** Every error this library throws on purpose: its stable code, its class, and when it is thrown. */
const table = {
  /** An argument of the wrong kind: a string for a number, nothing for a tensor. */
  ERR_ARG_TYPE: TypeError,
  /** An argument of the right kind with a value out of range. */
  ERR_ARG_VALUE: RangeError,
  /** An option that does not exist; the message suggests the nearest that does. */
  ERR_OPTION_UNKNOWN: TypeError,
  /** A tensor whose data and shape disagree, or of a rank or size that does not fit. */
  ERR_SHAPE: RangeError,
  /** A tensor of another element type than the one needed. */
  ERR_DTYPE: TypeError,
  /** A tensor whose memory has gone: its buffer was transferred, or shrunk under it. */
  ERR_DETACHED: TypeError,
  /** Nothing to work on: no sequences, or a tensor without elements. */
  ERR_EMPTY: RangeError,
  /** Lengths that do not fit the batch: their count, a length below one, one past the data; a list with a fraction. */
  ERR_LENGTHS: RangeError,
  /** Lengths that are not in descending order although they were declared to be. */
  ERR_NOT_SORTED: RangeError,
  /** A PackedSequence whose batch sizes, indices and data contradict each other. */
  ERR_PACKED_SEQUENCE: RangeError,
  /** A state dict with missing, unexpected or misshapen parameters, or with none under the prefix. */
  ERR_STATE_DICT: RangeError,
  /** A weights file that is not a valid safetensors file, or holds what cannot be read. */
  ERR_FILE_FORMAT: RangeError,
  /** An id that is not a row of the embedding table. */
  ERR_INDEX: RangeError,
  /** A stream was pushed to synchronously, or reset, while an asynchronous push is under way. */
  ERR_BUSY: Error,
  /** Memory could not be had. */
  ERR_ALLOCATION: RangeError,
  /** PACKED_RNN_ISA names an instruction set that is unknown, or that this processor lacks. */
  ERR_ISA: RangeError,
  /** There is no native binary for this platform. */
  ERR_NO_BINARY: Error
} as const

export type ErrorCode = keyof typeof table

/** An error of this library: a TypeError for a wrong kind, a RangeError for a wrong value, and its stable code. */
export type CodedError = Error & { readonly code: ErrorCode }

export const errorCodes = Object.keys(table) as readonly ErrorCode[]

export function fail(code: ErrorCode, message: string, cause?: unknown): never {
  const error = new table[code](message, cause === undefined ? undefined : { cause })
  throw Object.defineProperty(error, 'code', { value: code, enumerable: true })
}

/** The one sentence form: what was expected, for which argument, what came, and the way out where there is one. */
export function expected(code: ErrorCode, what: string, argument: string, received: string, wayOut = ''): never {
  fail(code, `Expected ${what} for ${argument} but received ${received}${wayOut && `: ${wayOut}`}`)
}
