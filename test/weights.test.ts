import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Embedding, GRU, GRUCell, LSTM, LSTMCell, RNN, saveSafetensors, Tensor, tensor, type TensorLike } from '../lib'
import {
  type AnyOptions,
  expectSameBits,
  generator,
  modules,
  newModule,
  randomStateDict,
  randomTensor,
  resizable
} from './support'
import { expectError, messageOf } from './thrown'
import type { ModuleName } from './reference'

type Dict = Record<string, TensorLike>

const names = Object.keys(modules) as ModuleName[]
const zeros = (...shape: number[]): Tensor => new Tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)
const shapesOf = (stateDict: Dict): object =>
  Object.fromEntries(Object.entries(stateDict).map(([name, { shape }]) => [name, shape]))
const prefixed = (stateDict: Dict, prefix: string): Dict =>
  Object.fromEntries(Object.entries(stateDict).map(([name, value]) => [prefix + name, value]))

function dictOf(name: ModuleName, options: AnyOptions, seed = 1): Record<string, Tensor> {
  return randomStateDict(name, options, generator(seed))
}

describe('B39 parameters have the names and the order of PyTorch', () => {
  test('layer by layer, direction by direction', () => {
    const options = { inputSize: 2, hiddenSize: 3, numLayers: 2, bidirectional: true, projSize: 1 }
    expect(Object.keys(new LSTM(options).stateDict())).toEqual(
      ['l0', 'l0_reverse', 'l1', 'l1_reverse'].flatMap((end) =>
        ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh', 'weight_hr'].map((name) => `${name}_${end}`)
      )
    )
  })

  test('without bias both biases are left out', () => {
    expect(Object.keys(new GRU({ inputSize: 2, hiddenSize: 3, bias: false }).stateDict())).toEqual([
      'weight_ih_l0',
      'weight_hh_l0'
    ])
  })

  test('those of a cell have no suffix', () => {
    expect(Object.keys(new LSTMCell({ inputSize: 2, hiddenSize: 3 }).stateDict())).toEqual([
      'weight_ih',
      'weight_hh',
      'bias_ih',
      'bias_hh'
    ])
  })
})

describe('B40 parameters have the shapes of PyTorch', () => {
  test.each([
    ['LSTM', 4],
    ['GRU', 3],
    ['RNN', 1]
  ] as const)('%s has %i gates', (name, gates) => {
    const rows = gates * 5
    expect(shapesOf(newModule(name, { inputSize: 3, hiddenSize: 5, numLayers: 2 }).stateDict())).toEqual({
      weight_ih_l0: [rows, 3],
      weight_hh_l0: [rows, 5],
      bias_ih_l0: [rows],
      bias_hh_l0: [rows],
      weight_ih_l1: [rows, 5],
      weight_hh_l1: [rows, 5],
      bias_ih_l1: [rows],
      bias_hh_l1: [rows]
    })
  })

  test('with a projection, two directions and two layers', () => {
    const options = { inputSize: 3, hiddenSize: 5, projSize: 2, numLayers: 2, bidirectional: true, bias: false }
    const shapes = shapesOf(new LSTM(options).stateDict())
    expect(shapes).toMatchObject({
      weight_ih_l0: [20, 3],
      weight_hh_l0: [20, 2],
      weight_hr_l0: [2, 5],
      weight_ih_l1_reverse: [20, 4],
      weight_hh_l1_reverse: [20, 2],
      weight_hr_l1_reverse: [2, 5]
    })
  })
})

describe('sizes are read off the shapes', () => {
  const cases: [ModuleName, Partial<AnyOptions>][] = names.flatMap((name) =>
    [
      {},
      { numLayers: 3 },
      { bidirectional: true },
      { bias: false },
      { numLayers: 2, bidirectional: true, bias: false }
    ].map((options): [ModuleName, Partial<AnyOptions>] => [name, options])
  )
  cases.push(['LSTM', { projSize: 2 }], ['LSTM', { projSize: 3, numLayers: 2, bidirectional: true }])

  test.each(cases)('%s %j', (name, some) => {
    const options = { inputSize: 3, hiddenSize: 5, ...some }
    const made = newModule(name, options)
    const read = modules[name].fromStateDict(made.stateDict())
    expect(read.options).toEqual(made.options)
    for (const [key, values] of Object.entries(made.stateDict())) expectSameBits(read.stateDict()[key]!, values)
  })

  test('what shapes do not tell is an option', () => {
    const stateDict = dictOf('RNN', { inputSize: 2, hiddenSize: 3 })
    expect(RNN.fromStateDict(stateDict, { nonlinearity: 'relu', batchFirst: true }).options).toMatchObject({
      nonlinearity: 'relu',
      batchFirst: true
    })
    expectError(
      () => GRU.fromStateDict({}, { nonlinearity: 'relu' } as object),
      TypeError,
      'ERR_OPTION_UNKNOWN',
      'nonlinearity',
      'batchFirst'
    )
  })
})

describe('B42 a state dict that does not fit is one error that lists everything', () => {
  const options = { inputSize: 3, hiddenSize: 5, numLayers: 2 }

  test('missing, unexpected and misshapen parameters, and those of another type', () => {
    const { weight_hh_l0: removed, ...stateDict } = dictOf('LSTM', options) as Dict
    stateDict['extra'] = removed!
    stateDict['bias_ih_l0'] = zeros(19)
    stateDict['weight_ih_l1'] = zeros(5, 20)
    stateDict['bias_hh_l1'] = tensor(
      Array.from({ length: 20 }, () => 1),
      [20],
      'int32'
    )
    expectError(
      () => new LSTM(options, stateDict),
      RangeError,
      'ERR_STATE_DICT',
      'this LSTM',
      'weight_hh_l0 is missing: expected [20, 5]',
      'extra is unexpected',
      'bias_ih_l0 has shape [19]: expected [20]',
      'weight_ih_l1 has shape [5, 20]: expected [20, 5]',
      'bias_hh_l1 is of int32: expected float32 or float64'
    )
  })

  test('sizes that nothing tells are not made up', () => {
    const all = Object.entries(dictOf('GRU', { inputSize: 3, hiddenSize: 5 }))
    const stateDict = new Map(all.filter(([name]) => name !== 'weight_hh_l0'))
    expectError(
      () => GRU.fromStateDict(stateDict),
      RangeError,
      'ERR_STATE_DICT',
      'weight_hh_l0 is missing: expected [?, ?]',
      'weight_ih_l0 has shape [15, 3]: expected [?, 3]'
    )
    expectError(
      () => RNN.fromStateDict({}),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l0 is missing',
      'weight_hh_l0 is missing'
    )
  })

  test('the parameters of another module', () => {
    expectError(
      () => LSTM.fromStateDict(dictOf('GRU', { inputSize: 3, hiddenSize: 5 })),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l0 has shape [15, 3]: expected [20, 3]',
      'bias_hh_l0 has shape [15]: expected [20]'
    )
  })

  test('no other module is named where nothing tells the gates', () => {
    const rest = new Map(Object.entries(dictOf('GRU', { inputSize: 3, hiddenSize: 5 })))
    rest.delete('weight_hh_l0')
    expect(messageOf(() => GRU.fromStateDict(rest))).not.toContain('may fit')
  })

  test('a layer that is left out leaves those after it unexpected', () => {
    const stateDict = Object.entries(dictOf('RNN', { ...options, numLayers: 3 })).filter(
      ([name]) => !name.endsWith('l1')
    )
    expectError(
      () => RNN.fromStateDict(new Map(stateDict)),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l2 is unexpected',
      'bias_hh_l2 is unexpected'
    )
  })

  test('a value that is no tensor is named', () => {
    expectError(() => new LSTM(options, { a: 1 as never }), TypeError, 'ERR_ARG_TYPE', 'stateDict["a"]', '1')
    for (const wrong of [null, 3, 'file', [], new Float32Array(2), () => 0]) {
      expectError(() => new LSTM(options, wrong as never), TypeError, 'ERR_ARG_TYPE', 'stateDict', 'a record or a Map')
    }
    expectError(() => new LSTM(options, new Map([[1, zeros(1)]]) as never), TypeError, 'ERR_ARG_TYPE', 'the keys', '1')
  })
})

describe('B42 prefixes', () => {
  const stateDict = dictOf('LSTM', { inputSize: 3, hiddenSize: 5 })
  const whole: Dict = {
    ...prefixed(stateDict, 'encoder.rnn.'),
    ...prefixed(stateDict, 'decoder.'),
    'embedding.weight': zeros(4, 3),
    'classifier.weight': tensor([1, 2, 3], [1, 3], 'int32')
  }

  test('names under another prefix are left alone', () => {
    for (const prefix of ['encoder.rnn.', 'decoder.']) {
      const read = LSTM.fromStateDict(whole, { prefix })
      expectSameBits(read.stateDict()['weight_hh_l0']!, stateDict['weight_hh_l0']!)
      expect(Object.keys(read.stateDict())).toEqual(Object.keys(stateDict))
    }
  })

  test('a Map will do', () => {
    const read = LSTM.fromStateDict(new Map(Object.entries(whole)), { prefix: 'decoder.' })
    expectSameBits(read.stateDict()['bias_ih_l0']!, stateDict['bias_ih_l0']!)
  })

  test.each([undefined, '', 'encoder', 'encoder.', 'embedding.', 'rnn.'])(
    'with %j the prefixes that would do are named',
    (prefix) => {
      expectError(
        () => LSTM.fromStateDict(whole, prefix === undefined ? {} : { prefix }),
        RangeError,
        'ERR_STATE_DICT',
        `no ${prefix ?? ''}weight_ih_l0`,
        '"encoder.rnn.", "decoder."'
      )
    }
  )

  test('the empty prefix is one of them', () => {
    const read = (): LSTM => LSTM.fromStateDict(stateDict, { prefix: 'lstm.' })
    expectError(read, RangeError, 'ERR_STATE_DICT', 'no lstm.weight_ih_l0', 'the prefix can be ""')
  })

  test('the constructor names them as well', () => {
    expectError(
      () => new LSTM({ inputSize: 3, hiddenSize: 5 }, prefixed(stateDict, 'lstm.')),
      RangeError,
      'ERR_STATE_DICT',
      'fromStateDict',
      '"lstm."'
    )
  })

  test('if some of the module is there, what is wrong with it is listed instead', () => {
    const missing = ['weight_ih_l0', 'bias_hh_l0']
    const rest = Object.fromEntries(Object.entries(stateDict).filter(([name]) => !missing.includes(name)))
    const broken = { ...prefixed({ ...rest, weight_hh_l0: zeros(3, 3), junk: zeros(1) }, 'encoder.'), ...whole }
    expectError(
      () => LSTM.fromStateDict(broken, { prefix: 'encoder.' }),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l0 is missing',
      'bias_hh_l0 is missing',
      'weight_hh_l0 has shape [3, 3]',
      'junk is unexpected'
    )
    expectError(
      () => new LSTM({ inputSize: 3, hiddenSize: 5 }, { ...rest, ...prefixed(stateDict, 'other.') }),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l0 is missing',
      'bias_hh_l0 is missing',
      'other.weight_ih_l0 is unexpected'
    )
  })

  test('if there are none, the names that there are', () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`layer${String(i)}`, zeros(1)]))
    const read = (dict: Dict) => () => LSTM.fromStateDict(dict, { prefix: 'lstm.' })
    expectError(read(many), RangeError, 'ERR_STATE_DICT', '"lstm."', '"layer0"', '"layer7", ...')
    expectError(read({}), RangeError, 'ERR_STATE_DICT', '"lstm."', 'none at all')
  })

  test('a foreign name under the prefix, or without one, is unexpected', () => {
    const foreign = { ...stateDict, 'head.weight': zeros(2, 2) }
    expectError(
      () => LSTM.fromStateDict(foreign),
      RangeError,
      'ERR_STATE_DICT',
      'head.weight is unexpected',
      'this LSTM'
    )
    const inside = prefixed(foreign, 'model.')
    const read = (): LSTM => LSTM.fromStateDict(inside, { prefix: 'model.' })
    expectError(read, RangeError, 'ERR_STATE_DICT', 'head.weight is unexpected', 'this LSTM')
  })

  test('a prefix is text', () => {
    const read = (): LSTM => LSTM.fromStateDict(whole, { prefix: 3 as never })
    expectError(read, TypeError, 'ERR_ARG_TYPE', 'options.prefix', '3')
  })
})

describe('values', () => {
  test('float64 is narrowed to float32', () => {
    const stateDict = dictOf('RNN', { inputSize: 2, hiddenSize: 3 }) as Dict
    const third = { data: new Float64Array(3).fill(1 / 3), shape: [3] }
    const read = RNN.fromStateDict({ ...stateDict, bias_ih_l0: third })
    expect(read.stateDict()['bias_ih_l0']!.data).toEqual(new Float32Array(3).fill(1 / 3))
  })

  test('float64 that has lost its memory to the reading of another parameter is refused', () => {
    const options = { inputSize: 1, hiddenSize: 2 }
    const buffer = resizable(8 * 4)
    const { bias_hh_l0: bias, ...others } = dictOf('RNN', options)
    const getter = {
      data: bias!.data,
      get shape() {
        buffer.resize(8)
        return bias!.shape
      }
    }
    const weight = { data: new Float64Array(buffer), shape: [2, 2] }
    const make = (): unknown => new RNN(options, { ...others, weight_hh_l0: weight, bias_hh_l0: getter })
    expectError(make, TypeError, 'ERR_DETACHED', 'weight_hh_l0 of stateDict', 'lost')
  })

  test('a module keeps copies, and gives copies', () => {
    const stateDict = dictOf('GRU', { inputSize: 2, hiddenSize: 3 })
    const untouched = stateDict['bias_hh_l0']!.data.slice()
    const gru = GRU.fromStateDict(stateDict)
    const input = randomTensor(generator(2), [4, 1, 2])
    const before = gru.forwardSync(input)
    for (const dict of [stateDict, gru.stateDict()]) for (const { data } of Object.values(dict)) data.fill(NaN)
    expect(gru.stateDict()['bias_hh_l0']!.data).toEqual(untouched)
    expectSameBits(gru.forwardSync(input).output, before.output)
  })

  test('without a state dict they are uniform between ±1/√hiddenSize, and none is like another', () => {
    const bound = Math.fround(1 / Math.sqrt(16))
    for (const name of names) {
      const values = Object.values(newModule(name, { inputSize: 16, hiddenSize: 16 }).stateDict()).flatMap(
        ({ data }) => [...data]
      )
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound)
      expect(Math.max(...values)).toBeGreaterThan(0.9 * bound)
      expect(Math.min(...values)).toBeLessThan(-0.9 * bound)
      expect(Math.abs(values.reduce((a, b) => a + b) / values.length)).toBeLessThan(0.2 * bound)
      expect(new Set(values).size).toBeGreaterThan(0.99 * values.length)
    }
  })

  test('sizes beyond all memory are an error', () => {
    const make = (): LSTM => new LSTM({ inputSize: 1, hiddenSize: 2 ** 31 - 1 })
    expectError(make, RangeError, 'ERR_ALLOCATION', 'Could not allocate', 'float32')
  })
})

describe('load', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'packed-rnn-'))
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  test.each(names)('%s reads what fromStateDict reads', async (name) => {
    const stateDict = dictOf(name, { inputSize: 3, hiddenSize: 5, numLayers: 2, bidirectional: true })
    const file = path.join(folder, `${name}.safetensors`)
    await saveSafetensors(file, prefixed(stateDict, 'encoder.'), { trained: 'yes' })
    const read = await modules[name].load(file, { prefix: 'encoder.', batchFirst: true })
    expect(read).toBeInstanceOf(modules[name])
    expect(read.options).toMatchObject({ numLayers: 2, bidirectional: true, batchFirst: true })
    for (const [key, values] of Object.entries(stateDict)) expectSameBits(read.stateDict()[key]!, values)
  })

  test('reads the tensors under the prefix alone', async () => {
    const weights = randomTensor(generator(3), [6])
    const header = JSON.stringify({
      'gru.weight_ih_l0': { dtype: 'F32', shape: [3, 1], data_offsets: [0, 12] },
      'gru.weight_hh_l0': { dtype: 'F32', shape: [3, 1], data_offsets: [12, 24] },
      scale: { dtype: 'F8_E4M3', shape: [2], data_offsets: [24, 26] },
      metadata: { dtype: 'U64', shape: [1], data_offsets: [26, 34] }
    })
    const bytes = Buffer.concat([
      Buffer.alloc(8),
      Buffer.from(header),
      Buffer.from(weights.data.buffer),
      Buffer.alloc(10)
    ])
    bytes.writeBigUint64LE(BigInt(header.length))
    const gru = await GRU.load(bytes, { prefix: 'gru.' })
    expectSameBits(gru.stateDict()['weight_hh_l0']!, new Tensor(weights.data.slice(3), [3, 1]))
    await expect(GRU.load(bytes, { prefix: 'lstm.' })).rejects.toThrow('the prefix can be "gru."')
    await expect(GRU.load(bytes)).rejects.toThrow('tensor "scale" has dtype "F8_E4M3"')
    const cut = bytes.subarray(0, -1) // what is not read is checked to be there
    await expect(GRU.load(cut, { prefix: 'gru.' })).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' })
  })

  test('goes by the options as they were', async () => {
    const file = path.join(folder, 'options.safetensors')
    await saveSafetensors(file, dictOf('GRU', { inputSize: 3, hiddenSize: 5 }))
    const options = { batchFirst: true, prefix: '' }
    const loading = GRU.load(file, options)
    options.batchFirst = false
    options.prefix = 'gru.'
    expect((await loading).options.batchFirst).toBe(true)
  })

  test('rejects with what fromStateDict and loadSafetensors throw', async () => {
    const file = path.join(folder, 'gru.safetensors')
    await saveSafetensors(file, prefixed(dictOf('GRU', { inputSize: 3, hiddenSize: 5 }), 'gru.'))
    await expect(GRU.load(file)).rejects.toMatchObject({ code: 'ERR_STATE_DICT' })
    await expect(GRU.load(file, { prefx: 'gru.' } as object)).rejects.toMatchObject({ code: 'ERR_OPTION_UNKNOWN' })
    await expect(GRU.load(new Uint8Array(3))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' })
    await expect(GRU.load(`${file}.not`)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('which names are meant', () => {
  const dict = dictOf('GRU', { inputSize: 3, hiddenSize: 5 })
  const under = (prefix: string): Dict => prefixed(dict, prefix)

  test('a prefix is what names start with', () => {
    const read = GRU.fromStateDict({ ...under('rnn.'), ...under('old.rnn.') }, { prefix: 'rnn.' })
    expect(Object.keys(read.stateDict())).toEqual(Object.keys(dict))
  })

  test('only whole names are prefixes', () => {
    const wrong = { old_weight: zeros(2, 2), 'tokens.weight': zeros(2, 2) }
    const message = messageOf(() => Embedding.fromStateDict(wrong))
    expect(message).toMatch(/the prefix can be "tokens\."$/)
  })

  test('a value that is no tensor is named as the state dict has it', () => {
    const read = () => GRU.fromStateDict({ ...under('rnn.'), 'rnn.a': 1 as never }, { prefix: 'rnn.' })
    expectError(read, TypeError, 'ERR_ARG_TYPE', 'stateDict["rnn.a"]', '1')
  })

  test('names under the prefix that are none of the parameters', () => {
    const read = () => GRU.fromStateDict({ 'rnn.weight': zeros(1) }, { prefix: 'rnn.' })
    expectError(read, RangeError, 'ERR_STATE_DICT', 'weight_ih_l0 is missing', 'weight is unexpected')
  })

  test('one bias is enough to expect both', () => {
    const rest = Object.fromEntries(Object.entries(dict).filter(([name]) => name !== 'bias_ih_l0'))
    expectError(
      () => GRU.fromStateDict(rest),
      RangeError,
      'ERR_STATE_DICT',
      'this GRU',
      'bias_ih_l0 is missing: expected [15]'
    )
  })

  test('a direction that is left out of the second layer is missing', () => {
    const both = dictOf('GRU', { inputSize: 3, hiddenSize: 5, numLayers: 2, bidirectional: true })
    const some = Object.entries(both).filter(([name]) => !name.endsWith('l1_reverse'))
    expectError(
      () => GRU.fromStateDict(new Map(some)),
      RangeError,
      'ERR_STATE_DICT',
      'this GRU',
      'weight_ih_l1_reverse is missing'
    )
  })

  test('a bias alone under the prefix: what is missing is listed', () => {
    const whole = { ...under('other.'), 'rnn.bias_hh_l0': zeros(15) }
    expectError(
      () => GRU.fromStateDict(whole, { prefix: 'rnn.' }),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l0 is missing',
      'this GRU'
    )
  })

  test('a projection alone under the prefix: what is missing is listed', () => {
    const whole = { 'other.weight_ih_l0': zeros(1), 'rnn.weight_hr_l0': zeros(2, 5) }
    expectError(
      () => LSTM.fromStateDict(whole, { prefix: 'rnn.' }),
      RangeError,
      'ERR_STATE_DICT',
      'weight_ih_l0 is missing',
      'this LSTM'
    )
  })

  test('a projection that is none is unexpected', () => {
    const wide = { weight_ih_l0: zeros(8, 3), weight_hh_l0: zeros(8, 2), weight_hr_l0: zeros(2, 2) }
    expectError(() => LSTM.fromStateDict(wide), RangeError, 'ERR_STATE_DICT', 'this LSTM', 'weight_hr_l0 is unexpected')
  })

  test('with few names, all are listed', () => {
    const eight = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`layer${String(i)}`, zeros(1)]))
    expect(messageOf(() => LSTM.fromStateDict(eight, { prefix: 'lstm.' }))).toMatch(/"layer7"$/)
  })

  test('load looks at the options before the file', async () => {
    await expect(GRU.load('none', { prefx: '' } as object)).rejects.toMatchObject({ code: 'ERR_OPTION_UNKNOWN' })
  })
})

describe('a state dict that is none, or of another module', () => {
  test.each([
    ['LSTM', 'GRU'],
    ['GRU', 'RNN'],
    ['RNN', 'LSTM']
  ] as const)('of %s for %s: the error names it', (own, other) => {
    const stateDict = dictOf(own, { inputSize: 2, hiddenSize: 3, numLayers: 2 })
    const fits = `does not fit this ${other}, but may fit ${own}:`
    expect(messageOf(() => modules[other].fromStateDict(stateDict))).toContain(fits)
    expect(messageOf(() => newModule(other, { inputSize: 2, hiddenSize: 3 }, stateDict))).toContain(fits)
  })

  test('of the same module, or of what has another width, it names none', () => {
    const whole = Object.entries(dictOf('LSTM', { inputSize: 2, hiddenSize: 3 }))
    const incomplete = Object.fromEntries(whole.filter(([name]) => name !== 'weight_hh_l0'))
    for (const stateDict of [
      incomplete,
      dictOf('LSTM', { inputSize: 4, hiddenSize: 3 }),
      { ...incomplete, weight_hh_l0: zeros(12, 5) },
      { ...incomplete, weight_hh_l0: zeros(0, 0) }
    ]) {
      const message = messageOf(() => new LSTM({ inputSize: 2, hiddenSize: 3 }, stateDict))
      expect(message).toContain('does not fit this LSTM:')
    }
  })

  test('a cell is told that it may be of another cell', () => {
    const stateDict = new LSTMCell({ inputSize: 2, hiddenSize: 3 }).stateDict()
    expect(messageOf(() => GRUCell.fromStateDict(stateDict))).toContain('this GRUCell, but may fit LSTMCell')
  })

  test('a Promise needs await, and a file load', () => {
    const promise = Promise.resolve({}) as never
    expectError(() => LSTM.fromStateDict(promise), TypeError, 'ERR_ARG_TYPE', 'stateDict', 'which needs await')
    expectError(
      () => LSTM.fromStateDict('a.safetensors' as never),
      TypeError,
      'ERR_ARG_TYPE',
      'stateDict',
      'load reads'
    )
  })
})
