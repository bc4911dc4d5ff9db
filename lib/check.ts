import { getHeapStatistics } from 'node:v8'
import { expected, fail } from './errors'
import { allocateIntegers, copyOfArray } from './memory'

const toStringTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag
) as {
  get: (this: unknown) => string | undefined
}

/** 'Float32Array' and the like, of whatever realm the array comes from; undefined for all else. */
export function typedArrayName(value: unknown): string | undefined {
  return toStringTag.get.call(value)
}

/** A shape as a message shows it. It may be a caller's, of anything, and hold itself. */
export function shapeText(shape: readonly unknown[]): string {
  const sizes = shape.slice(0, 64).map((size) => (typeof size === 'object' && size ? 'an object' : describe(size)))
  return `[${sizes.join(', ')}${shape.length > 64 ? ', ...' : ''}]`
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let axis = 0; axis < a.length; ++axis) if (a[axis] !== b[axis]) return false
  return true
}

/** A value as an error message shows it: short, and telling a string from a number. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value)
    case 'bigint':
      return `${String(value)}n`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    case 'object':
      return value === null ? 'null' : describeObject(value)
    default:
      return String(value)
  }
}

function describeObject(value: object): string {
  const array = typedArrayName(value)
  if (array) return `${withArticle(array)} of length ${String((value as Uint8Array).length)}`
  if (Array.isArray(value)) return `an array of length ${String(value.length)}`
  if (isTensor(value)) return `a tensor of shape ${shapeText(value.shape)}`
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name
  if (name === 'Promise') return 'a Promise, which needs await'
  return typeof name === 'string' && name !== '' && name !== 'Object' ? withArticle(name) : plainObject(value)
}

function isTensor(value: unknown): value is { readonly shape: readonly unknown[] } {
  if (typeof value !== 'object' || value === null) return false
  const { data, shape } = value as { data?: unknown; shape?: unknown }
  return typedArrayName(data) !== undefined && Array.isArray(shape)
}

function plainObject(value: object): string {
  const keys = Object.keys(value)
  const shown = keys.slice(0, 4).map((key) => (key.length > 40 ? `${key.slice(0, 37)}...` : key))
  return `an object${shown.length > 0 ? ` of ${shown.join(', ')}` : ''}${keys.length > 4 ? ', ...' : ''}`
}

function withArticle(noun: string): string {
  return `${/^[AEIO]/i.test(noun) ? 'an' : 'a'} ${noun}`
}

/**
 * Checks an options object against the names it may have. An unknown name is an error, so that a misspelt option is not
 * silently left at its default.
 */
export function options<O extends object>(
  value: O | undefined,
  argument: string,
  names: readonly (keyof O & string)[]
): O {
  if (value === undefined) return {} as O
  if (typeof value !== 'object' || value === null || Array.isArray(value) || typedArrayName(value)) {
    expected('ERR_ARG_TYPE', 'an object', argument, describe(value))
  }
  for (const name of Object.keys(value)) {
    if (!(names as readonly string[]).includes(name)) unknownOption(name, argument, names)
  }
  return value
}

function unknownOption(name: string, argument: string, names: readonly string[]): never {
  const near = nearest(name, names)
  const wayOut = near ? `did you mean ${near}?` : `the options are ${names.join(', ')}`
  fail('ERR_OPTION_UNKNOWN', `Unknown option ${describe(name)} in ${argument}: ${wayOut}`)
}

/** The candidate that is the fewest single-letter edits away from a name, if few enough to be what was meant. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll('_', '')
  let best: string | undefined
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = editDistance(plain(name), plain(candidate))
    if (edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; ++i) {
    const next = [i]
    for (let j = 1; j <= b.length; ++j) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/**
 * Throws if so many objects could exhaust V8's heap: that ends the process, and nothing can catch it.
 *
 * @param bytesEach at least what one of them takes of the heap
 */
export function room(objects: number, bytesEach: number, argument: string, received: string): void {
  if (objects < 2 ** 14) return
  const most = Math.floor(getHeapStatistics().heap_size_limit / 2 / bytesEach)
  if (objects <= most) return
  const wayOut = 'node --max-old-space-size makes the heap larger'
  expected(
    'ERR_ALLOCATION',
    `no more than ${String(most)} objects, what the heap has room for,`,
    argument,
    received,
    wayOut
  )
}

export function flag(value: unknown, argument: string, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') expected('ERR_ARG_TYPE', 'a boolean', argument, describe(value))
  return value
}

/** A whole number from `least` to `most`; without a fallback it must be given. */
export function integer(
  value: unknown,
  argument: string,
  least: number,
  fallback?: number,
  most = 2 ** 31 - 1
): number {
  if (value === undefined && fallback !== undefined) return fallback
  if (typeof value !== 'number') expected('ERR_ARG_TYPE', 'a number', argument, describe(value))
  if (!Number.isInteger(value) || value < least || value > most) {
    const unlimited = most === 2 ** 31 - 1 && value <= most
    const range = unlimited ? `from ${String(least)}` : `from ${String(least)} to ${String(most)}`
    expected('ERR_ARG_VALUE', `a whole number ${range}`, argument, describe(value))
  }
  return value
}

export function number(value: unknown, argument: string, fallback: number): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number') expected('ERR_ARG_TYPE', 'a number', argument, describe(value))
  return value
}

export function text(value: unknown, argument: string, fallback: string): string {
  if (value === undefined) return fallback
  if (typeof value !== 'string') expected('ERR_ARG_TYPE', 'a string', argument, describe(value))
  return value
}

export function oneOf<T extends string>(value: unknown, argument: string, choices: readonly T[], fallback: T): T {
  const choice = text(value, argument, fallback)
  if (!(choices as readonly string[]).includes(choice)) {
    expected('ERR_ARG_VALUE', `one of ${choices.map(describe).join(', ')}`, argument, describe(value))
  }
  return choice as T
}

export type Lengths = readonly number[] | Int32Array | BigInt64Array

/** A copy of a list of whole numbers as an Int32Array; their range is the caller's to check. */
export function integers(value: unknown, argument: string): Int32Array {
  const name = typedArrayName(value)
  if (name === 'Int32Array') return copyOfArray(value as Int32Array, 'int32')
  if (name !== 'BigInt64Array' && !Array.isArray(value)) {
    const wayOut = isTensor(value) ? `Array.from(${argument}.data) is one` : ''
    const wanted = 'an array of whole numbers, an Int32Array or a BigInt64Array'
    expected('ERR_ARG_TYPE', wanted, argument, describe(value), wayOut)
  }
  const list = value as ArrayLike<unknown>
  const result = allocateIntegers(list.length)
  for (let i = 0; i < list.length; ++i) {
    const item = list[i]
    if (typeof item !== 'number' && typeof item !== 'bigint') {
      expected('ERR_ARG_TYPE', 'a number', `${argument}[${String(i)}]`, describe(item))
    }
    result[i] = Number(item)
    if (result[i] !== Number(item)) {
      expected('ERR_LENGTHS', 'a whole number below 2^31', `${argument}[${String(i)}]`, describe(item))
    }
  }
  return result
}
