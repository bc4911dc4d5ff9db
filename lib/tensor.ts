import { describe, room, sameShape, shapeText, typedArrayName } from './check'
import { expected, fail } from './errors'
import { allocateData, constructors } from './memory'

/** The element types that can be packed and padded. A bool is a byte that holds 0 or 1. */
export type DType = 'float32' | 'float64' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'bool'

/** The array that holds elements of a type. */
export type ArrayOf<T extends DType> = {
  float32: Float32Array
  float64: Float64Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  int32: Int32Array
  int64: BigInt64Array
  bool: Uint8Array
}[T]

/** What a tensor can hold. */
export type TypedArray = ArrayOf<DType>

/** Which of these an array is; Float32Array, what tensors hold by default, where its type does not tell. */
export type KindOf<D extends TypedArray> = TypedArray extends D
  ? Float32Array
  : D extends TypedArray
    ? { [T in DType]: D extends ArrayOf<T> ? ArrayOf<T> : never }[DType]
    : never

/** A typed array and its row-major shape, given as `shape` or as `dims`: what onnxruntime's tensors are, too. */
export interface TensorLike<D extends TypedArray = TypedArray> {
  readonly data: D
  readonly shape?: readonly number[]
  readonly dims?: readonly number[]
  /** Read only to tell a `'bool'` tensor from a `'uint8'` one; both hold a Uint8Array. */
  readonly type?: string
}

/** Scalars, nested as deep as a tensor has dimensions. */
export type NestedArray<S extends Scalar = Scalar> = S | readonly NestedArray<S>[]

type Scalar = number | bigint | boolean

const dtypeOfArray: Readonly<Record<string, DType | undefined>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64'
}

/**
 * A typed array and its shape, row-major. The data is not copied: the tensor is a view of the array it was given.
 *
 * @throws ERR_ARG_TYPE if data is not a typed array of a {@link DType}; ERR_SHAPE if shape is not its shape; ERR_DTYPE if
 *   type is neither its type nor 'bool' for a Uint8Array; ERR_DETACHED if its memory has gone.
 */
export class Tensor<D extends TypedArray = Float32Array> {
  /** The element type: that of the array, or 'bool'. */
  readonly type: DType
  /** The elements, row-major. */
  readonly data: D
  /** The size of every dimension; frozen. */
  readonly shape: readonly number[]

  /**
   * @param data the elements, as many as the shape has
   * @param shape the size of every dimension; `[]` for a single value
   * @param type given to make a `'bool'` tensor of a Uint8Array; else the array tells
   */
  constructor(data: D, shape: readonly number[], type?: DType) {
    this.type = dtypeOf(data, type, 'data')
    this.shape = Object.freeze(checkedShape(shape, data, 'shape'))
    this.data = data
  }

  /** The same as `shape`, under the name that onnxruntime reads. */
  get dims(): readonly number[] {
    return this.shape
  }

  /** Where the memory is; onnxruntime asks. */
  get location(): 'cpu' {
    return 'cpu'
  }

  /**
   * The elements as nested arrays, for printing and for tests.
   *
   * @throws ERR_DETACHED; ERR_ALLOCATION if the heap has no room for so many objects
   */
  toArray(): NestedArray {
    const { data, shape, type } = this
    if (!isWhole(this)) detached('toArray')
    room(nestedSize(shape), 64, 'toArray', `a tensor of shape ${shapeText(shape)}`)
    let offset = 0
    const nest = (axis: number): NestedArray => {
      if (axis < shape.length) return Array.from({ length: shape[axis]! }, () => nest(axis + 1))
      const value = data[offset++]!
      return type === 'bool' ? value !== 0 : value
    }
    return nest(0)
  }
}

/**
 * A tensor from nested arrays, or from a typed array that is copied. It may be of any element type: `type` tells.
 *
 * @param values numbers, bigints (int64) or booleans (bool), nested as deep as the tensor has dimensions; all rows of one length
 * @param shape the shape; without it that of the nesting, or `[length]`
 * @param type the element type; without it the typed array's own, or float32, int64, bool by the kind of the first value
 * @throws ERR_ARG_TYPE for anything but numbers and arrays; ERR_SHAPE for ragged rows, a shape of another size, or more
 *   than 64 dimensions; ERR_ARG_VALUE for an unknown type, or a value that an integer type can't hold; ERR_DETACHED;
 *   ERR_ALLOCATION
 */
export function tensor(values: NestedArray<number>, shape?: readonly number[], type?: undefined): Tensor
export function tensor(values: NestedArray<bigint>, shape?: readonly number[], type?: undefined): Tensor<BigInt64Array>
export function tensor(values: NestedArray<boolean>, shape?: readonly number[], type?: undefined): Tensor<Uint8Array>
export function tensor<D extends TypedArray>(values: D, shape?: readonly number[], type?: undefined): Tensor<KindOf<D>>
export function tensor<T extends DType>(
  values: NestedArray | TypedArray,
  shape: readonly number[] | undefined,
  type: T
): Tensor<KindOf<ArrayOf<T>>>
export function tensor(values: NestedArray | TypedArray, shape?: readonly number[], type?: DType): Tensor
export function tensor(values: NestedArray | TypedArray, shape?: readonly number[], type?: DType): Tensor<TypedArray> {
  if (type !== undefined && (typeof type !== 'string' || !Object.hasOwn(constructors, type))) {
    const code = typeof type === 'string' ? 'ERR_ARG_VALUE' : 'ERR_ARG_TYPE'
    expected(code, `one of ${Object.keys(constructors).join(', ')}`, 'type', describe(type))
  }
  const arrayType = dtypeOfArray[typedArrayName(values) ?? '']
  return arrayType
    ? fromArray(values as TypedArray, arrayType, shape, type)
    : fromNested(values as NestedArray, shape, type)
}

function fromArray(array: TypedArray, own: DType, shape?: readonly number[], type = own): Tensor<TypedArray> {
  const result = allocate(type, checkedShape(shape ?? [array.length], array, 'shape'))
  if (type !== own) fill(result, array)
  else if (array.length > 0) result.data.set(array as never)
  return result
}

function fromNested(values: NestedArray, shape?: readonly number[], type?: DType): Tensor<TypedArray> {
  const { sizes, first } = nestingOf(values)
  const inferred = typeof first === 'bigint' ? 'int64' : typeof first === 'boolean' ? 'bool' : 'float32'
  const result = allocate(type ?? inferred, sizes)
  let offset = 0
  const put = (value: unknown, axis: number): void => {
    if (Array.isArray(value)) {
      if (value.length !== sizes[axis]) ragged(value, sizes.slice(axis))
      for (let i = 0; i < sizes[axis]; ++i) put(value[i], axis + 1)
    } else {
      checkScalar(value)
      if (axis < sizes.length) ragged(value, sizes.slice(axis))
      fillAt(result, offset++, value)
    }
  }
  put(values, 0)
  return shape === undefined ? result : assemble(result.data, checkedShape(shape, result.data, 'shape'), result.type)
}

function fill(result: Tensor<TypedArray>, values: ArrayLike<Scalar>): void {
  for (let i = 0; i < result.data.length; ++i) fillAt(result, i, values[i]!)
}

function fillAt({ data, type }: Tensor<TypedArray>, i: number, value: Scalar): void {
  const isExact = type !== 'int64' || typeof value !== 'number' || Number.isSafeInteger(value)
  const element = type === 'int64' && typeof value === 'bigint' ? value : Number(value)
  const isStored = isExact && store(data, i, element, type)
  if (isStored || type === 'float32' || type === 'float64') return // floats overflow to infinity, as in PyTorch
  const wanted = `whole numbers that ${type} can hold`
  expected('ERR_ARG_VALUE', isExact ? wanted : `${wanted}, from 2^53 on as bigints,`, 'values', describe(value))
}

/** Stores a value, and says whether it is there as what it was: whole for integers, finite if it was. */
export function store(array: TypedArray, i: number, value: number | bigint, type: DType): boolean {
  if (type === 'bool') {
    array[i] = Number(value) === 0 ? 0 : 1
    return true
  }
  const isFloat = type === 'float32' || type === 'float64'
  if (!isFloat && typeof value === 'number' && !Number.isInteger(value)) return false
  const element = type === 'int64' ? BigInt(value) : value
  array[i] = element
  return isFloat ? Number.isFinite(array[i]) === Number.isFinite(value) : array[i] === element
}

/** A TensorLike whose data, shape and type have been found to agree. */
export interface View {
  readonly data: TypedArray
  readonly shape: readonly number[]
  readonly type: DType
}

/** Checks that a value is a tensor; `argument` names it in the error, of many with the index in brackets. */
export function view(value: unknown, argument: string, index?: number): View {
  if (value instanceof Tensor) {
    const tensor = value as Tensor<TypedArray>
    if (isWhole(tensor)) return tensor
  }
  return viewOf(value, index === undefined ? argument : `${argument}[${String(index)}]`)
}

function viewOf(value: unknown, argument: string): View {
  if (value instanceof Tensor) detached(argument)
  if (typeof value !== 'object' || value === null || !('data' in value)) {
    const wayOut = Array.isArray(value) || typedArrayName(value) ? 'tensor(values, shape) makes one' : ''
    expected('ERR_ARG_TYPE', 'a tensor { data, shape }', argument, describe(value), wayOut)
  }
  const { data, shape, dims, type } = value as TensorLike
  const dtype = dtypeOf(data, type === 'bool' ? 'bool' : undefined, `${argument}.data`)
  if (Array.isArray(shape) && Array.isArray(dims) && !sameShape(shape, dims)) {
    fail(
      'ERR_SHAPE',
      `${argument} has a shape ${shapeText(shape)} and different dims ${shapeText(dims)}: give one of them`
    )
  }
  const given = shape ?? dims
  if (given === undefined) expected('ERR_ARG_TYPE', 'shape or dims', argument, 'neither')
  return { data, shape: checkedShape(given, data, `${argument}.${shape ? 'shape' : 'dims'}`), type: dtype }
}

/** A new tensor of zeros, which takes the shape over. */
export function allocate(type: DType, shape: readonly number[]): Tensor<TypedArray> {
  return assemble(allocateData(type, sizeOf(shape)), shape, type)
}

/** The same of float32. */
export function allocateFloats(shape: readonly number[]): Tensor {
  return assemble(allocateData('float32', sizeOf(shape)) as Float32Array, shape, 'float32')
}

/** A tensor of parts that are known to fit: a single step should not pay for checks of what was made for it. */
function assemble<D extends TypedArray>(data: D, shape: readonly number[], type: DType): Tensor<D> {
  const made = Object.create(Tensor.prototype) as { -readonly [K in 'type' | 'data' | 'shape']: Tensor<D>[K] }
  made.type = type
  made.data = data
  made.shape = Object.freeze(shape)
  return made as Tensor<D>
}

/**
 * A new tensor that holds anything, for a function that writes every element of it; zeros if it has fewer bytes than
 * `zerosBelow`, by default where they cost less than the object that goes without them.
 */
export function allocateUnwritten(type: DType, shape: readonly number[], zerosBelow = 2 ** 14): Tensor<TypedArray> {
  return assemble(allocateData(type, sizeOf(shape), zerosBelow), shape, type)
}

/** The same of float32, for what native code computes: zeros would be written by one thread, before all others begin. */
export function allocateOutput(shape: readonly number[]): Tensor {
  return allocateUnwritten('float32', shape) as Tensor
}

/** The number of elements of a shape; beyond 2^53 it is no longer exact, and no longer allocatable either. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1
  // Without an iterator: this stands in the path of every single step.
  for (let axis = shape.length; axis-- > 0;) size *= shape[axis]!
  return size
}

/** The elements of a shape and the arrays that they are nested in. */
function nestedSize(shape: readonly number[]): number {
  let arrays = 1
  let total = 1
  for (const size of shape) total += arrays *= size
  return total
}

function dtypeOf(data: unknown, type: DType | undefined, argument: string): DType {
  const own = dtypeOfArray[typedArrayName(data) ?? '']
  if (own === undefined) {
    const arrays = Object.keys(dtypeOfArray).join(', ')
    expected('ERR_ARG_TYPE', `one of ${arrays}`, argument, describe(data))
  }
  if (type === undefined || type === own) return own
  if (type === 'bool' && own === 'uint8') return type
  return expected('ERR_DTYPE', `an array of ${describe(type)}`, argument, describe(data))
}

/** A copy of a shape that has as many elements as there are. */
function checkedShape(shape: unknown, elements: ArrayLike<unknown>, argument: string): readonly number[] {
  if (!Array.isArray(shape)) expected('ERR_ARG_TYPE', 'an array of sizes', argument, describe(shape))
  if (shape.length > mostDimensions) {
    expected('ERR_SHAPE', `no more than ${String(mostDimensions)} dimensions`, argument, String(shape.length))
  }
  // By index: what an array's own methods give is not known to be one.
  const sizes: number[] = []
  for (let axis = 0; axis < shape.length; ++axis) sizes[axis] = shape[axis] as number
  const wrong = sizes.findIndex((size) => !Number.isSafeInteger(size) || size < 0)
  if (wrong >= 0) {
    const code = typeof sizes[wrong] === 'number' ? 'ERR_SHAPE' : 'ERR_ARG_TYPE'
    expected(code, 'sizes that are whole numbers from 0', argument, describe(sizes[wrong]))
  }
  if (sizeOf(sizes) !== elements.length) wrongSize(sizes, elements, argument)
  return sizes
}

function wrongSize(sizes: readonly number[], elements: ArrayLike<unknown>, argument: string): never {
  if (elements.length === 0 && hasLostMemory(elements)) {
    const wayOut = 'if its buffer was transferred to another thread, give the tensor a copy'
    expected('ERR_DETACHED', `${String(sizeOf(sizes))} elements`, argument, `an empty or detached array`, wayOut)
  }
  const count = String(elements.length)
  expected('ERR_SHAPE', `a shape of ${count} elements, as many as the data`, argument, shapeText(sizes))
}

/** Whether an array that is empty may have had elements: its buffer was detached, or can shrink. */
function hasLostMemory(elements: ArrayLike<unknown>): boolean {
  if (typedArrayName(elements) === undefined) return false
  const { buffer } = elements as TypedArray
  try {
    return (new Uint8Array(buffer).buffer as { resizable?: boolean }).resizable === true
  } catch {
    return true // there are no views of a detached buffer
  }
}

/** Copies floats into memory of their own. Reading another argument may have cost this one its memory. */
export function copyInto(target: Float32Array, source: Float32Array | Float64Array, argument: string): void {
  if (source.length !== target.length) detached(argument)
  target.set(source)
}

/** Whether a view has its memory still: reading another argument may have cost it that. */
export function isWhole({ data, shape }: View): boolean {
  return data.length === sizeOf(shape)
}

export function detached(argument: string): never {
  const wayOut = 'if its buffer was transferred to another thread or resized, give the tensor a copy'
  expected('ERR_DETACHED', 'a tensor whose memory is still its own', argument, 'one that has lost it', wayOut)
}

/** As many as PyTorch allows. An array that holds itself has no end of them. */
export const mostDimensions = 64

/** The sizes of nested arrays, as the first of each depth tells them, and the first scalar; 0 where there is none. */
function nestingOf(values: unknown): { readonly sizes: readonly number[]; readonly first: unknown } {
  const sizes: number[] = []
  let first = values
  while (Array.isArray(first)) {
    if (sizes.length === mostDimensions) {
      expected('ERR_SHAPE', `no more than ${String(mostDimensions)} dimensions`, 'values', 'arrays nested deeper')
    }
    sizes.push(first.length)
    first = first.length > 0 ? (first[0] as unknown) : 0
  }
  checkScalar(first)
  return { sizes, first }
}

function checkScalar(value: unknown): asserts value is Scalar {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return
  expected('ERR_ARG_TYPE', 'numbers, nested arrays of numbers, or a typed array', 'values', describe(value))
}

function ragged(row: unknown, sizes: readonly number[]): never {
  const found = shapeText(nestingOf(row).sizes)
  fail('ERR_SHAPE', `values are ragged: a row of shape ${found} follows rows of shape ${shapeText(sizes)}`)
}
