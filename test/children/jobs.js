'use strict'

// Runs the jobs that the parent process sends (see test/support.ts), with the instruction set that PACKED_RNN_ISA names.
const packedRnn = require('../..')

process.once('message', (jobs) => {
  const results = jobs.map(run)
  process.send({ isa: packedRnn.runtime.isa, results }, () => process.disconnect())
})

function run({ module, options, stateDict, input, state }) {
  const instance = new packedRnn[module](options, stateDict)
  const given = Array.isArray(input) ? new packedRnn.PackedSequence(...input) : input
  const result = instance.forwardSync(given, state)
  const output = Array.isArray(input) ? result.output.data : result.output
  return { output: output.data, h: result.state.h.data, c: result.state.c?.data }
}
