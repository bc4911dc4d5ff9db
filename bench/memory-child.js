'use strict'
// Prints, in MB, what one runtime needs for a workload: arguments are the runtime and the workload's shape as JSON.
const fs = require('node:fs')
const { createWorkload } = require('./workload')

// The peak since resetPeak(); Linux keeps it, and forgets it on request.
const status = (field) =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
const resetPeak = () => fs.writeFileSync('/proc/self/clear_refs', '5')
const resident = () => {
  globalThis.gc()
  globalThis.gc()
  return status('VmRSS')
}

async function main([runtime, shape]) {
  const workload = createWorkload(JSON.parse(shape))
  const { hiddenSize, batch, steps, rows, parameters } = workload
  const { packedRnn } = require('./rivals/packed-rnn')
  // Before the weights: the runtime is loaded, the workload exists.
  const create = runtime === 'packed-rnn' ? packedRnn : (given) => require('./rivals/onnxruntime').onnxruntime(given, 1)
  await (await create(createWorkload({ hiddenSize: 8, batch: 1, steps: 1 }))).run()
  const before = resident()
  const contestant = await create(workload)
  // A packed copy of the input is input, too.
  const packedInput = contestant.given?.batchSizes ? contestant.given.data.data.byteLength / 2 ** 20 : 0
  const loaded = resident()
  resetPeak()
  await contestant.run()
  const peak = status('VmHWM')
  const weights = Object.values(parameters).reduce((sum, { byteLength }) => sum + byteLength, 0) / 2 ** 20
  const outputRows = runtime === 'packed-rnn' ? rows : batch * steps
  const outputs = ((outputRows + 2 * batch) * hiddenSize * 4) / 2 ** 20
  const round = (value) => Number(value.toFixed(1))
  console.log(
    JSON.stringify({
      weights: round(weights),
      loaded: round(loaded - before - packedInput),
      outputs: round(outputs),
      run: round(peak - loaded),
      beyond: round(peak - before - packedInput - weights - outputs)
    })
  )
}

main(process.argv.slice(2))
