'use strict'

// Runs for which there is memory for inputs and outputs, but not for what they work in (Linux, --expose-gc). Prints the
// codes of their errors, and what comes of runs after them.
const { execFileSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const packedRnn = require('../..')

const steps = 1 << 22
// Between the layers of two directions there are four times as many floats as there are in the output.
const rnn = new packedRnn.RNN({ inputSize: 1, hiddenSize: 4, numLayers: 3, bidirectional: true })
const input = new packedRnn.Tensor(new Float32Array(steps), [steps, 1, 1])
// Many streams work in as much memory as their outputs take.
const stream = new packedRnn.RNN({ inputSize: 1, hiddenSize: 4 }).createStream()
const chunk = new packedRnn.Tensor(input.data, [steps, 1])
const short = new packedRnn.Tensor(new Float32Array(5000), [5000, 1, 1])

function limit(bytes) {
  execFileSync('prlimit', ['--pid', String(process.pid), `--as=${bytes}:unlimited`])
}

function limitToMore(bytes) {
  limit(bytes + 1024 * Number(/(?<=^VmSize:\s*)\d+/m.exec(readFileSync('/proc/self/status', 'utf8'))[0]))
}

async function main() {
  const { output } = await rnn.forward(short) // libuv has its threads from here on
  const codes = []
  const report = ({ name, code, message }) => codes.push(`${name} ${code}: ${message}`)
  // Packed: 16 MiB; output: 64 MiB; to work in: 64 MiB.
  limitToMore(110 * 2 ** 20)
  await packedRnn.stepStreams([stream], [chunk]).catch(report)
  limit('unlimited')
  for (let i = 0; i < 7; ++i) {
    // The output of the run before: collected, and, as the next collection makes sure, freed.
    global.gc()
    global.gc()
    // Output: 128 MiB; what is copied: 16 MiB; between layers: 256 MiB.
    limitToMore(250 * 2 ** 20)
    try {
      if (i === 0) rnn.forwardSync(input)
      else await rnn.forward(input)
    } catch (error) {
      report(error)
    }
    limit('unlimited')
  }
  const results = await Promise.all(Array.from({ length: 6 }, () => rnn.forward(short)))
  const same = results.every(
    (result) => Buffer.compare(Buffer.from(result.output.data.buffer), Buffer.from(output.data.buffer)) === 0
  )
  console.log(JSON.stringify({ codes, same, steps: stream.steps }))
}

main()
