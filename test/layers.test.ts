import { Embedding, Linear, packSequence, PackedSequence, Tensor, tensor, type TensorLike } from '../lib'
import { expectSameArrays, expectSameBits, generator, maxError, randomTensor, rowsOf } from './support'
import { expectError } from './thrown'

const random = generator(40)
const zeros = (...shape: number[]): Tensor => new Tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)

describe('Embedding', () => {
  const weight = randomTensor(random, [11, 5])
  const embedding = Embedding.fromStateDict({ weight })
  const row = (id: number): Float32Array => weight.data.slice(id * 5, id * 5 + 5)

  test('has its sizes from the weight', () => {
    expect([embedding.numEmbeddings, embedding.embeddingDim]).toEqual([11, 5])
  })

  test.each(['int32', 'int64', 'uint8'] as const)('%s ids of any shape gain the width as a dimension', (type) => {
    const ids = [10, 0, 3, 3, 7, 1]
    for (const shape of [[6], [2, 3], [3, 1, 2], [1, 6, 1, 1]]) {
      const output = embedding.forwardSync(tensor(ids, shape, type))
      expect(output.shape).toEqual([...shape, 5])
      ids.forEach((id, i) => {
        expectSameArrays(output.data.slice(i * 5, i * 5 + 5), row(id))
      })
    }
    expect(embedding.forwardSync(tensor(4, [], type)).shape).toEqual([5])
    expect(embedding.forwardSync(tensor([], [3, 0], type)).shape).toEqual([3, 0, 5])
  })

  test('a packed sequence of ids gives a packed sequence of rows', () => {
    const sequences = [tensor([3, 4], [2], 'int64'), tensor([9, 1, 0], [3], 'int64')]
    const packed = packSequence(sequences, { enforceSorted: false })
    const output = embedding.forwardSync(packed)
    expect(output).toBeInstanceOf(PackedSequence)
    expect(output.batchSizes).toBe(packed.batchSizes)
    expect(output.sortedIndices).toBe(packed.sortedIndices)
    expect(output.data.shape).toEqual([5, 5])
    expect(rowsOf(output.data)).toEqual([9, 3, 1, 4, 0].map((id) => Array.from(row(id))))
    const pairs = packSequence([
      tensor(
        [
          [1, 2],
          [3, 4]
        ],
        [2, 2],
        'int32'
      )
    ])
    expect(embedding.forwardSync(pairs).data.shape).toEqual([2, 2, 5])
  })

  test.each([
    ['int32', -1],
    ['int32', 11],
    ['int32', 2 ** 31 - 1],
    ['int64', -1],
    ['int64', 2 ** 32 + 3],
    ['int64', 2 ** 53 - 2],
    ['uint8', 255]
  ] as const)('%s %i is no row', (type, id) => {
    const ids = tensor([0, 10, id, 1], [2, 2], type)
    expectError(
      () => embedding.forwardSync(ids),
      RangeError,
      'ERR_INDEX',
      'ids',
      'from 0 to 10',
      String(id),
      'position 2'
    )
    const packed = packSequence([tensor([id], [1], type)])
    expectError(() => embedding.forwardSync(packed), RangeError, 'ERR_INDEX', 'ids.data', String(id), 'position 0')
  })

  test('ids are whole numbers', () => {
    for (const ids of [zeros(2), tensor([true, false]), { data: new Int8Array(2), shape: [2] }]) {
      expectError(
        () => embedding.forwardSync(ids),
        TypeError,
        'ERR_DTYPE',
        'ids',
        'int32, int64 or uint8',
        "'int32') makes such"
      )
    }
    expectError(() => embedding.forwardSync([1, 2] as never), TypeError, 'ERR_ARG_TYPE', 'ids', 'an array of length 2')
  })

  test('keeps a copy of the weight, float64 narrowed', () => {
    const doubles = { data: new Float64Array([1 / 3, 2]), shape: [2, 1] }
    const narrowed = Embedding.fromStateDict(new Map([['weight', doubles]]))
    doubles.data.fill(NaN)
    expect(narrowed.forwardSync(tensor([1, 0], [2], 'int32')).data).toEqual(Float32Array.of(2, 1 / 3))
  })

  test('a state dict that does not fit', () => {
    const read = (dict: Record<string, TensorLike>, prefix?: string) => () =>
      Embedding.fromStateDict(dict, prefix === undefined ? {} : { prefix })
    expectError(read({ weight: zeros(3) }), RangeError, 'ERR_STATE_DICT', 'Embedding', 'weight has shape [3]')
    expectError(read({ weight, bias: zeros(11) }), RangeError, 'ERR_STATE_DICT', 'Embedding', 'bias is unexpected')
    expectError(read({ 'tokens.weight': weight }), RangeError, 'ERR_STATE_DICT', 'no weight', '"tokens."')
    expectError(
      read({ 'tokens.weight': weight }, 'words.'),
      RangeError,
      'ERR_STATE_DICT',
      'no words.weight',
      '"tokens."'
    )
    expectError(read({}), RangeError, 'ERR_STATE_DICT', 'Embedding', 'weight is missing')
    const whole = { 'tokens.weight': weight, 'lstm.weight_ih_l0': zeros(1, 1) }
    expectSameBits(
      Embedding.fromStateDict(whole, { prefix: 'tokens.' }).forwardSync(tensor([2], [1], 'int32')),
      new Tensor(row(2), [1, 5])
    )
  })
})

describe('Linear', () => {
  const weight = randomTensor(random, [19, 7])
  const bias = randomTensor(random, [19])
  const linear = Linear.fromStateDict({ weight, bias })

  function expectLinear(output: Tensor, input: Tensor, withBias = true): void {
    const expected = rowsOf(input).flatMap((x) =>
      rowsOf(weight).map((w, j) => w.reduce((sum, wk, k) => sum + wk * x[k]!, withBias ? bias.data[j]! : 0))
    )
    expect(maxError(output.data, expected)).toBeLessThan(2e-6)
  }

  test('has its sizes from the weight', () => {
    expect([linear.inFeatures, linear.outFeatures]).toEqual([7, 19])
  })

  test.each([[[7]], [[1, 7]], [[40, 7]], [[2, 3, 7]], [[2, 1, 2, 7]]])('maps the last dimension of %j', (shape) => {
    const input = randomTensor(random, shape)
    const output = linear.forwardSync(input)
    expect(output.shape).toEqual([...shape.slice(0, -1), 19])
    expectLinear(output, input)
  })

  test('no rows give no rows', () => {
    expect(linear.forwardSync(zeros(0, 7)).shape).toEqual([0, 19])
    expect(linear.forwardSync(zeros(3, 0, 7)).shape).toEqual([3, 0, 19])
  })

  test('without bias', () => {
    const input = randomTensor(random, [3, 7])
    expectLinear(Linear.fromStateDict({ weight }).forwardSync(input), input, false)
  })

  test('a packed sequence gives a packed sequence', () => {
    const packed = packSequence([randomTensor(random, [2, 7]), randomTensor(random, [4, 7])], { enforceSorted: false })
    const output = linear.forwardSync(packed)
    expect(output).toBeInstanceOf(PackedSequence)
    expect(output.unsortedIndices).toBe(packed.unsortedIndices)
    expectSameBits(output.data, linear.forwardSync(packed.data))
  })

  test('B54 a row has the same bits alone and among others', () => {
    const input = randomTensor(random, [33, 7])
    const together = linear.forwardSync(input)
    for (let i = 0; i < 33; ++i) {
      const alone = linear.forwardSync(new Tensor(input.data.slice(i * 7, i * 7 + 7), [7]))
      expectSameArrays(alone.data, together.data.slice(i * 19, i * 19 + 19))
    }
  })

  test.each([1, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 19, 35])('sizes around every lane count: %i', (size) => {
    for (const [rows, inFeatures, outFeatures] of [
      [size, 5, 6],
      [5, size, 6],
      [5, 6, size]
    ] as const) {
      const own = randomTensor(random, [outFeatures, inFeatures])
      const input = randomTensor(random, [rows, inFeatures])
      const expected = rowsOf(input).flatMap((x) =>
        rowsOf(own).map((w) => w.reduce((sum, wk, k) => sum + wk * x[k]!, 0))
      )
      const output = Linear.fromStateDict({ weight: own }).forwardSync(input)
      expect(maxError(output.data, expected)).toBeLessThan(5e-6)
    }
  })

  test('input that does not fit', () => {
    const run = (input: unknown) => () => linear.forwardSync(input as TensorLike)
    expectError(run(zeros(2, 6)), RangeError, 'ERR_SHAPE', 'input', 'inFeatures 7', '[2, 6]')
    expectError(run(zeros()), RangeError, 'ERR_SHAPE', 'input', 'inFeatures 7', '[]')
    expectError(run(packSequence([zeros(2)])), RangeError, 'ERR_SHAPE', 'input.data', 'inFeatures 7', '[2]')
    expectError(run({ data: new Float64Array(7), shape: [7] }), TypeError, 'ERR_DTYPE', 'input', 'float32', 'float64')
    expectError(run('x'), TypeError, 'ERR_ARG_TYPE', 'input', '"x"')
  })

  test('a state dict that does not fit', () => {
    const read =
      (dict: Record<string, TensorLike>, options = {}) =>
      () =>
        Linear.fromStateDict(dict, options)
    expectError(
      read({ weight, bias: zeros(7), scale: zeros(1) }),
      RangeError,
      'ERR_STATE_DICT',
      'Linear',
      'bias has shape [7]: expected [19]',
      'scale is unexpected'
    )
    expectError(
      read({ 'head.weight': weight, 'tail.weight': weight }),
      RangeError,
      'ERR_STATE_DICT',
      'no weight',
      '"head.", "tail."'
    )
    expectError(read({ weight }, { prefx: '' }), TypeError, 'ERR_OPTION_UNKNOWN', 'prefx', 'did you mean prefix?')
    const whole = { 'head.weight': weight, 'head.bias': bias, 'other.bias': zeros(1) }
    expectSameBits(Linear.fromStateDict(whole, { prefix: 'head.' }).forwardSync(weight), linear.forwardSync(weight))
  })
})

test('the layers are made of weights alone, and say so', () => {
  for (const Layer of [Linear, Embedding]) {
    const make = (): unknown => Reflect.construct(Layer, [2, 3])
    expectError(make, TypeError, 'ERR_ARG_TYPE', 'no constructor', `${Layer.name}.fromStateDict`)
  }
})

describe('arguments by their names, weights of their own', () => {
  test('an embedding keeps a copy of a float32 weight', () => {
    const weight = tensor([[1], [2]])
    const embedding = Embedding.fromStateDict({ weight })
    weight.data.fill(NaN)
    expect(embedding.forwardSync(tensor([1, 0], [2], 'int32')).data).toEqual(Float32Array.of(2, 1))
  })

  test('packed input that has lost its memory is refused by name', () => {
    const linear = Linear.fromStateDict({ weight: zeros(2, 3) })
    const packed = packSequence([zeros(4, 3)])
    structuredClone(packed.data.data.buffer, { transfer: [packed.data.data.buffer as ArrayBuffer] })
    expectError(() => linear.forwardSync(packed), TypeError, 'ERR_DETACHED', 'input.data', 'transferred')
  })

  test('a prefix is text', () => {
    expectError(
      () => Linear.fromStateDict({}, { prefix: 3 as never }),
      TypeError,
      'ERR_ARG_TYPE',
      'options.prefix',
      '3'
    )
  })

  test('if the bias alone is there, the weight is listed as missing', () => {
    const whole = { 'head.bias': zeros(2), 'tail.weight': zeros(2, 2), 'tail.bias': zeros(2) }
    expectError(
      () => Linear.fromStateDict(whole, { prefix: 'head.' }),
      RangeError,
      'ERR_STATE_DICT',
      'weight is missing',
      'Linear'
    )
  })
})
