import { Buffer, constants } from 'node:buffer'
import { fail } from './errors'
import type { DType, TypedArray } from './tensor'

interface TypedArrayConstructor {
  new (length: number): TypedArray
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray
  readonly BYTES_PER_ELEMENT: number
}

export const constructors: Record<DType, TypedArrayConstructor> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array
}

/**
 * An array of zeros; or of anything, where it has `zerosBelow` bytes or more.
 *
 * @throws ERR_ALLOCATION, which V8's own error does not say
 */
export function allocateData(type: DType, length: number, zerosBelow = Infinity): TypedArray {
  const ArrayOfType = constructors[type]
  const bytes = length * ArrayOfType.BYTES_PER_ELEMENT
  try {
    if (bytes < zerosBelow || bytes > constants.MAX_LENGTH) return new ArrayOfType(length)
    const { buffer, byteOffset } = Buffer.allocUnsafeSlow(bytes)
    return new ArrayOfType(buffer, byteOffset, length)
  } catch (cause) {
    const gigabytes = (bytes / 2 ** 30).toFixed(1)
    fail('ERR_ALLOCATION', `Could not allocate ${String(length)} elements of ${type} (${gigabytes} GiB)`, cause)
  }
}

export function allocateIntegers(length: number): Int32Array {
  return allocateData('int32', length) as Int32Array
}

/** The type is that of the array. Of a detached one, which cannot be read, nothing. */
export function copyOfArray<D extends TypedArray>(array: D, type: DType): D {
  const copy = allocateData(type, array.length) as D
  if (array.length > 0) copy.set(array as never)
  return copy
}
