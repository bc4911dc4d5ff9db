// The binding trusts nobody with memory: whatever TypeScript hands it, sizes, types and structure must agree.
import { native, type Native } from '../lib/binding'
import { expectError } from './thrown'

type Name =
  'packPadded' | 'padPacked' | 'packSequences' | 'unpackSequences' | 'padSequences' | 'unpadSequences' | 'lastSteps'
type Arguments<N extends Name> = Parameters<Native[N]>

const f32 = (length: number): Float32Array => new Float32Array(length)
const sizes = Int32Array.of(2, 1)
const order = Int32Array.of(1, 0)

/** Arguments that are right: two sequences, of two steps and of one, of three features. */
const right: { readonly [N in Name]: () => Arguments<N> } = {
  packPadded: () => [f32(12), f32(9), sizes, order, 2, 2, 3, true],
  padPacked: () => [f32(9), f32(12), sizes, order, 2, 2, 3, false, f32(1)],
  packSequences: () => [[f32(3), f32(6)], f32(9), sizes, order, 3],
  unpackSequences: () => [f32(9), [f32(3), f32(6)], sizes, order, 3],
  padSequences: () => [[f32(3), f32(6)], f32(12), 2, 3, false, true, f32(1)],
  unpadSequences: () => [f32(12), [f32(3), f32(6)], 2, 3, false],
  lastSteps: () => [f32(9), f32(6), sizes, order, 2, 3, true]
}
const names = Object.keys(right) as Name[]
const argumentsOf: (name: Name) => readonly unknown[] = (name) => right[name]()
const calls = <N extends Name>(name: N, args: readonly unknown[]): void => {
  ;(native[name] as (...args: readonly unknown[]) => void)(...args)
}

/** The same arguments with one replaced. */
const but = (name: Name, position: number, value: unknown) => (): void => {
  calls(
    name,
    argumentsOf(name).map((argument, i) => (i === position ? value : argument))
  )
}
const positions = (name: Name, kind: (argument: unknown) => boolean): number[] =>
  argumentsOf(name).flatMap((argument, i) => (kind(argument) ? [i] : []))
const isFloats = (argument: unknown): boolean => argument instanceof Float32Array
const isList = (argument: unknown): boolean => Array.isArray(argument)

test.each(names)('%s takes arguments that are right', (name) => {
  expect(() => {
    calls(name, argumentsOf(name))
  }).not.toThrow()
})

test.each(names)('%s refuses what is no array, a count or a flag', (name) => {
  argumentsOf(name).forEach((argument, i) => {
    const wrongs: readonly unknown[] =
      typeof argument === 'number'
        ? [-1, 1.5, NaN, Infinity, '2', null, 2 ** 60]
        : typeof argument === 'boolean'
          ? [1, null]
          : [3, {}, 'x']
    for (const wrong of wrongs) expectError(but(name, i, wrong), TypeError, 'ERR_ARG_TYPE', 'xpected', ' for ')
  })
})

test.each(names)('%s refuses no arguments at all', (name) => {
  const call = (): void => {
    calls(name, [])
  }
  expectError(call, TypeError, 'ERR_ARG_TYPE', 'xpected', ' for ')
})

test.each(names)('%s refuses arrays of two types', (name) => {
  for (const i of positions(name, isFloats)) {
    const { length } = argumentsOf(name)[i] as Float32Array
    for (const other of [new Int32Array(length), new Float64Array(length), new Uint8Array(length)]) {
      expectError(but(name, i, other), TypeError, 'ERR_ARG_TYPE', 'Expected arrays of one type', ' for ')
    }
  }
  for (const i of positions(name, isList)) {
    const mixed = [f32(3), new Float64Array(6)]
    expectError(but(name, i, mixed), TypeError, 'ERR_ARG_TYPE', 'Expected arrays of one type', 'for sequences')
  }
})

test.each(names)('%s refuses an array of another size', (name) => {
  for (const i of positions(name, isFloats)) {
    const { length } = argumentsOf(name)[i] as Float32Array
    for (const other of [0, 1, length - 1, length + 1, length + 3].filter((size) => size !== length)) {
      expect(but(name, i, f32(other))).toThrow(RangeError)
    }
  }
  for (const i of positions(name, isList)) {
    for (const list of [[f32(3)], [f32(3), f32(5)], [f32(3), f32(9)], [f32(3), f32(6), f32(3)], []]) {
      expect(but(name, i, list)).toThrow(RangeError)
    }
  }
})

test.each(names)('%s refuses counts that do not fit its arrays, or no memory', (name) => {
  for (const i of positions(name, (argument) => typeof argument === 'number')) {
    for (const wrong of [1, 4, 5, 2 ** 31, 2 ** 53]) expect(but(name, i, wrong)).toThrow(RangeError)
  }
})

test.each(names.filter((name) => !name.includes('adSequences')))('%s refuses a structure that is none', (name) => {
  const i = argumentsOf(name).indexOf(sizes)
  for (const wrong of [[1, 2], [3, 0], [2, 2], [2], [2, 1, 1], [-1, 4], []]) {
    const says = ['batchSizes', 'Expected', 'received'] as const
    expectError(but(name, i, Int32Array.from(wrong)), RangeError, 'ERR_PACKED_SEQUENCE', ...says)
  }
  for (const wrong of [[0, 0], [0, 2], [-1, 0], [0], [0, 1, 2], []]) {
    const says = ['sortedIndices', 'each of 0 to 1 once'] as const
    expectError(but(name, i + 1, Int32Array.from(wrong)), RangeError, 'ERR_PACKED_SEQUENCE', ...says)
  }
  expectError(but(name, i, new Float32Array(2)), TypeError, 'ERR_ARG_TYPE', 'batchSizes', 'Another typed array')
  expectError(but(name, i + 1, new BigInt64Array(2)), TypeError, 'ERR_ARG_TYPE', 'sortedIndices', 'Another typed array')
})

test('more batch sizes than steps are refused', () => {
  const pack = (): void => {
    native.packPadded(f32(1), f32(2), Int32Array.of(1, 1), null, 1, 1, 1, true)
  }
  expectError(pack, RangeError, 'ERR_PACKED_SEQUENCE', 'batchSizes', 'no more batch sizes')
})

test('sequences of other lengths than the structure gives them are refused', () => {
  const lengths = Int32Array.of(1, 0)
  const pack = (): void => {
    native.packSequences([f32(3), f32(6)], f32(9), sizes, lengths.map((_, i) => i), 3) // prettier-ignore
  }
  expectError(pack, RangeError, 'ERR_PACKED_SEQUENCE', 'batchSizes', 'the lengths of sequences')
})
