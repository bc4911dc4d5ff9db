'use strict'

// A process whose threads are at work makes others, by cluster and by fork; each computes the same. Prints their sums.
const cluster = require('node:cluster')
const { fork } = require('node:child_process')
const { LSTM, setNumThreads, Tensor } = require('../..')

setNumThreads(3)
const input = new Tensor(
  Float32Array.from({ length: 60 * 32 * 16 }, (_, i) => Math.sin(i)),
  [60, 32, 16]
)
const weights = new LSTM({ inputSize: 16, hiddenSize: 64 }).stateDict()
for (const { data } of Object.values(weights)) data.forEach((_, i) => (data[i] = Math.cos(i) / 8))
const lstm = LSTM.fromStateDict(weights)

const sum = async () => (await lstm.forward(input)).output.data.reduce((a, b) => a + b)

async function main() {
  const first = sum()
  const children = [cluster.fork(), cluster.fork(), fork(__filename, ['child']), fork(__filename, ['child'])]
  const once = (event) => Promise.all(children.map((child) => new Promise((resolve) => child.once(event, resolve))))
  const exits = once('exit')
  const messages = once('message')
  const sums = [await first, ...(await messages)]
  const codes = await exits
  console.log(JSON.stringify({ sums, codes }))
}

if (cluster.isPrimary && process.argv[2] !== 'child') main()
else sum().then((result) => process.send(result, () => process.disconnect()))
