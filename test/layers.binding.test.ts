// As in sequence.binding.test.ts: the binding trusts nobody with memory.
import { native, type NativeModule } from '../lib/binding'
import { expectThrown } from './thrown'

const f32 = (length: number): Float32Array => new Float32Array(length)
const inFeatures = 3
const outFeatures = 2
const linear = native.createLinear(inFeatures, outFeatures, f32(6), f32(2))
const recurrent = native.createRecurrent('rnn_tanh', 1, 1, 0, 1, 1, false, [f32(1), f32(1)])

describe('createLinear', () => {
  test('refuses features that are none', () => {
    for (const [inputs, outputs] of [
      [0, 2],
      [3, 0],
      [0, 0]
    ] as const) {
      expectThrown(() => native.createLinear(inputs, outputs, f32(0), null), RangeError, 'ERR_SHAPE', 'needs features')
    }
  })

  test('refuses weights of another size', () => {
    for (const size of [0, 5, 7]) {
      const make = (): unknown => native.createLinear(inFeatures, outFeatures, f32(size), null)
      expectThrown(make, RangeError, 'ERR_SHAPE', 'Expected 6 elements for weight', `received ${size}`)
    }
    for (const size of [0, 1, 3]) {
      const make = (): unknown => native.createLinear(inFeatures, outFeatures, f32(6), f32(size))
      expectThrown(make, RangeError, 'ERR_SHAPE', 'Expected 2 elements for bias', `received ${size}`)
    }
    const vast = (): unknown => native.createLinear(2 ** 32, 2 ** 32, f32(0), null)
    expectThrown(vast, RangeError, 'ERR_SHAPE', 'too large for the memory of any machine')
  })
})

describe('linear', () => {
  test('refuses input and output of another size', () => {
    for (const size of [1, 5, 7]) {
      expectThrown(() => native.linear(linear, f32(size), f32(4)), RangeError, 'ERR_SHAPE', 'elements for input')
    }
    for (const size of [0, 3, 5, 6]) {
      const run = (): void => native.linear(linear, f32(6), f32(size))
      expectThrown(run, RangeError, 'ERR_SHAPE', 'Expected 4 elements for output', `received ${size}`)
    }
  })

  test('refuses what is no linear layer', () => {
    for (const other of [recurrent, {}, null, undefined, 3] as unknown[]) {
      const run = (): void => native.linear(other as NativeModule, f32(6), f32(4))
      expectThrown(run, TypeError, 'ERR_ARG_TYPE', 'the handle of another module')
    }
  })
})

describe('embed', () => {
  test('refuses rows without width, and an output of another size', () => {
    const ids = new Int32Array(2)
    expectThrown(() => native.embed(f32(6), 0, ids, f32(0)), RangeError, 'ERR_SHAPE', 'needs a width')
    for (const size of [0, 5, 7]) {
      expectThrown(() => native.embed(f32(6), 3, ids, f32(size)), RangeError, 'ERR_SHAPE', 'elements for output')
    }
  })

  test('refuses ids of another type', () => {
    for (const ids of [f32(2), new Int16Array(2), new BigUint64Array(2), new Uint32Array(2)]) {
      expectThrown(() => native.embed(f32(6), 3, ids as never, f32(6)), TypeError, 'ERR_ARG_TYPE', 'for ids')
    }
  })
})
