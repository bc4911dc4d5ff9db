'use strict'

// Run with --expose-gc. A run of which nobody holds anything but its promise: prints which of the module and the arrays
// that it writes are collected while it is under way, and whether they are afterwards.
const { native } = require('../../dist/binding')

const [inputSize, hiddenSize, steps] = [64, 256, 6000]
const numbers = (size) => new Float32Array(size).fill(0.01)

function start() {
  const parameters = [numbers(4 * hiddenSize * inputSize), numbers(4 * hiddenSize * hiddenSize)]
  const module = native.createRecurrent('lstm', inputSize, hiddenSize, 0, 1, 1, false, parameters)
  const [output, hn, cn] = [steps * hiddenSize, hiddenSize, hiddenSize].map(numbers)
  const running = native.forward(
    module,
    numbers(steps * inputSize),
    null,
    null,
    1,
    steps,
    false,
    null,
    null,
    output,
    hn,
    cn
  )
  const held = { module, output, hn, cn }
  return { running, references: Object.entries(held).map(([name, value]) => [name, new WeakRef(value)]) }
}

async function collect() {
  await new Promise(setImmediate) // a WeakRef holds its object until the next turn
  global.gc()
}

async function main() {
  const { running, references } = start()
  const gone = () => references.filter(([, reference]) => !reference.deref()).map(([name]) => name)
  let [ended, turns] = [false, 0]
  running.then(() => (ended = true))
  let meanwhile = []
  for (; ; ++turns) {
    await collect()
    if (ended) break
    meanwhile = gone()
    if (meanwhile.length > 0) break
  }
  await running
  for (let i = 0; i < 10; ++i) await collect()
  console.log(JSON.stringify({ turns, meanwhile, afterwards: gone() }))
}

main()
