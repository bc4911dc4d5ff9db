import { native } from './binding'
import {
  describe,
  flag,
  integer,
  integers,
  oneOf,
  options,
  room,
  shapeText,
  typedArrayName,
  type Lengths
} from './check'
import { expected, fail } from './errors'
import { allocateData, allocateIntegers } from './memory'
import {
  checkBatchSizes,
  checkInverse,
  checkLeast,
  checkMost,
  checkOrder,
  checkPermutation,
  inverse,
  largest,
  structureOf,
  sum,
  type Structure
} from './structure'
import {
  allocate,
  allocateUnwritten,
  detached,
  isWhole,
  sizeOf,
  store,
  Tensor,
  view,
  type DType,
  type KindOf,
  type TensorLike,
  type TypedArray,
  type View
} from './tensor'

/**
 * Sequences of different lengths in one tensor, without padding: the first steps of all sequences, longest first, then
 * the second steps of those that have one, and so on. Sequences `abc` and `x` make data `a x b c` and batchSizes
 * `[2, 1, 1]`.
 *
 * Made by {@link packSequence} and {@link packPaddedSequence}. Its fields are frozen, their elements can't be: if they
 * have been written to, so that they no longer fit each other, whatever reads the rows next refuses them with
 * ERR_PACKED_SEQUENCE. Other lengths that do fit go unnoticed.
 *
 * It iterates as PyTorch's named tuple: `const [data, batchSizes, sortedIndices, unsortedIndices] = packed`.
 *
 * Source: `torch.nn.utils.rnn.PackedSequence`.
 */
export class PackedSequence<D extends TypedArray = Float32Array> {
  /** The rows, `[sum of lengths, *]`, of any element type: `data.type` tells. The constructor does not copy them. */
  readonly data: Tensor<D>
  /** `batchSizes[t]`: how many sequences are longer than t. */
  readonly batchSizes: Int32Array
  /** `sortedIndices[i]`: the sequence, in the caller's order, that is i-th by length; null when that is i. */
  readonly sortedIndices: Int32Array | null
  /** The inverse of sortedIndices. */
  readonly unsortedIndices: Int32Array | null
  /** How many sequences there are, those of length zero (see `allowZeroLength`) included. */
  readonly batchCount: number

  /**
   * @param data `[rows, *]`
   * @param batchSizes at least one size; none below 1, none larger than the one before it, their sum the rows of data
   * @param sortedIndices a permutation of 0 … batchCount − 1; without it the inverse of unsortedIndices, or null
   * @param unsortedIndices the inverse of sortedIndices, which is found if it is not given
   * @param batchCount how many sequences there are, by default batchSizes[0]; the rest have length zero, and if all have,
   *   batchSizes may be empty
   * @throws ERR_PACKED_SEQUENCE if the parts contradict each other; ERR_ARG_TYPE, ERR_SHAPE, ERR_DETACHED if data is no
   *   tensor of rows; ERR_LENGTHS if one of the lists holds a fraction; ERR_ARG_TYPE or ERR_ARG_VALUE if batchCount is no
   *   whole number from batchSizes[0].
   */
  constructor(
    data: TensorLike<D>,
    batchSizes: Lengths,
    sortedIndices: Lengths | null = null,
    unsortedIndices: Lengths | null = null,
    batchCount?: number
  ) {
    this.data = rowsOf(data)
    this.batchSizes = integers(batchSizes, 'batchSizes')
    checkBatchSizes(this.batchSizes, this.data.shape[0]!, batchCount === undefined ? 1 : 0)
    const largestSize = this.batchSizes[0] ?? 1
    this.batchCount = integer(batchCount, 'batchCount', largestSize, largestSize)
    const sorted = indicesOf(sortedIndices, 'sortedIndices', this.batchCount)
    const unsorted = indicesOf(unsortedIndices, 'unsortedIndices', this.batchCount)
    this.sortedIndices = sorted ?? inverse(unsorted)
    this.unsortedIndices = unsorted ?? inverse(sorted)
    checkInverse(this.sortedIndices, this.unsortedIndices)
    Object.freeze(this)
  }

  [Symbol.iterator](): IterableIterator<Tensor<D> | Int32Array | null> {
    return [this.data, this.batchSizes, this.sortedIndices, this.unsortedIndices].values()
  }

  /** The steps of each sequence, in the caller's order: `[batchCount]`. */
  lengths(): Int32Array {
    const { batchSizes, sortedIndices, batchCount } = this
    const lengths = allocateIntegers(batchCount)
    let i = 0
    for (let t = batchSizes.length - 1; t >= 0; --t) {
      const active = Math.min(batchSizes[t]!, batchCount) // what has been written there may be anything
      for (; i < active; ++i) lengths[sortedIndices ? sortedIndices[i]! : i] = t + 1
    }
    return lengths
  }

  /**
   * Other features of the same steps: the result shares batchSizes and indices with this.
   *
   * @param data `[rows, *]`, as many rows as this has; any features, any element type; not copied
   * @throws ERR_PACKED_SEQUENCE if the rows are not as many; ERR_ARG_TYPE, ERR_SHAPE, ERR_DETACHED if data is no tensor
   *   of rows.
   */
  withData<E extends TypedArray>(data: TensorLike<E>): PackedSequence<KindOf<E>> {
    const rows = rowsOf<KindOf<E>>(data)
    if (rows.shape[0] !== this.data.shape[0]) {
      expected('ERR_PACKED_SEQUENCE', `${String(this.data.shape[0])} rows`, 'data', shapeText(rows.shape))
    }
    return assemble(rows, this)
  }
}

/** A packed sequence of parts that are known to fit. */
function assemble<D extends TypedArray>(data: Tensor<D>, structure: Structure): PackedSequence<D> {
  const { batchSizes, sortedIndices, unsortedIndices, batchCount } = structure
  const fields = { data, batchSizes, sortedIndices, unsortedIndices, batchCount }
  return Object.freeze(Object.assign(Object.create(PackedSequence.prototype) as PackedSequence<D>, fields))
}

/**
 * Whether a value is a packed sequence.
 *
 * @throws ERR_ARG_TYPE for one that only looks like it: a clone, or one of another copy of this package
 */
export function isPacked(value: unknown, argument: string): value is PackedSequence<TypedArray> {
  if (value instanceof PackedSequence) return true
  if (typeof value !== 'object' || value === null || !('batchSizes' in value)) return false
  const wayOut =
    'new PackedSequence(p.data, p.batchSizes, p.sortedIndices, p.unsortedIndices, p.batchCount) makes one of it'
  return expected('ERR_ARG_TYPE', 'a PackedSequence of this copy of packed-rnn', argument, describe(value), wayOut)
}

/** What modules and layers take. */
export type Input = TensorLike | PackedSequence<TypedArray>

/** A PackedSequence for a PackedSequence, else a Tensor. */
export type OutputOf<I> = I extends PackedSequence<TypedArray> ? PackedSequence : Tensor

export interface PadSequenceOptions {
  /** The result is `[batch, longest, *]` instead of `[longest, batch, *]`. Default false. */
  batchFirst?: boolean
  /** What fills up the shorter sequences: a number that the element type can hold. Default 0. */
  paddingValue?: number | bigint
  /** Where it stands. Default 'right'. */
  paddingSide?: 'right' | 'left'
}

/**
 * Pads sequences to the length of the longest.
 *
 * @param sequences at least one tensor `[length, *]`, all of one element type and the same `*`; lengths may differ, and
 *   be 0. A single tensor `[batch, length, *]` is read as its sequences.
 * @returns `[longest, batch, *]`, or `[batch, longest, *]` with batchFirst; new memory
 * @throws ERR_ARG_TYPE, ERR_SHAPE, ERR_DETACHED for what is no tensor, or one without dimensions; ERR_EMPTY for no
 *   sequences; ERR_DTYPE and ERR_SHAPE for sequences that differ in element type or in `*` (neither is cast or
 *   broadcast); ERR_ARG_VALUE for a padding value that the element type can't hold, or an unknown side;
 *   ERR_OPTION_UNKNOWN; ERR_ALLOCATION.
 *
 * Source: `torch.nn.utils.rnn.pad_sequence`.
 */
export function padSequence<D extends TypedArray>(
  sequences: Iterable<TensorLike<D>> | TensorLike<D>,
  o?: PadSequenceOptions
): Tensor<KindOf<D>> {
  const given = options(o, 'options', ['batchFirst', 'paddingValue', 'paddingSide'])
  const batchFirst = flag(given.batchFirst, 'batchFirst', false)
  const side = oneOf(given.paddingSide, 'paddingSide', ['right', 'left'], 'right')
  const { paddingValue } = given // before the sequences: a getter may do anything
  const { arrays, lengths, type, trailing } = itemsOf(sequences)
  const fill = fillOf(type, paddingValue)
  const steps = largest(lengths)
  const padded = allocatePadded(type, paddedShape(arrays.length, steps, trailing, batchFirst))
  native.padSequences(arrays, padded.data, steps, widthOf(trailing, 'sequences'), batchFirst, side === 'left', fill)
  return padded as Tensor<KindOf<D>>
}

export interface UnpadSequenceOptions {
  /** padded is `[batch, steps, *]` instead of `[steps, batch, *]`. Default false. */
  batchFirst?: boolean
}

/**
 * The sequences of a padded batch, each in memory of its own: the inverse of {@link padSequence}.
 *
 * @param padded `[steps, batch, *]`, or `[batch, steps, *]` with batchFirst
 * @param lengths `[batch]`, each from 0 to steps
 * @returns tensors `[length, *]`
 * @throws ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE, ERR_DETACHED for what is no tensor of two dimensions or more; ERR_ARG_TYPE,
 *   ERR_LENGTHS for lengths that are not whole numbers, too many, too few, or out of range; ERR_OPTION_UNKNOWN;
 *   ERR_ALLOCATION.
 *
 * Source: `torch.nn.utils.rnn.unpad_sequence`.
 */
export function unpadSequence<D extends TypedArray>(
  padded: TensorLike<D>,
  lengths: Lengths,
  o?: UnpadSequenceOptions
): Tensor<KindOf<D>>[] {
  const batchFirst = flag(options(o, 'options', ['batchFirst']).batchFirst, 'batchFirst', false)
  const found = view(padded, 'padded')
  const { data, type, batch, steps, trailing } = paddedView(found, 'padded', batchFirst)
  const counts = lengthsOf(lengths, batch)
  if (!isWhole(found)) detached('padded')
  checkLeast(counts, 'lengths', 0)
  checkMost(counts, 'lengths', steps)
  expectRoom(batch, 'padded')
  const sequences = allocateSequences<KindOf<D>>(counts, type, trailing)
  native.unpadSequences(data, dataOf(sequences), steps, widthOf(trailing, 'padded'), batchFirst)
  return sequences
}

export interface PackSequenceOptions {
  /**
   * The sequences are in descending order of length already, and must be. With false they are sorted, and everything
   * that comes back is in the caller's order again. Default true.
   */
  enforceSorted?: boolean
  /** Sequences of length zero are packed too: they have no rows, but keep their place in the batch. Default false. */
  allowZeroLength?: boolean
}

export interface PackPaddedSequenceOptions extends PackSequenceOptions {
  /** input is `[batch, steps, *]` instead of `[steps, batch, *]`. Default false. */
  batchFirst?: boolean
}

/**
 * Packs a padded batch: what its padding holds is left behind, as are all steps beyond the largest length.
 *
 * @param input `[steps, batch, *]`, or `[batch, steps, *]` with batchFirst; copied
 * @param lengths `[batch]`, each from 1 (0 with allowZeroLength) to steps
 * @throws ERR_EMPTY for an input without elements; ERR_ARG_TYPE, ERR_SHAPE, ERR_DTYPE, ERR_DETACHED for what is no tensor
 *   of two dimensions or more; ERR_ARG_TYPE, ERR_LENGTHS for lengths that are not whole numbers, too many, too few, or
 *   out of range; ERR_NOT_SORTED for lengths that are not in descending order although enforceSorted says so;
 *   ERR_OPTION_UNKNOWN; ERR_ALLOCATION.
 *
 * Source: `torch.nn.utils.rnn.pack_padded_sequence`. Equal lengths keep the caller's order, which PyTorch leaves open.
 */
export function packPaddedSequence<D extends TypedArray>(
  input: TensorLike<D>,
  lengths: Lengths,
  o?: PackPaddedSequenceOptions
): PackedSequence<KindOf<D>> {
  const given = options(o, 'options', ['batchFirst', 'enforceSorted', 'allowZeroLength'])
  const batchFirst = flag(given.batchFirst, 'batchFirst', false)
  const enforceSorted = flag(given.enforceSorted, 'enforceSorted', true)
  const allowZeroLength = flag(given.allowZeroLength, 'allowZeroLength', false)
  const found = view(input, 'input')
  if (found.data.length === 0 && !allowZeroLength) cannotPack(found.shape, 'input')
  const { data, type, batch, steps, trailing } = paddedView(found, 'input', batchFirst)
  const width = widthOf(trailing, 'input')
  if (batch * width === 0) cannotPack(found.shape, 'input')
  const counts = lengthsOf(lengths, batch)
  if (!isWhole(found)) detached('input')
  checkOrder(counts, 'lengths', enforceSorted, allowZeroLength)
  checkMost(counts, 'lengths', steps)
  const structure = structureOf(counts, enforceSorted)
  const rows = allocateUnwritten(type, [sum(counts), ...trailing])
  native.packPadded(data, rows.data, structure.batchSizes, structure.sortedIndices, batch, steps, width, batchFirst)
  return assemble(rows as Tensor<KindOf<D>>, structure)
}

export interface PadPackedSequenceOptions {
  /** The result is `[batch, steps, *]` instead of `[steps, batch, *]`. Default false. */
  batchFirst?: boolean
  /** What fills up the shorter sequences: a number that the element type can hold. Default 0. */
  paddingValue?: number | bigint
  /** The steps of the result, no fewer than the longest sequence has: the default. */
  totalLength?: number
}

/**
 * Pads packed sequences: the inverse of {@link packPaddedSequence}.
 *
 * @returns padded, `[steps, batch, *]` or `[batch, steps, *]` with batchFirst, always contiguous; and lengths,
 *   `[batch]`; both in the caller's order, both new memory
 * @throws ERR_ARG_TYPE for what is no packed sequence; ERR_ARG_VALUE for a padding value that the element type can't
 *   hold, or a totalLength below the longest length; ERR_PACKED_SEQUENCE, ERR_DETACHED if p was written to;
 *   ERR_OPTION_UNKNOWN; ERR_ALLOCATION.
 *
 * Source: `torch.nn.utils.rnn.pad_packed_sequence`.
 */
export function padPackedSequence<D extends TypedArray>(
  p: PackedSequence<D>,
  o?: PadPackedSequenceOptions
): { padded: Tensor<D>; lengths: Int32Array } {
  const given = options(o, 'options', ['batchFirst', 'paddingValue', 'totalLength'])
  const batchFirst = flag(given.batchFirst, 'batchFirst', false)
  const { data, type, trailing, width } = packedView(p)
  const { batchSizes, sortedIndices, batchCount } = p
  const fill = fillOf(type, given.paddingValue)
  const steps = integer(given.totalLength, 'totalLength', batchSizes.length, batchSizes.length)
  const padded = allocatePadded(type, paddedShape(batchCount, steps, trailing, batchFirst))
  native.padPacked(data, padded.data, batchSizes, sortedIndices, batchCount, steps, width, batchFirst, fill)
  return { padded: padded as Tensor<D>, lengths: p.lengths() }
}

/**
 * Packs separate sequences, without padding them first.
 *
 * @param sequences at least one tensor `[length, *]`, all of one element type and the same `*`; copied. A single tensor
 *   `[batch, length, *]` is read as its sequences.
 * @throws as {@link padSequence} for sequences that don't fit each other; as {@link packPaddedSequence} for lengths.
 *
 * Source: `torch.nn.utils.rnn.pack_sequence`.
 */
export function packSequence<D extends TypedArray>(
  sequences: Iterable<TensorLike<D>> | TensorLike<D>,
  o?: PackSequenceOptions
): PackedSequence<KindOf<D>> {
  const given = options(o, 'options', ['enforceSorted', 'allowZeroLength'])
  const enforceSorted = flag(given.enforceSorted, 'enforceSorted', true)
  const allowZeroLength = flag(given.allowZeroLength, 'allowZeroLength', false)
  const { arrays, lengths, type, trailing } = itemsOf(sequences)
  const width = widthOf(trailing, 'sequences')
  const longest = [largest(lengths), ...trailing]
  if (width === 0 || (longest[0] === 0 && !allowZeroLength)) cannotPack(longest, 'sequences')
  const counts = integers(lengths, 'the lengths of sequences')
  checkOrder(counts, 'sequences', enforceSorted, allowZeroLength)
  const structure = structureOf(counts, enforceSorted)
  const rows = allocateUnwritten(type, [sum(counts), ...trailing])
  native.packSequences(arrays, rows.data, structure.batchSizes, structure.sortedIndices, width)
  return assemble(rows as Tensor<KindOf<D>>, structure)
}

/**
 * The sequences that were packed, each in memory of its own, in the caller's order: the inverse of {@link packSequence}.
 *
 * @returns tensors `[length, *]`
 * @throws ERR_ARG_TYPE for what is no packed sequence; ERR_PACKED_SEQUENCE, ERR_DETACHED if it was written to;
 *   ERR_ALLOCATION.
 *
 * Source: `torch.nn.utils.rnn.unpack_sequence`.
 */
export function unpackSequence<D extends TypedArray>(p: PackedSequence<D>): Tensor<D>[] {
  const { data, type, trailing, width } = packedView(p)
  expectRoom(p.batchCount, 'p')
  const sequences = allocateSequences<D>(p.lengths(), type, trailing)
  native.unpackSequences(data, dataOf(sequences), p.batchSizes, p.sortedIndices, width)
  return sequences
}

/**
 * The permutation that undoes another: `result[p[i]] = i`; null for null.
 *
 * @throws ERR_ARG_VALUE if p does not hold each of 0 … p.length − 1 once; ERR_ARG_TYPE, ERR_LENGTHS if it is no list of
 *   whole numbers.
 *
 * Source: `torch.nn.utils.rnn.invert_permutation`.
 */
export function invertPermutation(p: Lengths | null): Int32Array | null {
  if (p === null) return null
  const list = integers(p, 'p')
  checkPermutation(list, 'p', list.length, 'ERR_ARG_VALUE')
  return inverse(list)
}

export interface LastStepsOptions {
  /**
   * Whether p is the output of a bidirectional module. The reverse direction, the second half of a row, ends at the first
   * step: its half is then taken from there. Default: false.
   */
  readonly bidirectional?: boolean
}

/**
 * The last step of each sequence, in the caller's order: what a classifier takes of a recurrent module's output. A
 * sequence of length zero has zeros.
 *
 * @param p rows of any dimensions; with `bidirectional`, of one, [rows, 2 x hidden size]
 * @returns `[batch, *]`
 * @throws ERR_ARG_TYPE for what is no packed sequence; ERR_SHAPE if `bidirectional` and a row has no two halves;
 *   ERR_OPTION_UNKNOWN; ERR_PACKED_SEQUENCE, ERR_DETACHED if it was written to; ERR_ALLOCATION.
 */
export function lastSteps<D extends TypedArray>(p: PackedSequence<D>, o?: LastStepsOptions): Tensor<D> {
  const { data, type, trailing, width } = packedView(p)
  const bidirectional = flag(options(o, 'options', ['bidirectional']).bidirectional, 'bidirectional', false)
  if (bidirectional && (trailing.length !== 1 || width % 2 !== 0)) {
    expected(
      'ERR_SHAPE',
      'rows of two halves, [rows, 2 x hidden size],',
      'p.data',
      `rows of shape ${shapeText(trailing)}`
    )
  }
  const last = allocate(type, [p.batchCount, ...trailing])
  native.lastSteps(data, last.data, p.batchSizes, p.sortedIndices, p.batchCount, width, bidirectional)
  return last as Tensor<D>
}

// ---- reading arguments -------------------------------------------------------------------------------------------

function rowsOf<D extends TypedArray>(value: TensorLike): Tensor<D> {
  const found = view(value, 'data')
  if (found.shape.length === 0) expected('ERR_SHAPE', 'rows, one dimension or more,', 'data', shapeText(found.shape))
  return (found instanceof Tensor ? found : new Tensor(found.data, found.shape, found.type)) as Tensor<D>
}

function indicesOf(value: Lengths | null, argument: string, batch: number): Int32Array | null {
  if (value === null) return null
  const list = integers(value, argument)
  checkPermutation(list, argument, batch, 'ERR_PACKED_SEQUENCE')
  return list
}

function packedView(value: unknown): { data: TypedArray; type: DType; trailing: readonly number[]; width: number } {
  if (!isPacked(value, 'p')) expected('ERR_ARG_TYPE', 'a PackedSequence', 'p', describe(value))
  const { data, type, shape } = view(value.data, 'p.data')
  const trailing = shape.slice(1)
  return { data, type, trailing, width: widthOf(trailing, 'p.data') }
}

interface PaddedView {
  readonly data: TypedArray
  readonly type: DType
  readonly batch: number
  readonly steps: number
  readonly trailing: readonly number[]
}

function paddedView({ data, type, shape }: View, argument: string, batchFirst: boolean): PaddedView {
  if (shape.length < 2) {
    const order = batchFirst ? '[batch, steps, *]' : '[steps, batch, *]'
    expected('ERR_SHAPE', `two dimensions or more, ${order},`, argument, shapeText(shape))
  }
  const [steps, batch] = batchFirst ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!]
  return { data, type, batch, steps, trailing: shape.slice(2) }
}

/** The elements of a row. Where there are no rows, they may be more than can be counted. */
function widthOf(trailing: readonly number[], argument: string): number {
  const width = sizeOf(trailing)
  if (!Number.isSafeInteger(width)) {
    expected('ERR_SHAPE', 'rows of fewer than 2^53 elements', argument, `rows of shape ${shapeText(trailing)}`)
  }
  return width
}

function paddedShape(batch: number, steps: number, trailing: readonly number[], batchFirst: boolean): number[] {
  return batchFirst ? [batch, steps, ...trailing] : [steps, batch, ...trailing]
}

/** Separate sequences of one element type and one trailing shape. */
interface Items {
  readonly arrays: readonly TypedArray[]
  readonly lengths: readonly number[]
  readonly type: DType
  readonly trailing: readonly number[]
}

function itemsOf(sequences: unknown): Items {
  const items = viewsOf(sequences)
  const first = items[0]
  if (!first) fail('ERR_EMPTY', 'Expected at least one tensor for sequences but received none')
  const { type } = first
  const trailing = first.shape.slice(1)
  const width = sizeOf(trailing)
  return { arrays: dataOf(items), lengths: items.map((item, i) => lengthOf(item, first, width, i)), type, trailing }
}

/** The steps of a sequence that is like the first but for them. */
function lengthOf({ data, shape, type }: View, first: View, width: number, i: number): number {
  const length = shape[0]
  if (length === undefined) {
    expected('ERR_SHAPE', 'one dimension or more', `sequences[${String(i)}]`, 'a tensor of shape []')
  }
  if (type !== first.type) {
    expected('ERR_DTYPE', `${first.type}, the type of sequences[0],`, `sequences[${String(i)}]`, type)
  }
  if (!sameTrailing(shape, first.shape)) {
    const what = `a shape like ${shapeText(first.shape)}, that of sequences[0], but for the length,`
    expected('ERR_SHAPE', what, `sequences[${String(i)}]`, shapeText(shape))
  }
  // Reading a later item may have cost an earlier one its memory.
  if (data.length !== length * width) detached(`sequences[${String(i)}]`)
  return length
}

function viewsOf(sequences: unknown): View[] {
  const value = sequences as Partial<Iterable<unknown> & TensorLike> | null
  if (typeof value === 'object' && value !== null) {
    if (typeof value[Symbol.iterator] === 'function' && !typedArrayName(value)) {
      return listed(value as Iterable<unknown>).map((item, i) => view(item, 'sequences', i))
    }
    if ('data' in value) return slices(view(value, 'sequences'))
  }
  expected('ERR_ARG_TYPE', 'an iterable of tensors, or a tensor of sequences,', 'sequences', describe(sequences))
}

/** What a tensor takes of the heap, its elements apart unless they are few. */
const tensorBytes = 512

function expectRoom(sequences: number, argument: string): void {
  room(sequences, tensorBytes, argument, `${String(sequences)} sequences`)
}

/** The items of an iterable, which may have no end; what they are is looked at when all are there. */
function listed(sequences: Iterable<unknown>): unknown[] {
  const items: unknown[] = []
  for (const item of sequences) {
    items.push(item)
    if (items.length % 2 ** 16 === 0) expectRoom(items.length, 'sequences')
  }
  return items
}

function slices({ data, shape, type }: View): View[] {
  const [batch, ...rest] = shape
  if (batch === undefined) expected('ERR_SHAPE', 'one dimension or more', 'sequences', 'a tensor of shape []')
  expectRoom(batch, 'sequences')
  const size = sizeOf(rest)
  return Array.from({ length: batch }, (_, i) => ({ data: data.subarray(i * size, (i + 1) * size), shape: rest, type }))
}

function sameTrailing(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let axis = 1; axis < a.length; ++axis) if (a[axis] !== b[axis]) return false
  return true
}

/**
 * A padded batch that is to be written. Zeros have brought a small one into the cache, which then serves stores all over
 * it; a large one they would only write twice.
 */
function allocatePadded(type: DType, shape: readonly number[]): Tensor<TypedArray> {
  return allocateUnwritten(type, shape, 2 ** 20)
}

export function dataOf<D extends TypedArray>(tensors: readonly { readonly data: D }[]): D[] {
  return tensors.map(({ data }) => data)
}

/** Sequences of these lengths that hold anything. */
export function allocateSequences<D extends TypedArray>(
  lengths: ArrayLike<number>,
  type: DType,
  trailing: readonly number[]
): Tensor<D>[] {
  return Array.from(lengths, (length) => allocateUnwritten(type, [length, ...trailing]) as Tensor<D>)
}

/** An array of one element, the padding value. */
function fillOf(type: DType, value: unknown = 0): TypedArray {
  if (typeof value !== 'number' && !(typeof value === 'bigint' && type === 'int64')) {
    expected('ERR_ARG_TYPE', 'a number', 'paddingValue', describe(value))
  }
  const fill = allocateData(type, 1)
  if (!store(fill, 0, value, type)) {
    expected('ERR_ARG_VALUE', `a value that ${type} can hold`, 'paddingValue', describe(value))
  }
  return fill
}

function lengthsOf(value: unknown, batch: number): Int32Array {
  const lengths = integers(value, 'lengths')
  if (lengths.length !== batch) {
    expected('ERR_LENGTHS', `${String(batch)} lengths, one a sequence,`, 'lengths', String(lengths.length))
  }
  return lengths
}

function cannotPack(shape: readonly number[], argument: string): never {
  fail(
    'ERR_EMPTY',
    `Expected elements for ${argument} but received a shape ${shapeText(shape)}: cannot pack an empty tensor`
  )
}
