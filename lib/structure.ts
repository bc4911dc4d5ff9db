import { expected } from './errors'
import { allocateIntegers } from './memory'

/** How packed rows belong to sequences; shared by all packed sequences of the same lengths. */
export interface Structure {
  /** `[t]`: how many sequences are longer than t. */
  readonly batchSizes: Int32Array
  /** `[i]`: the sequence that is i-th by length; null when that is i. */
  readonly sortedIndices: Int32Array | null
  /** The inverse of sortedIndices. */
  readonly unsortedIndices: Int32Array | null
  /** Sequences, those of length zero included. */
  readonly batchCount: number
}

export function structureOf(lengths: Int32Array, sorted: boolean): Structure {
  const batchSizes = batchSizesOf(lengths)
  const sortedIndices = sorted ? null : longestFirst(lengths, batchSizes)
  return { batchSizes, sortedIndices, unsortedIndices: inverse(sortedIndices), batchCount: lengths.length }
}

function batchSizesOf(lengths: Int32Array): Int32Array {
  const sizes = allocateIntegers(largest(lengths))
  for (const length of lengths) if (length > 0) ++sizes[length - 1]!
  for (let t = sizes.length - 1, longer = 0; t >= 0; --t) longer = sizes[t]! += longer
  return sizes
}

/** A counting sort, stable: batchSizes[length] sequences are longer, so that is where those of a length begin. */
function longestFirst(lengths: Int32Array, batchSizes: Int32Array): Int32Array {
  const next = allocateIntegers(batchSizes.length + 1)
  next.set(batchSizes)
  const order = allocateIntegers(lengths.length)
  for (let sequence = 0; sequence < lengths.length; ++sequence) order[next[lengths[sequence]!]!++] = sequence
  return order
}

/** The inverse of a permutation: `result[permutation[i]] = i`; null for null. */
export function inverse(permutation: Int32Array | null): Int32Array | null {
  if (!permutation) return null
  const result = allocateIntegers(permutation.length)
  for (let from = 0; from < permutation.length; ++from) result[permutation[from]!] = from
  return result
}

export function largest(values: Int32Array | readonly number[]): number {
  let result = 0
  // Without an iterator, which costs more than all else here where both kinds of list come by.
  for (let i = values.length; i-- > 0;) result = Math.max(result, values[i]!)
  return result
}

export function sum(values: Int32Array): number {
  let total = 0
  for (const value of values) total += value
  return total
}

// ---- checks of lengths, which `argument` names in the error --------------------------------------------------------

export function checkLeast(lengths: Int32Array, argument: string, least: number): void {
  for (let i = 0; i < lengths.length; ++i) if (lengths[i]! < least) tooShort(lengths, argument, i, least)
}

export function checkMost(lengths: Int32Array, argument: string, steps: number): void {
  for (let i = 0; i < lengths.length; ++i) if (lengths[i]! > steps) tooLong(lengths, argument, i, steps)
}

/** In PyTorch's order: the shortest must be long enough, then what was said to be sorted must be. */
export function checkOrder(
  lengths: Int32Array,
  argument: string,
  enforceSorted: boolean,
  allowZeroLength: boolean
): void {
  const least = allowZeroLength ? 0 : 1
  if (!enforceSorted) {
    checkLeast(lengths, argument, least)
    return
  }
  const last = lengths.length - 1
  if (lengths[last]! < least) tooShort(lengths, argument, last, least)
  for (let i = 1; i < lengths.length; ++i) if (lengths[i]! > lengths[i - 1]!) notSorted(lengths, argument, i)
}

function notSorted(lengths: Int32Array, argument: string, i: number): never {
  const received = `a length of ${String(lengths[i])} after ${String(lengths[i - 1])}`
  const wayOut = 'pass enforceSorted: false to have the sequences sorted'
  expected('ERR_NOT_SORTED', 'lengths in descending order', `${argument}[${String(i)}]`, received, wayOut)
}

function tooLong(lengths: Int32Array, argument: string, i: number, steps: number): never {
  const what = `a length of at most ${String(steps)}, the steps there are,`
  expected('ERR_LENGTHS', what, `${argument}[${String(i)}]`, String(lengths[i]))
}

function tooShort(lengths: Int32Array, argument: string, i: number, least: number): never {
  const length = lengths[i]!
  const wayOut = length === 0 ? 'pass allowZeroLength: true to keep sequences of length zero' : ''
  expected('ERR_LENGTHS', `a length from ${String(least)}`, `${argument}[${String(i)}]`, String(length), wayOut)
}

// ---- checks of a structure that a caller gives ---------------------------------------------------------------------

export function checkBatchSizes(batchSizes: Int32Array, rows: number, leastSteps: number): void {
  if (batchSizes.length < leastSteps) expected('ERR_PACKED_SEQUENCE', 'at least one batch size', 'batchSizes', 'none')
  let previous = Infinity
  batchSizes.forEach((size, t) => {
    if (size < 1) expected('ERR_PACKED_SEQUENCE', 'a batch size from 1', `batchSizes[${String(t)}]`, String(size))
    if (size > previous) {
      const received = `${String(size)} after ${String(previous)}`
      expected('ERR_PACKED_SEQUENCE', 'batch sizes that never grow', `batchSizes[${String(t)}]`, received)
    }
    previous = size
  })
  if (sum(batchSizes) === rows) return
  const what = `batch sizes that sum to ${String(rows)}, the rows of data,`
  expected('ERR_PACKED_SEQUENCE', what, 'batchSizes', `a sum of ${String(sum(batchSizes))}`)
}

export function checkPermutation(
  list: Int32Array,
  argument: string,
  size: number,
  code: 'ERR_ARG_VALUE' | 'ERR_PACKED_SEQUENCE'
): void {
  const what = `each of 0 to ${String(size - 1)} once`
  if (list.length !== size) expected(code, what, argument, `${String(list.length)} indices`)
  const seen = new Uint8Array(size)
  list.forEach((index, i) => {
    if (seen[index] !== 0) {
      const again = seen[index] === 1 ? ' again' : ''
      expected(code, what, `${argument}[${String(i)}]`, `${String(index)}${again}`)
    }
    seen[index] = 1
  })
}

export function checkInverse(sorted: Int32Array | null, unsorted: Int32Array | null): void {
  if (!sorted || !unsorted) return
  const i = sorted.findIndex((sequence, place) => unsorted[sequence] !== place)
  if (i < 0) return
  const at = sorted[i]!
  const what = `${String(i)}, unsortedIndices being the inverse of sortedIndices,`
  expected('ERR_PACKED_SEQUENCE', what, `unsortedIndices[${String(at)}]`, String(unsorted[at]))
}
