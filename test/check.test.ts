import { createContext, runInContext } from 'node:vm'
import {
  describe as described,
  flag,
  integer,
  integers,
  nearest,
  number,
  oneOf,
  options,
  sameShape,
  shapeText,
  text,
  typedArrayName
} from '../lib/check'
import { errorCodes, expected, fail } from '../lib/errors'
import { expectError } from './thrown'

test('a typed array is known by its own name, whatever it pretends to be', () => {
  expect(typedArrayName(new Float32Array(1))).toBe('Float32Array')
  expect(typedArrayName(new BigInt64Array(1))).toBe('BigInt64Array')
  class Mine extends Int8Array {}
  expect(typedArrayName(new Mine(1))).toBe('Int8Array')
  expect(typedArrayName(runInContext('new Float32Array(2)', createContext()))).toBe('Float32Array')
  const pretender = { [Symbol.toStringTag]: 'Float32Array', length: 1 }
  for (const other of [pretender, [1], new DataView(new ArrayBuffer(1)), new Proxy(new Int8Array(1), {}), null, 1]) {
    expect(typedArrayName(other)).toBeUndefined()
  }
})

test.each<[unknown, string]>([
  [1, '1'],
  [-0.5, '-0.5'],
  [NaN, 'NaN'],
  [2n, '2n'],
  ['2', '"2"'],
  ['x'.repeat(50), `"${'x'.repeat(37)}..."`],
  [true, 'true'],
  [undefined, 'undefined'],
  [null, 'null'],
  [Symbol('s'), 'a symbol'],
  [() => 1, 'a function'],
  [[1, 2], 'an array of length 2'],
  [new Float32Array(3), 'a Float32Array of length 3'],
  [new Int8Array(0), 'an Int8Array of length 0'],
  [{ data: new Float32Array(2), shape: [1, 2] }, 'a tensor of shape [1, 2]'],
  [{ data: new Float32Array(2), shape: [Symbol('x'), Object.create(null)] }, 'a tensor of shape [a symbol, an object]'],
  [{ data: new Float32Array(2), shape: Array(100).fill(1) }, `a tensor of shape [${'1, '.repeat(64)}...]`],
  [{}, 'an object'],
  [Object.create(null), 'an object'],
  [new Map(), 'a Map'],
  [new Error('x'), 'an Error'],
  [{ constructor: 3 }, 'an object of constructor'],
  [{ output: 1, state: 2 }, 'an object of output, state'],
  [{ a: 1, b: 2, c: 3, ['d'.repeat(41)]: 4, e: 5 }, `an object of a, b, c, ${'d'.repeat(37)}..., ...`],
  [Promise.resolve(1), 'a Promise, which needs await']
])('describe %p', (value, words) => {
  expect(described(value)).toBe(words)
})

test('describe a tensor whose shape holds it', () => {
  const endless: { data: Float32Array; shape: unknown[] } = { data: new Float32Array(1), shape: [] }
  endless.shape.push(endless)
  expect(described(endless)).toBe('a tensor of shape [an object]')
})

test('shapes, as text and compared', () => {
  expect(shapeText([])).toBe('[]')
  expect(shapeText([1, 20])).toBe('[1, 20]')
  expect(sameShape([1, 2], [1, 2])).toBe(true)
  expect(sameShape([1, 2], [1, 3])).toBe(false)
  expect(sameShape([1], [1, 1])).toBe(false)
})

describe('options', () => {
  const names = ['inputSize', 'batchFirst'] as const
  const read = (value: unknown) => (): object => options(value as { inputSize?: 1; batchFirst?: 1 }, 'options', names)

  test('none, or an object with known names', () => {
    expect(read(undefined)()).toEqual({})
    const given = { batchFirst: 1, inputSize: undefined }
    expect(read(given)()).toBe(given)
  })

  test('of another kind are refused', () => {
    for (const wrong of [null, 1, 'batchFirst', [], new Float32Array(1), () => 1]) {
      expectError(read(wrong), TypeError, 'ERR_ARG_TYPE', 'for options', 'an object', described(wrong))
    }
  })

  test('with a name that is none are refused, with the name that was probably meant', () => {
    expectError(read({ batchfirst: true }), TypeError, 'ERR_OPTION_UNKNOWN', '"batchfirst"', 'did you mean batchFirst?')
    expectError(
      read({ batch_first: true }),
      TypeError,
      'ERR_OPTION_UNKNOWN',
      '"batch_first"',
      'did you mean batchFirst?'
    )
    expectError(read({ zzz: 1 }), TypeError, 'ERR_OPTION_UNKNOWN', '"zzz"', 'the options are inputSize, batchFirst')
  })
})

test('the nearest name, if it is near enough', () => {
  const names = ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0']
  expect(nearest('weight_ih_l1', names)).toBe('weight_ih_l0')
  expect(nearest('wieght_hh_l0', names)).toBe('weight_hh_l0')
  expect(nearest('gamma', names)).toBeUndefined()
  expect(nearest('', [])).toBeUndefined()
})

test('flag', () => {
  expect([flag(undefined, 'x', true), flag(false, 'x', true), flag(true, 'x', false)]).toEqual([true, false, true])
  for (const wrong of [0, 'true', null]) {
    expectError(() => flag(wrong, 'x', true), TypeError, 'ERR_ARG_TYPE', 'for x', 'a boolean', described(wrong))
  }
})

test('integer', () => {
  expect([integer(3, 'x', 3), integer(undefined, 'x', 3, 9), integer(2 ** 31 - 1, 'x', 0)]).toEqual([3, 9, 2 ** 31 - 1])
  for (const wrong of [2, 3.5, NaN, Infinity, 2 ** 31]) {
    expectError(() => integer(wrong, 'x', 3), RangeError, 'ERR_ARG_VALUE', 'for x', 'from 3', String(wrong))
  }
  expectError(() => integer(6, 'x', 3, 4, 5), RangeError, 'ERR_ARG_VALUE', 'for x', 'from 3 to 5', '6')
  for (const wrong of [undefined, '3', 3n, null]) {
    expectError(() => integer(wrong, 'x', 3), TypeError, 'ERR_ARG_TYPE', 'for x', 'a number', described(wrong))
  }
})

test('number, text, oneOf', () => {
  expect([number(undefined, 'x', 1), number(0.5, 'x', 1)]).toEqual([1, 0.5])
  expectError(() => number('1', 'x', 1), TypeError, 'ERR_ARG_TYPE', 'for x', 'a number', '"1"')
  expect([text(undefined, 'x', 'a'), text('', 'x', 'a')]).toEqual(['a', ''])
  expectError(() => text(1, 'x', 'a'), TypeError, 'ERR_ARG_TYPE', 'for x', 'a string', '1')
  expect([oneOf(undefined, 'x', ['a', 'b'], 'b'), oneOf('a', 'x', ['a', 'b'], 'b')]).toEqual(['b', 'a'])
  expectError(() => oneOf('c', 'x', ['a', 'b'], 'a'), RangeError, 'ERR_ARG_VALUE', 'for x', 'one of "a", "b"', '"c"')
  expectError(() => oneOf(null, 'x', ['a'], 'a'), TypeError, 'ERR_ARG_TYPE', 'for x', 'a string', 'null')
})

describe('integers', () => {
  test('are copied into an Int32Array', () => {
    const own = Int32Array.of(1, -2)
    const copy = integers(own, 'x')
    expect(copy).toEqual(own)
    expect(copy.buffer).not.toBe(own.buffer)
    expect(integers([1, -2, -0], 'x')).toEqual(Int32Array.of(1, -2, 0))
    expect(integers(BigInt64Array.of(1n, -2n), 'x')).toEqual(own)
    expect(integers([], 'x')).toEqual(new Int32Array(0))
  })

  test('that are none are refused', () => {
    for (const wrong of [1, null, undefined, '12', {}, new Float32Array(1), new Uint8Array(1), new Set([1])]) {
      expectError(() => integers(wrong, 'x'), TypeError, 'ERR_ARG_TYPE', 'for x', 'whole numbers', described(wrong))
    }
    for (const wrong of ['1', null, undefined, [1]]) {
      expectError(() => integers([0, wrong], 'x'), TypeError, 'ERR_ARG_TYPE', 'for x[1]', 'a number', described(wrong))
    }
    for (const wrong of [0.5, NaN, Infinity, 2 ** 31, -(2 ** 31) - 1, 2n ** 40n]) {
      expectError(() => integers([wrong], 'x'), RangeError, 'ERR_LENGTHS', 'for x[0]', 'below 2^31', described(wrong))
    }
  })
})

describe('errors', () => {
  test('have the code and class of the table, and a cause where there is one', () => {
    const cause = new Error('why')
    for (const code of errorCodes) {
      let error: unknown
      try {
        fail(code, 'what', cause)
      } catch (caught) {
        error = caught
      }
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({ code, message: 'what', cause })
      expect(Object.keys(error as object)).toEqual(['code'])
    }
    expect(new Set(errorCodes).size).toBe(errorCodes.length)
  })

  test('say what was expected, for which argument, what came, and the way out', () => {
    const plain = () => expected('ERR_ARG_VALUE', 'a size', 'hiddenSize', '0')
    expect(plain).toThrow(new RangeError('Expected a size for hiddenSize but received 0'))
    const helpful = () => expected('ERR_ARG_TYPE', 'a size', 'hiddenSize', '"3"', 'pass a number')
    expect(helpful).toThrow(new TypeError('Expected a size for hiddenSize but received "3": pass a number'))
  })
})

describe('edges of what is shortened and guessed', () => {
  test('described', () => {
    expect(described({ constructor: { name: '' } })).toBe('an object of constructor')
    expect(described({ data: 3, shape: [1] })).toBe('an object of data, shape')
    expect(described('x'.repeat(40))).toBe(`"${'x'.repeat(40)}"`)
    const shape = Array<number>(64).fill(1)
    expect(described({ data: new Float32Array(1), shape })).toBe(`a tensor of shape [${shape.join(', ')}]`)
  })

  test('nearest: two letters apart at most, the first of equals', () => {
    expect(nearest('ab', ['cd'])).toBe('cd')
    expect(nearest('bias_xh_l0', ['bias_ih_l0', 'bias_hh_l0'])).toBe('bias_ih_l0')
  })
})
