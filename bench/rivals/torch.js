'use strict'
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')

/** Debian's PyTorch belongs to Debian's Python. */
const python = '/usr/bin/python3'

const worker = path.join(__dirname, 'torch_worker.py')

function environment(threads) {
  // OpenBLAS may have threads of its own, which torch.set_num_threads does not reach. Its kernels and their blocks are
  // those that it chooses for the processor, whatever the environment asks for.
  const env = { ...process.env, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) }
  for (const name of ['OPENBLAS_CORETYPE', 'OPENBLAS_L2_SIZE']) delete env[name]
  return env
}

/** { version, blas }, what OpenBLAS says of itself or null for another one; null where there is no PyTorch. */
function torchAbout() {
  const options = { env: environment(1), input: '{"about": {}}\n', encoding: 'utf8' }
  const { status, stdout } = spawnSync(python, [worker], options)
  return status === 0 ? JSON.parse(stdout) : null
}

/**
 * A process of its own, which reads its own clock. Its turns come after those of the others: rounds that are longer by them
 * slowed small shapes down by half, everyone's, on a machine that takes back what memory has not been used for a while.
 */
async function torch(workload, threads) {
  const { kind, inputSize, hiddenSize, batch, steps, lengths, full, parameters, input } = workload
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'packed-rnn-bench-'))
  const file = path.join(folder, 'values')
  const child = spawn(python, [worker], { env: environment(threads), stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await answers.next()
    if (done) throw new Error('The PyTorch process ended early')
    return JSON.parse(value)
  }
  for (const array of [...Object.values(parameters), input]) fs.appendFileSync(file, array)
  const make = { kind, inputSize, hiddenSize, batch, steps, lengths: [...lengths], full, threads, file }
  await ask({ make })
  return {
    time: (count) => ask({ time: count }),
    rest: 50,
    async output(sequence) {
      await ask({ output: file, sequence })
      return new Float32Array(Uint8Array.from(fs.readFileSync(file)).buffer)
    },
    close() {
      child.stdin.end()
      fs.rmSync(folder, { recursive: true })
    }
  }
}

module.exports = { torch, torchAbout }
