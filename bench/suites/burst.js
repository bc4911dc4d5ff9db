'use strict'
// Many requests at once: concurrent forward() calls, and how long the event loop stands still meanwhile.
const { monitorEventLoopDelay } = require('node:perf_hooks')
const { lib, packedRnn } = require('../rivals/packed-rnn')
const { onnxruntime } = require('../rivals/onnxruntime')
const { compare, settle, sleep } = require('../measure')
const { createWorkload } = require('../workload')

const requests = 64

async function longestStall(run) {
  await settle()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await sleep(5)
  await run()
  await sleep(5)
  delay.disable()
  return delay.max / 1e6
}

async function measure(context) {
  lib.setNumThreads(2)
  const rows = []
  for (const shape of [
    { hiddenSize: 128, batch: 1, steps: 50 },
    { hiddenSize: 256, batch: 8, steps: 50 }
  ]) {
    const workload = createWorkload(shape)
    const { module, given } = packedRnn(workload)
    const theirs = await onnxruntime(workload, 2)
    const atOnce = (run) => () => Promise.all(Array.from({ length: requests }, run))
    const contestants = {
      forward: { sync: false, run: atOnce(() => module.forward(given)) },
      forwardSync: {
        sync: true,
        run() {
          for (let i = 0; i < requests; ++i) module.forwardSync(given)
        }
      },
      onnxruntime: theirs && { sync: false, run: atOnce(theirs.run) }
    }
    const { times } = await compare(contestants, context.budget(1.5))
    const stalls = { forward: await longestStall(contestants.forward.run) }
    if (theirs) stalls.onnxruntime = await longestStall(contestants.onnxruntime.run)
    await theirs?.close()
    rows.push({ ...shape, requests, times, stalls })
    context.log(`${requests} x H=${shape.hiddenSize} B=${shape.batch}: ${JSON.stringify(stalls)} ms of standstill`)
  }
  return rows
}

module.exports = { measure }
