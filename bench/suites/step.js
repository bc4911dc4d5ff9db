'use strict'
// One step of one sequence, from JavaScript to JavaScript: beside the kernel's own time, and beside onnxruntime-node.
// The kernel is timed as the calls are: the median of turns, with weights in the same kind of memory, gone through to and
// fro; but in a process of its own.
const { lib, packedRnn } = require('../rivals/packed-rnn')
const { onnxruntimeStep } = require('../rivals/onnxruntime')
const { compare, over, rounded } = require('../measure')
const { createWorkload } = require('../workload')

async function measure(context) {
  const rows = []
  for (const hiddenSize of context.quick ? [64] : [64, 128, 256, 512]) {
    for (const threads of [1, 2]) {
      lib.setNumThreads(threads)
      const workload = createWorkload({ hiddenSize, batch: 1, steps: 1 })
      const { module } = packedRnn(workload)
      const x = new lib.Tensor(workload.input, [1, hiddenSize])
      const stream = module.createStream()
      let state
      const contestants = {
        forwardSync: { sync: true, run: () => ({ state } = module.forwardSync(x, state)) },
        pushSync: { sync: true, run: () => stream.pushSync(x) },
        forward: { sync: false, run: () => module.forward(x, state) },
        onnxruntime: await onnxruntimeStep(workload, threads)
      }
      const extra = () => context.meter.step(context.isa, hiddenSize, 1)
      const { times, rounds } = await compare(contestants, { ...context.budget(1.5), extra })
      await contestants.onnxruntime?.close()
      const micros = Object.fromEntries(Object.entries(times).map(([name, time]) => [name, rounded(time.median * 1e3)]))
      const kernel = over(rounds, ({ extra: time }) => time).median
      const beyond = over(rounds, ({ pushSync, extra: time }) => 1e3 * pushSync - time)
      rows.push({ hiddenSize, threads, kernel, beyond, micros, times })
      context.log(`H=${hiddenSize}, ${threads} thread(s): kernel ${kernel} µs, ${JSON.stringify(micros)}`)
    }
  }
  return rows
}

module.exports = { measure }
