import { type FileHandle, open, writeFile } from 'node:fs/promises'
import { describe, room, shapeText, typedArrayName } from './check'
import { expected, fail } from './errors'
import { allocateData } from './memory'
import { type DType, type TypedArray, type View, mostDimensions, sizeOf, Tensor, view } from './tensor'
import { type StateDict, entriesOf } from './weights'

/**
 * A state dict as a file holds it. The metadata is not enumerable: who goes through the parameters does not meet it, though
 * TypeScript believes so unless it is told: `Object.entries<Tensor<TypedArray>>(loaded)`.
 */
export type LoadedStateDict = Record<string, Tensor<TypedArray>> & {
  readonly metadata: Readonly<Record<string, string>>
}

/** An element type of the format: its bytes, and the type that its elements are read as. */
interface Format {
  readonly bytes: number
  readonly type: DType
  /** Turns what was read as int16 into float32. */
  readonly widen?: (halves: Int16Array) => Float32Array
}

const formats: ReadonlyMap<unknown, Format> = new Map<unknown, Format>([
  ['F64', { bytes: 8, type: 'float64' }],
  ['I64', { bytes: 8, type: 'int64' }],
  ['F32', { bytes: 4, type: 'float32' }],
  ['I32', { bytes: 4, type: 'int32' }],
  ['F16', { bytes: 2, type: 'int16', widen: widenFloat16 }],
  ['BF16', { bytes: 2, type: 'int16', widen: widenBfloat16 }],
  ['I16', { bytes: 2, type: 'int16' }],
  ['I8', { bytes: 1, type: 'int8' }],
  ['U8', { bytes: 1, type: 'uint8' }],
  ['BOOL', { bytes: 1, type: 'bool' }]
])

const dtypes = new Map([...formats].filter(([, { widen }]) => !widen).map(([dtype, { type }]) => [type, dtype]))

/** A hundred thousand tensors fit. */
const maxHeaderSize = 2 ** 24

/** What a name and its value take of the heap, at the most. */
const nameBytes = 128

/** A tensor of a file: where its bytes are, and the array that they are read into. */
interface Entry {
  readonly key: string
  readonly format: Format
  readonly shape: readonly number[]
  readonly position: number
  readonly data: TypedArray
}

interface Header {
  readonly names: readonly string[]
  /** The tensors that are wanted. */
  readonly entries: readonly Entry[]
  readonly metadata: Readonly<Record<string, string>>
}

/** What is read of a file. */
interface Contents {
  /** In the order of the header; nothing for a tensor that is not wanted. */
  readonly tensors: ReadonlyMap<string, Tensor<TypedArray> | undefined>
  readonly metadata: Readonly<Record<string, string>>
}

/** Tells by its name whether a tensor is to be read. */
type IsWanted = (name: string) => boolean

/**
 * Reads a safetensors file, every tensor straight into an array of its own. F16 and BF16 are widened to float32.
 *
 * The file may come from anywhere: its header is checked in full before memory is taken for a tensor.
 *
 * @param file a path, a file URL, or the bytes of a file, which are copied before this returns
 * @returns the tensors by name, and the file's `metadata`
 * @throws ERR_FILE_FORMAT, saying what is wrong and where, and for a pickle file (.pt, .pth) how it is converted;
 *   ERR_ARG_TYPE; ERR_ALLOCATION; Node's own error (ENOENT, EACCES) for a file that cannot be read
 * @see https://huggingface.co/docs/safetensors
 */
export async function loadSafetensors(file: string | URL | Uint8Array): Promise<LoadedStateDict> {
  const { tensors, metadata } = await readSafetensors(file, () => true)
  return Object.defineProperty(Object.fromEntries(tensors), 'metadata', { value: metadata }) as LoadedStateDict
}

/** The same for some of the tensors: of the others it does not matter whether their type can be read. */
export async function readSafetensors(file: string | URL | Uint8Array, isWanted: IsWanted): Promise<Contents> {
  if (typedArrayName(file) === 'Uint8Array') return fromBytes(file as Uint8Array, isWanted)
  return fromFile(pathOf(file, 'a path, a file URL or a Uint8Array'), isWanted)
}

/**
 * Writes a safetensors file. The tensors have been copied when this returns.
 *
 * @param file a path or a file URL
 * @param stateDict the tensors by name
 * @param metadata notes of any kind, kept with them
 * @throws ERR_ARG_TYPE for anything but tensors or, in the metadata, strings; ERR_ARG_VALUE for a name that the format
 *   keeps for itself, or for more names and metadata than are read back; ERR_SHAPE, ERR_DTYPE or ERR_DETACHED for what
 *   is no sound tensor; ERR_ALLOCATION; Node's own error for a file that cannot be written
 */
export async function saveSafetensors(
  file: string | URL,
  stateDict: StateDict,
  metadata: Readonly<Record<string, string>> = {}
): Promise<void> {
  await writeFile(pathOf(file, 'a path or a file URL'), toBytes(stateDict, metadata))
}

function pathOf(file: unknown, wanted: string): string | URL {
  if (typeof file === 'string' || file instanceof URL) return file
  return expected('ERR_ARG_TYPE', wanted, 'file', describe(file))
}

function fromBytes(bytes: Uint8Array, isWanted: IsWanted): Contents {
  const name = 'the given Uint8Array'
  const headerSize = headerSizeOf(copyOf(bytes, 0, 8), bytes.length, name)
  const header = parseHeader(copyOf(bytes, 8, 8 + headerSize), bytes.length, name, isWanted)
  for (const { data, position } of header.entries) {
    bytesOf(data).set(bytes.subarray(position, position + data.byteLength))
  }
  return contentsOf(header)
}

/** Unlike Buffer's own slice a copy, and never of shared memory. */
function copyOf(bytes: Uint8Array, begin: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(begin, end))
}

async function fromFile(file: string | URL, isWanted: IsWanted): Promise<Contents> {
  const name = JSON.stringify(String(file))
  const handle = await open(file)
  try {
    const { size } = await handle.stat()
    const headerSize = headerSizeOf(await read(handle, new Uint8Array(Math.min(8, size)), 0, name), size, name)
    const header = parseHeader(await read(handle, new Uint8Array(headerSize), 8, name), size, name, isWanted)
    for (const { data, position } of header.entries) await read(handle, bytesOf(data), position, name)
    return contentsOf(header)
  } finally {
    await handle.close()
  }
}

async function read(handle: FileHandle, into: Uint8Array, position: number, name: string): Promise<Uint8Array> {
  const most = 2 ** 30
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, Math.min(into.length - done, most), position + done)
    if (bytesRead === 0) invalid(name, `it ended at byte ${String(position + done)} while it was being read`)
    done += bytesRead
  }
  return into
}

function invalid(name: string, what: string): never {
  fail('ERR_FILE_FORMAT', `${name} is not a valid safetensors file: ${what}`)
}

/** The size of the header, from the first 8 bytes of a file: the place where a pickle or a zip is found out. */
function headerSizeOf(head: Uint8Array, fileSize: number, name: string): number {
  const size = head.length < 8 ? Infinity : Number(new DataView(head.buffer).getBigUint64(0, true))
  if (size <= Math.min(fileSize - 8, maxHeaderSize)) return size
  const isPickle = head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5
  const isZip = head[0] === 0x50 && head[1] === 0x4b
  if (isPickle || isZip || /\.(pt|pth)"$/i.test(name)) {
    const convert = `python -c "import torch, safetensors.torch as s; d = torch.load('model.pt', map_location='cpu', weights_only=True); s.save_file({k: v.contiguous().clone() for k, v in d.get('state_dict', d).items()}, 'model.safetensors')"`
    const what = isZip
      ? 'it is a zip, and holds a pickle if torch.save has written it'
      : 'it is a pickle, as torch.save writes'
    invalid(name, `${what}; loading that would run its code. Convert it with\n  ${convert}`)
  }
  if (head.length < 8) invalid(name, `it has ${String(fileSize)} bytes, but starts with a header length of 8`)
  if (size > maxHeaderSize)
    fail(
      'ERR_FILE_FORMAT',
      `${name} is no safetensors file, or damaged: its header length of ${String(size)} is past the limit of ${String(maxHeaderSize)}`
    )
  return invalid(name, `its header length of ${String(size)} runs past its end at ${String(fileSize)} bytes`)
}

function parseHeader(bytes: Uint8Array, fileSize: number, name: string, isWanted: IsWanted): Header {
  const { __metadata__: metadata = {}, ...tensors } = parseFields(bytes, name)
  const start = 8 + bytes.length
  const infos = Object.entries(tensors).map(([key, value]) => infoOf(key, value, name, isWanted))
  checkLayout(infos, fileSize - start, name)
  return {
    metadata: metadataOf(metadata, name),
    names: infos.map(({ key }) => key),
    entries: infos.flatMap(({ key, format, shape, begin }) => {
      if (!format) return []
      return { key, format, shape, position: start + begin, data: allocateData(format.type, sizeOf(shape)) }
    })
  }
}

function parseFields(bytes: Uint8Array, name: string): Record<string, unknown> {
  const parsed = <T>(parse: () => T): T => {
    try {
      return parse()
    } catch (cause) {
      return fail('ERR_FILE_FORMAT', `${name} is not a valid safetensors file: its header is not JSON in UTF-8`, cause)
    }
  }
  const text = parsed(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  const { names, nested } = survey(text)
  if (nested) invalid(name, 'its header nests lists or objects as no safetensors file does')
  room(names, nameBytes, name, `${String(names)} names in its header`)
  const fields = parsed(() => JSON.parse(text) as unknown)
  if (!isObject(fields)) invalid(name, 'its header is not a JSON object')
  const twice = duplicateName(text)
  if (twice !== undefined) invalid(name, `its header has ${describe(twice)} more than once`)
  return fields
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * What JSON, if it is JSON, is like before it is parsed: values by the million would take seconds, and all of the heap.
 * `nested`: there is more in an array than single values, or an object in an object in an object in an object.
 */
function survey(json: string): { readonly names: number; readonly nested: boolean } {
  let names = 0
  let depth = 0
  let inArray = false
  for (let i = 0; i < json.length; ++i) {
    const character = json[i]
    if (character === '{' || character === '[') {
      if (inArray || depth === 3) return { names, nested: true }
      if (character === '[') inArray = true
      else ++depth
    } else if (character === ']') inArray = false
    else if (character === '}') --depth
    else if (character === '"') i = endOfString(json, i)
    else if (character === ':') ++names
  }
  return { names, nested: false }
}

/** Where a string ends that starts there. */
function endOfString(json: string, start: number): number {
  let i = start + 1
  while (i < json.length && json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i
}

/** The first name that stands twice in valid JSON, in the outermost object or in one directly inside it. */
function duplicateName(json: string): string | undefined {
  const names: Set<string>[] = []
  let depth = 0
  let string = ''
  for (let i = 0; i < json.length; ++i) {
    const character = json[i]
    if (character === '{') names[++depth] = new Set()
    else if (character === '}') --depth
    else if (character === '"') {
      const start = i
      i = endOfString(json, start)
      string = json.slice(start, i + 1)
    } else if (character === ':' && depth <= 2) {
      const name = string.includes('\\') ? (JSON.parse(string) as string) : string.slice(1, -1)
      if (names[depth]!.has(name)) return name
      names[depth]!.add(name)
    }
  }
  return undefined
}

function metadataOf(fields: unknown, name: string): Readonly<Record<string, string>> {
  if (!isObject(fields) || !Object.values(fields).every((value) => typeof value === 'string')) {
    invalid(name, 'its __metadata__ is not an object of strings')
  }
  return Object.freeze(fields as Record<string, string>)
}

/** A tensor of a header, checked on its own; begin and end are bytes of the data. */
interface Info {
  readonly key: string
  /** Nothing for one that is not wanted. */
  readonly format: Format | undefined
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

function infoOf(key: string, value: unknown, name: string, isWanted: IsWanted): Info {
  const tensor = `tensor ${describe(key)}`
  const wanted = isWanted(key)
  if (wanted && key === 'metadata')
    fail('ERR_FILE_FORMAT', `${name} has a tensor called "metadata", as its notes are called: rename it`)
  if (!isObject(value)) invalid(name, `${tensor} is not described by an object`)
  const { dtype, shape, data_offsets: offsets } = value
  const format = formats.get(dtype)
  if (wanted && !format) {
    const readable = [...formats.keys()].join(', ')
    fail(
      'ERR_FILE_FORMAT',
      `${name} cannot be read: ${tensor} has dtype ${describe(dtype)}, which is none of ${readable}`
    )
  }
  if (!areSizes(shape)) invalid(name, `${tensor} has a shape that is not a list of whole numbers from 0`)
  if (shape.length > mostDimensions) invalid(name, `${tensor} has ${String(shape.length)} dimensions`)
  if (!areSizes(offsets) || offsets.length !== 2) invalid(name, `${tensor} has data_offsets that are not two positions`)
  const [begin, end] = offsets as [number, number]
  const size = format ? sizeOf(shape) * format.bytes : Math.max(0, end - begin)
  if (size !== end - begin) {
    const text = `${describe(dtype)} of shape ${shapeText(shape)}`
    invalid(name, `${tensor}, ${text}, has ${String(size)} bytes, but its data_offsets are ${shapeText(offsets)}`)
  }
  return { key, format: wanted ? format : undefined, shape, begin, end }
}

function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)
}

/** The tensors must follow one another without gap or overlap, and fill the data. */
function checkLayout(infos: readonly Info[], dataSize: number, name: string): void {
  let position = 0
  for (const { key, begin, end } of infos.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) {
      const problem = begin < position ? 'overlaps the tensor before it' : 'leaves a gap before it'
      invalid(name, `tensor ${describe(key)} starts at byte ${String(begin)} of the data and ${problem}`)
    }
    position = end
  }
  if (position !== dataSize) {
    invalid(name, `its tensors take ${String(position)} bytes, but ${String(dataSize)} follow the header`)
  }
}

function contentsOf({ names, entries, metadata }: Header): Contents {
  const tensors = new Map<string, Tensor<TypedArray> | undefined>(names.map((name) => [name, undefined]))
  for (const { key, format, shape, data } of entries) {
    const { type, widen } = format
    tensors.set(key, widen ? new Tensor(widen(data as Int16Array), shape) : new Tensor(data, shape, type))
  }
  return { tensors, metadata }
}

/** Of the float16's bits, those of exponent and fraction have their place in a float32 of 2^-112 times its value. */
function widenFloat16(halves: Int16Array): Float32Array {
  const floats = allocateData('float32', halves.length) as Float32Array
  const bits = new Uint32Array(floats.buffer)
  halves.forEach((half, i) => {
    bits[i] = (half & 0x7fff) << 13
    floats[i] = floats[i]! * 2 ** 112
    const infinite = (half & 0x7c00) === 0x7c00 ? 0x7f800000 : 0
    bits[i] = bits[i] | infinite | ((half & 0x8000) << 16)
  })
  return floats
}

function widenBfloat16(halves: Int16Array): Float32Array {
  const floats = allocateData('float32', halves.length) as Float32Array
  const bits = new Uint32Array(floats.buffer)
  halves.forEach((half, i) => (bits[i] = half << 16))
  return floats
}

function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function toBytes(stateDict: StateDict, metadata: unknown): Uint8Array {
  const notes = notesOf(metadata) // before the tensors: getters may do anything
  const tensors = tensorsOf(stateDict)
  const fields: [string, unknown][] = []
  let size = 0
  for (const [name, { data, shape, type }] of tensors) {
    const offsets = [size, (size += data.byteLength)]
    fields.push([name, { dtype: dtypes.get(type), shape, data_offsets: offsets }])
  }
  if (Object.keys(notes).length > 0) fields.unshift(['__metadata__', notes])
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)))
  const start = 8 + Math.ceil(json.length / 8) * 8
  if (start - 8 > maxHeaderSize) {
    const received = `a header of ${String(start - 8)}`
    expected('ERR_ARG_VALUE', `names, shapes and metadata of ${String(maxHeaderSize)} bytes`, 'stateDict', received)
  }
  const bytes = allocateData('uint8', start + size) as Uint8Array
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true)
  bytes.fill(0x20, 8, start)
  bytes.set(json, 8)
  let position = start
  for (const [, { data }] of tensors) {
    bytes.set(bytesOf(data), position)
    position += data.byteLength
  }
  return bytes
}

/** The tensors to be written, the widest elements first: readers that map the file find every element aligned. */
function tensorsOf(stateDict: StateDict): [string, View][] {
  const tensors = [...entriesOf(stateDict)].map(([name, value]): [string, View] => {
    if (name === 'metadata' || name === '__metadata__') {
      expected('ERR_ARG_VALUE', 'names other than "metadata" and "__metadata__"', 'stateDict', describe(name))
    }
    return [name, view(value, `stateDict[${describe(name)}]`)]
  })
  return tensors.sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT)
}

function notesOf(metadata: unknown): Readonly<Record<string, string>> {
  if (!isObject(metadata) || metadata instanceof Map) {
    expected('ERR_ARG_TYPE', 'an object of strings', 'metadata', describe(metadata))
  }
  const notes = Object.entries(metadata)
  for (const [name, value] of notes) {
    if (typeof value !== 'string') expected('ERR_ARG_TYPE', 'a string', `metadata[${describe(name)}]`, describe(value))
  }
  return Object.fromEntries(notes) as Record<string, string>
}
