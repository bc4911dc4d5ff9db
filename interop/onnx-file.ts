import { readFileSync } from 'node:fs'

/** What an ONNX model of a single recurrent node holds. */
export interface RecurrentNode {
  readonly operator: string
  readonly initializers: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>
}

type Field = readonly [number: number, value: number | Buffer]

/** Field numbers of onnx.proto, by message. */
const model = { graph: 7 }
const graph = { node: 1, initializer: 5 }
const node = { operator: 4 }
const tensor = { dims: 1, dataType: 2, name: 8, rawData: 9 }
const float = 1

export function readRecurrentNode(file: string): RecurrentNode {
  const fields = read(only(read(readFileSync(file)), model.graph))
  const initializers = all(fields, graph.initializer).map((message) => {
    const parts = read(message)
    if (number(parts, tensor.dataType) !== float) throw new Error(`${file}: expected initialisers of float`)
    const shape = parts.filter(([id]) => id === tensor.dims).map(([, extent]) => extent as number)
    const data = new Float32Array(Uint8Array.from(only(parts, tensor.rawData)).buffer)
    return [only(parts, tensor.name).toString(), { shape, data }] as const
  })
  const operator = only(read(only(fields, graph.node)), node.operator).toString()
  return { operator, initializers: Object.fromEntries(initializers) }
}

function all(fields: readonly Field[], id: number): Buffer[] {
  return fields.filter(([field]) => field === id).map(([, value]) => value as Buffer)
}

function only(fields: readonly Field[], id: number): Buffer {
  const [first, ...others] = all(fields, id)
  if (!first || others.length > 0) throw new Error(`expected one field ${id}`)
  return first
}

function number(fields: readonly Field[], id: number): number | undefined {
  return fields.find(([field]) => field === id)?.[1] as number | undefined
}

/** The fields of a protobuf message: numbers and, still to be read, byte strings. */
function read(message: Buffer): Field[] {
  const fields: Field[] = []
  let position = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[position++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (position < message.length) {
    const key = varint()
    const wireType = key & 7
    if (wireType === 0) {
      fields.push([key >> 3, varint()])
    } else if (wireType === 2) {
      const length = varint()
      fields.push([key >> 3, message.subarray(position, (position += length))])
    } else {
      position += wireType === 1 ? 8 : 4
    }
  }
  return fields
}
