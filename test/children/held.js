'use strict'

// Run with --expose-gc. Runs of which nobody holds anything but their promise: prints for each which of the module and
// the arrays that it reads in place and writes are collected while it is under way, and whether they are afterwards.
const { native } = require('../../dist/binding')

const [inputSize, hiddenSize, steps] = [64, 256, 6000]
const numbers = (size) => new Float32Array(size).fill(0.01)

function lstm() {
  const parameters = [numbers(4 * hiddenSize * inputSize), numbers(4 * hiddenSize * hiddenSize)]
  return native.createRecurrent('lstm', inputSize, hiddenSize, 0, 1, 1, false, parameters)
}

const started = (running, held) => ({
  running,
  references: Object.entries(held).map(([name, value]) => [name, new WeakRef(value)])
})

const starts = {
  forward() {
    const module = lstm()
    const [output, hn, cn] = [steps * hiddenSize, hiddenSize, hiddenSize].map(numbers)
    const input = numbers(steps * inputSize)
    const running = native.forward(module, input, null, null, 1, steps, false, null, null, output, hn, cn)
    return started(running, { module, output, hn, cn })
  },
  advanceEach() {
    const module = lstm()
    const input = numbers(steps * inputSize)
    const [before, after, output] = [2 * hiddenSize, 2 * hiddenSize, steps * hiddenSize].map(numbers)
    const batchSizes = new Int32Array(steps).fill(1)
    const running = native.advanceEach(module, input, batchSizes, null, [before], [after], [output])
    return started(running, { module, input, before, after, output })
  }
}

async function collect() {
  await new Promise(setImmediate) // a WeakRef holds its object until the next turn
  global.gc()
}

async function follow({ running, references }) {
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
  return { turns, meanwhile, afterwards: gone() }
}

async function main() {
  const results = {}
  for (const [name, start] of Object.entries(starts)) results[name] = await follow(start())
  console.log(JSON.stringify(results))
}

main()
