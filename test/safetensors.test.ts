import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type DType, loadSafetensors, saveSafetensors, type StateDict, tensor, Tensor, type TypedArray } from '../lib'
import { generator, randomTensor, resizable } from './support'

const folder = mkdtempSync(path.join(tmpdir(), 'packed-rnn-'))
const file = (name: string): string => path.join(folder, name)
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** A file of a header, as text or bytes, and so many bytes of data. */
function bytesOf(header: string | Uint8Array | object, data: Uint8Array | number = 0): Uint8Array {
  const text = typeof header === 'string' || header instanceof Uint8Array ? header : JSON.stringify(header)
  const head = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const body = typeof data === 'number' ? new Uint8Array(data) : data
  const bytes = new Uint8Array(8 + head.length + body.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true)
  bytes.set(head, 8)
  bytes.set(body, 8 + head.length)
  return bytes
}

const info = (dtype: unknown, shape: unknown, ...offsets: unknown[]): object => ({
  dtype,
  shape,
  data_offsets: offsets
})
const floats = (...shape: number[]): Tensor => randomTensor(generator(50), shape)

/** The bytes of a 16-bit type's elements. */
const halves = (...bits: number[]): Uint8Array => new Uint8Array(Uint16Array.from(bits).buffer)

const everyType: Record<string, Tensor<TypedArray>> = Object.fromEntries(
  (['float32', 'float64', 'int8', 'uint8', 'int16', 'int32', 'int64', 'bool'] as DType[]).map((type, i) => {
    return [`of.${type}`, tensor([1, 0, 1, 1, 0, 1].slice(0, 3 + (i % 3)), undefined, type)]
  })
)

describe('round trip', () => {
  async function roundTrip(
    stateDict: StateDict,
    metadata?: Record<string, string>
  ): Promise<Awaited<ReturnType<typeof loadSafetensors>>> {
    await saveSafetensors(file('a.safetensors'), stateDict, metadata)
    return loadSafetensors(file('a.safetensors'))
  }

  test('keeps names, types, shapes and values of every type', async () => {
    const loaded = await roundTrip(everyType)
    expect(new Set(Object.keys(loaded))).toEqual(new Set(Object.keys(everyType)))
    for (const [name, expected] of Object.entries(everyType)) {
      expect(loaded[name]).toBeInstanceOf(Tensor)
      expect(loaded[name]).toEqual(expected)
    }
  })

  test('keeps metadata, and scalars, empty tensors and names of all kinds', async () => {
    const names = ['', 'weight ü 🦜', 'a"b\\c\n', 'constructor', 'toString', '0', 'null']
    const stateDict = Object.fromEntries(names.map((name, i) => [name, floats(i, 2)]))
    stateDict['scalar'] = floats()
    const metadata = { format: 'pt', 'schlüssel "1"': '{"nested": [1]}', '': '' }
    const loaded = await roundTrip(stateDict, metadata)
    expect({ ...loaded }).toEqual(stateDict)
    expect(loaded.metadata).toEqual(metadata)
    expect(loaded['scalar']!.shape).toEqual([])
    expect(loaded['']!.shape).toEqual([0, 2])
  })

  test('a Map, dims instead of shape, a part of a buffer: what counts is what is in them', async () => {
    const whole = Float32Array.of(1, 2, 3, 4, 5, 6)
    const dict = new Map([['part', { data: whole.subarray(2, 4), dims: [1, 2] }]])
    const loaded = await roundTrip(dict)
    expect(loaded['part']!.toArray()).toEqual([[3, 4]])
  })

  test('an empty dict', async () => {
    const loaded = await roundTrip({})
    expect(Object.keys(loaded)).toEqual([])
    expect(loaded.metadata).toEqual({})
  })

  test('the name __proto__ is a name', async () => {
    const loaded = await roundTrip(
      new Map([['__proto__', floats(2)]]),
      JSON.parse('{"__proto__": "x"}') as Record<string, string>
    )
    expect(Object.entries(loaded)).toEqual([['__proto__', floats(2)]])
    expect(Object.entries(loaded.metadata)).toEqual([['__proto__', 'x']])
    expect(Object.getPrototypeOf(loaded)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined()
  })

  test('what is overwritten after the call has been written as it was', async () => {
    const weight = floats(1000)
    const before = weight.data.slice()
    const saved = saveSafetensors(file('b.safetensors'), { weight })
    weight.data.fill(NaN)
    await saved
    const bytes = new Uint8Array(readFileSync(file('b.safetensors')))
    const loading = loadSafetensors(bytes)
    bytes.fill(0xff)
    expect((await loading)['weight']!.data).toEqual(before)
  })
})

describe('the file', () => {
  test('is what the format says: sizes, padding and alignment', async () => {
    await saveSafetensors(
      file('c.safetensors'),
      { b: tensor([1, 2, 3], [3], 'uint8'), a: tensor([[1.5]], undefined, 'float64') },
      { k: 'v' }
    )
    const bytes = readFileSync(file('c.safetensors'))
    const size = Number(bytes.readBigUInt64LE(0))
    expect(size % 8).toBe(0)
    expect(JSON.parse(bytes.toString('utf8', 8, 8 + size))).toEqual({
      __metadata__: { k: 'v' },
      a: info('F64', [1, 1], 0, 8),
      b: info('U8', [3], 8, 11)
    })
    expect(bytes.length).toBe(8 + size + 11)
    expect(bytes.readDoubleLE(8 + size)).toBe(1.5)
  })

  test('is found by path, by URL, and taken as bytes, Buffer or shared memory', async () => {
    await saveSafetensors(pathToFileURL(file('d.safetensors')), { a: floats(3) })
    const buffer = readFileSync(file('d.safetensors'))
    const shared = new Uint8Array(new SharedArrayBuffer(buffer.length))
    shared.set(buffer)
    const odd = new Uint8Array(buffer.length + 3).subarray(3)
    odd.set(buffer)
    for (const source of [
      file('d.safetensors'),
      pathToFileURL(file('d.safetensors')),
      buffer,
      new Uint8Array(buffer),
      shared,
      odd
    ]) {
      const { a } = await loadSafetensors(source)
      expect(a).toEqual(floats(3))
      expect(a!.data.buffer.byteLength).toBe(12)
    }
  })

  test('written by the reference implementation is read', async () => {
    const loaded = await loadSafetensors(path.join(__dirname, 'golden', 'lstm-unsorted.safetensors'))
    expect(loaded.metadata).toMatchObject({ module: 'LSTM', torch: '2.13.0+cpu' })
    expect(loaded['packed.batch_sizes']!.type).toBe('int64')
    expect(loaded['output64.data']!.type).toBe('float64')
    expect(loaded['weights.weight_ih_l0']!.shape).toEqual([60, 8])
  })

  test('metadata is not met by who goes through the tensors', async () => {
    const loaded = await loadSafetensors(bytesOf({ __metadata__: { a: 'b' }, x: info('U8', [1], 0, 1) }, 1))
    expect(Object.keys(loaded)).toEqual(['x'])
    expect(Object.keys({ ...loaded })).toEqual(['x'])
    expect(JSON.stringify(loaded)).not.toContain('metadata')
    expect(loaded.metadata).toEqual({ a: 'b' })
    expect(Object.isFrozen(loaded.metadata)).toBe(true)
  })

  test('that is not there, or no file, is the error of Node', async () => {
    await expect(loadSafetensors(file('none'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(loadSafetensors(folder)).rejects.toMatchObject({ code: 'EISDIR' })
    await expect(loadSafetensors(new URL('https://example.com/a'))).rejects.toMatchObject({
      code: 'ERR_INVALID_URL_SCHEME'
    })
    await expect(saveSafetensors(path.join(folder, 'no', 'a'), {})).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('types that are widened', () => {
  test('F16: every one of its values', async () => {
    const bits = Array.from({ length: 0x10000 }, (_, i) => i)
    const { a } = await loadSafetensors(bytesOf({ a: info('F16', [0x10000], 0, 0x20000) }, halves(...bits)))
    expect(a!.type).toBe('float32')
    const wrong = bits.filter((half) => {
      const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023]
      const special = fraction === 0 ? sign * Infinity : NaN
      const normal = sign * 2 ** (exponent - 15) * (1 + fraction / 1024)
      const subnormal = sign * fraction * 2 ** -24
      return !Object.is(a!.data[half], exponent === 31 ? special : exponent === 0 ? subnormal : normal)
    })
    expect(wrong).toEqual([])
  })

  test('BF16: the upper half of a float32', async () => {
    const bits = [0x0000, 0x8000, 0x3f80, 0xc049, 0x7f80, 0xff80, 0x0001, 0x7f7f]
    const { a } = await loadSafetensors(bytesOf({ a: info('BF16', [2, 4], 0, 16) }, halves(...bits)))
    expect(a!.shape).toEqual([2, 4])
    expect(Array.from(new Uint32Array(a!.data.buffer))).toEqual(bits.map((half) => half * 0x10000))
    expect(a!.data.slice(0, 6)).toEqual(Float32Array.of(0, -0, 1, -3.140625, Infinity, -Infinity))
  })
})

describe('what is no safetensors file is refused, saying what is wrong and where', () => {
  const notUtf8 = Buffer.from(JSON.stringify({ '?': info('U8', [0], 0, 0) }))
  notUtf8[notUtf8.indexOf('?')] = 0xff
  const wrong: [string, Uint8Array, string][] = [
    ['no bytes', new Uint8Array(0), '0 bytes'],
    ['fewer bytes than a length has', new Uint8Array(7), '7 bytes'],
    ['a header that is cut off', bytesOf('{}').subarray(0, 9), 'header length of 2 runs past its end at 9 bytes'],
    ['a length beyond all files', new Uint8Array(16).fill(0xff), 'header length of 18446744073709552000'],
    [
      'a length beyond the limit',
      bytesOf(' '.repeat(2 ** 24 + 1)),
      'header length of 16777217 is past the limit of 16777216'
    ],
    ['no header', bytesOf(''), 'not JSON'],
    ['a header that is no JSON', bytesOf('{"a": '), 'not JSON'],
    ['a header that is not UTF-8', bytesOf(notUtf8), 'not JSON in UTF-8'],
    ['a byte order mark', bytesOf('\ufeff{}'), 'not JSON'],
    ...['[]', 'null', '3', '"a"'].map((json): [string, Uint8Array, string] => [
      `the header ${json}`,
      bytesOf(json),
      'not a JSON object'
    ]),
    // Parsing the first two would take some hundred MB, and seconds.
    ['deep nesting', bytesOf(`{"a": ${'['.repeat(2 ** 23)}`), 'nests lists or objects'],
    ['lists of objects', bytesOf(`{"a": [{}${',{}'.repeat(2 ** 22)}]}`), 'nests lists or objects'],
    ['deep nesting of objects', bytesOf(`${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`), 'nests lists or objects'],
    ['a name that does not end', bytesOf('{"a'), 'not JSON'],
    ['brackets that do not begin', bytesOf(']}}{"a": {"b": 1}}'), 'not JSON'],
    [
      'more dimensions than there are',
      bytesOf({ a: info('U8', Array(65).fill(1) as number[], 0, 1) }, 1),
      '65 dimensions'
    ],
    [
      'a name twice',
      bytesOf('{"a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}, "\\u0061": {}}'),
      '"a" more than once'
    ],
    [
      'a field twice',
      bytesOf('{"a": {"dtype": "U8", "dtype": "I8", "shape": [0], "data_offsets": [0, 0]}}'),
      '"dtype" more than once'
    ],
    ['metadata twice', bytesOf('{"__metadata__": {}, "__metadata__": {}}'), '"__metadata__" more than once'],
    ['metadata that is no object', bytesOf({ __metadata__: 'x' }), '__metadata__'],
    ['metadata that is no text', bytesOf({ __metadata__: { a: 1 } }), '__metadata__ is not an object of strings'],
    ['a tensor that is no object', bytesOf({ a: 3 }), 'tensor "a"'],
    ['a tensor that is a list', bytesOf({ a: [] }), 'tensor "a"'],
    ...[undefined, 'F8', 'f32', '__proto__', 'constructor', 5, null, {}].map((dtype): [string, Uint8Array, string] => [
      `the dtype ${JSON.stringify(dtype) ?? 'of none'}`,
      bytesOf({ a: info(dtype, [0], 0, 0) }),
      'tensor "a" has dtype'
    ]),
    ...[undefined, 3, 'x', [-1], [1.5], ['1'], [null], [2 ** 53], {}].map((shape): [string, Uint8Array, string] => [
      `the shape ${JSON.stringify(shape) ?? 'of none'}`,
      bytesOf({ a: info('U8', shape, 0, 1) }, 1),
      'tensor "a" has a shape'
    ]),
    ...[[], [0], [0, 1, 1], [-1, 0], [0, 0.5], ['0', 1], [null, 1]].map((offsets): [string, Uint8Array, string] => [
      `the offsets ${JSON.stringify(offsets)}`,
      bytesOf({ a: info('U8', [1], ...offsets) }, 1),
      'tensor "a" has data_offsets'
    ]),
    ['a shape that overflows', bytesOf({ a: info('F32', [2 ** 31, 2 ** 31, 4], 0, 0) }), 'data_offsets are [0, 0]'],
    [
      'a shape that overflows to infinity',
      bytesOf({ a: info('U8', Array(40).fill(2 ** 50), 0, 0) }),
      'has Infinity bytes'
    ],
    [
      'a shape that does not fit its offsets',
      bytesOf({ a: info('F32', [3], 0, 8) }, 8),
      '"F32" of shape [3], has 12 bytes'
    ],
    ['offsets in reverse', bytesOf({ a: info('U8', [0], 4, 3) }, 4), 'data_offsets are [4, 3]'],
    ['offsets past the end', bytesOf({ a: info('U8', [9], 0, 9) }, 8), 'take 9 bytes, but 8 follow'],
    ['offsets far past the end', bytesOf({ a: info('U8', [2 ** 52], 0, 2 ** 52) }, 8), 'but 8 follow'],
    [
      'tensors that overlap',
      bytesOf({ a: info('U8', [4], 0, 4), b: info('U8', [4], 3, 7) }, 7),
      'tensor "b" starts at byte 3 of the data and overlaps'
    ],
    ['tensors that are the same bytes', bytesOf({ a: info('U8', [4], 0, 4), b: info('U8', [4], 0, 4) }, 4), 'overlaps'],
    [
      'a gap',
      bytesOf({ a: info('U8', [1], 0, 1), b: info('U8', [1], 2, 3) }, 3),
      'tensor "b" starts at byte 2 of the data and leaves a gap'
    ],
    ['a gap at the start', bytesOf({ a: info('U8', [1], 1, 2) }, 2), 'leaves a gap'],
    ['bytes after the last tensor', bytesOf({ a: info('U8', [1], 0, 1) }, 2), 'take 1 bytes, but 2 follow'],
    ['data without tensors', bytesOf({}, 1), 'take 0 bytes, but 1 follow'],
    ['a tensor called metadata', bytesOf({ metadata: info('U8', [0], 0, 0) }), 'a tensor called "metadata"']
  ]

  test.each(wrong)('%s, as bytes and as a file', async (_, bytes, says) => {
    const expectRefused = async (source: string | Uint8Array, name: string): Promise<void> => {
      const loading = loadSafetensors(source)
      await expect(loading).rejects.toMatchObject({ name: 'RangeError', code: 'ERR_FILE_FORMAT' })
      await expect(loading).rejects.toThrow(says)
      await expect(loading).rejects.toThrow(name)
    }
    await expectRefused(bytes, 'the given Uint8Array')
    writeFileSync(file('wrong.safetensors'), bytes)
    await expectRefused(file('wrong.safetensors'), 'wrong.safetensors')
  })

  test('a file that is cut off at any byte', async () => {
    const header = { __metadata__: { a: 'b' }, x: info('F32', [2], 0, 8), y: info('I64', [1], 8, 16) }
    const whole = bytesOf(header, 16)
    await expect(loadSafetensors(whole)).resolves.toHaveProperty('x')
    for (let size = 0; size < whole.length; ++size) {
      await expect(loadSafetensors(whole.slice(0, size))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' })
    }
  })

  test('a file with any byte of its header turned is refused with a code, or read', async () => {
    const whole = bytesOf({ __metadata__: { a: 'b' }, x: info('F32', [2], 0, 8), y: info('I64', [1], 8, 16) }, 16)
    const random = generator(51)
    let refused = 0
    for (let at = 0; at < whole.length - 16; ++at) {
      const turned = whole.slice()
      turned[at] = Math.floor(random() * 256)
      const error: unknown = await loadSafetensors(turned).then(
        () => null,
        (caught: unknown) => caught
      )
      if (error === null) continue
      expect(error).toMatchObject({ code: 'ERR_FILE_FORMAT' })
      ++refused
    }
    expect(refused).toBeGreaterThan(50)
  })

  test('valid, if unusual: spaces in the header, fields that nobody knows, tensors in another order than their bytes', async () => {
    const header = ` {"b": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2], "note": {"dtype": 1}},\n"a":{"shape":[],"data_offsets":[0,1],"dtype":"U8"}}   `
    await expect(loadSafetensors(bytesOf(header, Uint8Array.of(7, 8)))).resolves.toEqual({
      a: tensor(7, [], 'uint8'),
      b: tensor([8], [1], 'uint8')
    })
  })
})

describe('pickles are refused, with the line of Python that converts them', () => {
  const convert = /python -c "import torch.*torch\.load\('model\.pt'.*weights_only=True.*'model\.safetensors'\)"/
  const zip = Buffer.from('504b030400000808000000000000', 'hex')
  const pickle = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')

  test.each([
    ['a zip, as torch.save writes now', 'model.bin', zip],
    ['a pickle, as it wrote before', 'model.bin', pickle],
    ['protocol 4', 'model.bin', Buffer.from('8004950a000000000000007d942e', 'hex')],
    ['anything by the name of .pt', 'model.pt', Buffer.from('what is this')],
    ['anything by the name of .pth', 'model.PTH', Buffer.from('(dp0\n.')]
  ])('%s', async (_, name, bytes) => {
    writeFileSync(file(name), bytes)
    await expect(loadSafetensors(file(name))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' })
    await expect(loadSafetensors(file(name))).rejects.toThrow(convert)
  })

  test('as bytes as well', async () => {
    for (const bytes of [zip, pickle]) await expect(loadSafetensors(bytes)).rejects.toThrow(convert)
    await expect(loadSafetensors(zip)).rejects.toThrow('it is a zip, and holds a pickle if torch.save')
    await expect(loadSafetensors(pickle)).rejects.toThrow('it is a pickle')
  })

  test('but a header whose length looks like a pickle is none', async () => {
    const header = JSON.stringify({ x: info('U8', [1], 0, 1) }).padEnd(0x0280)
    await expect(loadSafetensors(bytesOf(header, 1))).resolves.toHaveProperty('x')
  })
})

describe('arguments', () => {
  test('a file is a path, a URL or bytes', async () => {
    for (const source of [undefined, null, 3, {}, new Float32Array(2), new ArrayBuffer(8)]) {
      await expect(loadSafetensors(source as never)).rejects.toMatchObject({ code: 'ERR_ARG_TYPE' })
      await expect(saveSafetensors(source as never, {})).rejects.toMatchObject({ code: 'ERR_ARG_TYPE' })
    }
  })

  test('only tensors are saved, and only text as metadata', async () => {
    const save = (stateDict: unknown, metadata?: unknown): Promise<void> =>
      saveSafetensors(file('e.safetensors'), stateDict as StateDict, metadata as Record<string, string>)
    await expect(save({ a: 3 })).rejects.toMatchObject({ code: 'ERR_ARG_TYPE' })
    await expect(save({ a: 3 })).rejects.toThrow('stateDict["a"]')
    await expect(save(null)).rejects.toMatchObject({ code: 'ERR_ARG_TYPE' })
    await expect(save({}, { a: 1 })).rejects.toThrow('metadata["a"]')
    await expect(save({}, 'x')).rejects.toMatchObject({ code: 'ERR_ARG_TYPE' })
    await expect(save({}, new Map([['a', 'x']]))).rejects.toMatchObject({ code: 'ERR_ARG_TYPE' })
    await expect(save({ a: { data: new Float32Array(0), shape: [3] } })).rejects.toMatchObject({ code: 'ERR_SHAPE' })
    await expect(save({}, { a: 'x'.repeat(2 ** 24) })).rejects.toMatchObject({ code: 'ERR_ARG_VALUE' })
    await expect(save({}, { a: 'x'.repeat(2 ** 24) })).rejects.toThrow('16777216 bytes')
    for (const name of ['metadata', '__metadata__']) {
      await expect(save({ [name]: floats(1) })).rejects.toMatchObject({ code: 'ERR_ARG_VALUE' })
    }
  })

  test('metadata is read once, and before the tensors', async () => {
    const buffer = resizable(8)
    let reads = 0
    const metadata = {
      get note() {
        buffer.resize(0)
        return ++reads === 1 ? 'x' : (5 as never)
      }
    }
    const saving = saveSafetensors(file('f.safetensors'), { a: new Tensor(new Float32Array(buffer), [2]) }, metadata)
    await expect(saving).rejects.toMatchObject({ code: 'ERR_DETACHED' })
    expect(reads).toBe(1)
  })

  test('a path may be a folder of another name', async () => {
    mkdirSync(file('sub.pt'))
    await saveSafetensors(path.join(file('sub.pt'), 'a.safetensors'), { a: floats(1) })
    await expect(loadSafetensors(path.join(file('sub.pt'), 'a.safetensors'))).resolves.toHaveProperty('a')
  })
})

describe('reading a file', () => {
  /** Has reads give no more bytes than so many, and none from a position on. */
  function readingAtMost(most: number, end = Infinity): void {
    const open = fs.open.bind(fs)
    jest.spyOn(fs, 'open').mockImplementation(async (name, ...rest) => {
      const handle = await open(name, ...rest)
      const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<unknown>
      let reads = 0
      handle.read = ((into: Uint8Array, at: number, length: number, position: number) => {
        if (++reads > 1000) throw new Error('it reads on and on')
        return read(into, at, Math.max(0, Math.min(length, most, end - position)), position)
      }) as never
      return handle
    })
  }

  afterEach(() => {
    jest.restoreAllMocks()
  })

  test('a file is closed, whether it is read or refused', async () => {
    const opened = jest.spyOn(fs, 'open')
    writeFileSync(file('wrong'), bytesOf('[]'))
    writeFileSync(file('right'), bytesOf('{}'))
    await expect(loadSafetensors(file('wrong'))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' })
    await loadSafetensors(file('right'))
    const handles = await Promise.all(opened.mock.results.map(({ value }) => value as ReturnType<typeof fs.open>))
    expect(handles.map(({ fd }) => fd)).toEqual([-1, -1])
  })

  test('a file that is read in pieces', async () => {
    const a = floats(5)
    await saveSafetensors(file('pieces'), { a })
    readingAtMost(3)
    await expect(loadSafetensors(file('pieces'))).resolves.toEqual({ a })
  })

  test('a file that is cut off while it is read', async () => {
    const bytes = bytesOf({ a: info('U8', [9], 0, 9) }, 9)
    writeFileSync(file('cut'), bytes)
    const end = bytes.length - 4
    readingAtMost(Infinity, end)
    const loading = loadSafetensors(file('cut'))
    await expect(loading).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT',
      message: expect.stringContaining(`ended at byte ${String(end)} while`) as string
    })
  })

  test('a broken file in a folder called .pt is no pickle', async () => {
    mkdirSync(file('sub.pt'), { recursive: true })
    const broken = path.join(file('sub.pt'), 'b.safetensors')
    writeFileSync(broken, 'what is this')
    await expect(loadSafetensors(broken)).rejects.toThrow('past the limit')
  })

  test('more names than the heap has room for are refused before they are parsed', () => {
    const script = `
      const names = Array.from({ length: 1.2e6 }, (_, i) => '"' + i.toString(36) + '":0').join()
      const header = Buffer.from('{"a":{' + names + '}}')
      const bytes = new Uint8Array(8 + header.length)
      new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true)
      bytes.set(header, 8)
      require(${JSON.stringify(path.join(__dirname, '..'))}).loadSafetensors(bytes).catch((e) => console.log(e.code, e.message))`
    const printed = execFileSync(process.execPath, ['--max-old-space-size=128', '-e', script], { encoding: 'utf8' })
    expect(printed).toMatch(/^ERR_ALLOCATION .*received 1200001 names in its header/)
  })
})

describe('edges of what is valid', () => {
  test('the largest header is read back', async () => {
    const empty = JSON.stringify({ __metadata__: { a: '' } }).length
    await saveSafetensors(file('most'), {}, { a: 'x'.repeat(2 ** 24 - empty) })
    const { metadata } = await loadSafetensors(file('most'))
    expect(metadata['a']).toHaveLength(2 ** 24 - empty)
  })

  test('a pickle of protocol 5 is known as one', async () => {
    await expect(loadSafetensors(Buffer.from('8005950a000000000000007d942e', 'hex'))).rejects.toThrow(/python -c/)
  })

  test('a tensor without elements may stand after the one at its offset', async () => {
    const loaded = await loadSafetensors(bytesOf({ a: info('U8', [2], 0, 2), b: info('U8', [0], 0, 0) }, 2))
    expect(Object.keys(loaded)).toEqual(['a', 'b'])
  })

  test('a name twice in a note, an object too deep, as many dimensions as there may be', async () => {
    const field = (note: string): Uint8Array =>
      bytesOf(`{"a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0], "note": ${note}}}`)
    await expect(loadSafetensors(field('{"b": 1, "b": 1}'))).resolves.toHaveProperty('a')
    await expect(loadSafetensors(field('{"b": {}}'))).rejects.toThrow('nests lists or objects')
    await expect(loadSafetensors(bytesOf({ a: info('U8', Array(64).fill(1), 0, 1) }, 1))).resolves.toHaveProperty('a')
  })

  test('the cause of a header that is no JSON is what JSON.parse said', async () => {
    await expect(loadSafetensors(bytesOf('{'))).rejects.toHaveProperty('cause.name', 'SyntaxError')
  })
})
