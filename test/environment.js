'use strict'

const { TestEnvironment } = require('jest-environment-node')

// Jest runs tests in a realm of their own, while the arrays and errors that the addon makes belong to the main one, where
// `instanceof Float32Array` and `toThrow(RangeError)` would not know them. So tests are given the main realm's intrinsics.
const intrinsics = [
  'Error',
  'RangeError',
  'TypeError',
  'SyntaxError',
  'Object',
  'Array',
  'Promise',
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Float32Array',
  'Float64Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Uint16Array',
  'Uint32Array',
  'BigInt64Array',
  'BigUint64Array'
]

module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context)
    for (const name of intrinsics) this.global[name] = globalThis[name]
  }
}
