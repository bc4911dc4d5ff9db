'use strict'
// ONNX models of one recurrent node, written byte by byte: protobuf needs no library for so little. Field numbers are
// those of onnx.proto; weights are PyTorch's and are put into ONNX's order of gates.

const varint = 0
const lengthDelimited = 2

// A message is a list of its encoded fields.
function unsigned(value) {
  const bytes = []
  for (let left = BigInt(value); ; left >>= 7n) {
    if (left < 128n) return Buffer.from([...bytes, Number(left)])
    bytes.push(Number(left & 127n) | 128)
  }
}

const tag = (field, wireType) => unsigned((field << 3) | wireType)
const int = (field, value) => Buffer.concat([tag(field, varint), unsigned(value)])
const bytes = (field, value) => Buffer.concat([tag(field, lengthDelimited), unsigned(value.length), value])
const string = (field, value) => bytes(field, Buffer.from(value))
const message = (field, ...fields) => bytes(field, Buffer.concat(fields))

const elementType = { float: 1, int32: 6 }
const attributeType = { int: 2, string: 3, strings: 8 }

// TensorProto
function initializer(name, data, dims) {
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return message(5, ...dims.map((dim) => int(1, dim)), int(2, elementType.float), string(8, name), bytes(9, raw))
}

// ValueInfoProto: a number is a dimension, a string the name of one that may vary.
function valueInfo(field, name, type, dims) {
  const shape = dims.map((dim) => message(1, typeof dim === 'number' ? int(1, dim) : string(2, dim)))
  return message(field, string(1, name), message(2, message(1, int(1, elementType[type]), message(2, ...shape))))
}

// AttributeProto
const intAttribute = (name, value) => message(5, string(1, name), int(3, value), int(20, attributeType.int))
const stringsAttribute = (name, values) =>
  message(5, string(1, name), ...values.map((value) => string(9, value)), int(20, attributeType.strings))

// For each kind: the place in PyTorch's order of each of ONNX's gates, and the attributes that make the mathematics PyTorch's.
const kinds = {
  LSTM: { gates: [0, 3, 1, 2], attributes: [] }, // i f g o → i o f c
  GRU: { gates: [1, 0, 2], attributes: [intAttribute('linear_before_reset', 1)] }, // r z n → z r h
  RNN: { gates: [0], attributes: [stringsAttribute('activations', ['Tanh'])] }
}

function reordered(gates, parameters) {
  const size = parameters.length / gates.length
  const result = new Float32Array(parameters.length)
  gates.forEach((gate, i) => result.set(parameters.subarray(gate * size, (gate + 1) * size), i * size))
  return result
}

/**
 * The bytes of a model with one LSTM, GRU or RNN node of one layer and direction.
 *
 * Inputs X [steps, batch, inputSize], sequence_lens [batch] if `lengths`, initial_h (and initial_c) [1, batch, hiddenSize]
 * if `state`; outputs Y [steps, 1, batch, hiddenSize], Y_h and, for the LSTM, Y_c [1, batch, hiddenSize].
 */
function recurrentModel(kind, { inputSize, hiddenSize, parameters, lengths = false, state = false }) {
  const { gates, attributes } = kinds[kind]
  const rows = gates.length * hiddenSize
  const order = (name) => reordered(gates, parameters[name])
  const bias = new Float32Array(2 * rows)
  bias.set(order('bias_ih_l0'))
  bias.set(order('bias_hh_l0'), rows)

  const hasCell = kind === 'LSTM'
  const stateShape = [1, 'batch', hiddenSize]
  const names = ['X', 'W', 'R', 'B', lengths ? 'sequence_lens' : '', state ? 'initial_h' : '']
  if (state && hasCell) names.push('initial_c')
  const outputs = hasCell ? ['Y', 'Y_h', 'Y_c'] : ['Y', 'Y_h']

  // NodeProto
  const node = message(
    1,
    ...names.map((name) => string(1, name)),
    ...outputs.map((name) => string(2, name)),
    string(4, kind),
    intAttribute('hidden_size', hiddenSize),
    ...attributes
  )
  // GraphProto
  const graph = message(
    7,
    node,
    string(2, kind),
    initializer('W', order('weight_ih_l0'), [1, rows, inputSize]),
    initializer('R', order('weight_hh_l0'), [1, rows, hiddenSize]),
    initializer('B', bias, [1, 2 * rows]),
    valueInfo(11, 'X', 'float', ['steps', 'batch', inputSize]),
    ...(lengths ? [valueInfo(11, 'sequence_lens', 'int32', ['batch'])] : []),
    ...names.slice(5).flatMap((name) => (name ? [valueInfo(11, name, 'float', stateShape)] : [])),
    valueInfo(12, 'Y', 'float', ['steps', 1, 'batch', hiddenSize]),
    ...outputs.slice(1).map((name) => valueInfo(12, name, 'float', stateShape))
  )
  // ModelProto: IR version 8, opset 14
  return Buffer.concat([int(1, 8), graph, message(8, int(2, 14))])
}

module.exports = { recurrentModel }
