'use strict'
// The program that measures what the machine can do (native/machine_meter.cpp), asked between two runs of what is
// compared with it.
const { spawn } = require('node:child_process')
const readline = require('node:readline')

class Meter {
  #process
  #answers

  constructor(program) {
    this.#process = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async #ask(...command) {
    this.#process.stdin.write(`${command.join(' ')}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error('The machine meter ended early')
    return Number(value) < 0 ? null : Number(value)
  }

  /** GFLOP/s of float32 fused multiply-adds; null where there is no such instruction set. */
  fma(isa, threads) {
    return this.#ask('fma', isa, threads)
  }

  /** GB/s of reading, each thread its own `bytes` over and over. */
  read(isa, bytes, threads) {
    return this.#ask('read', isa, bytes, threads)
  }

  /** ns that a cache line takes from one thread to another and back. */
  distance() {
    return this.#ask('distance')
  }

  /** µs of the LSTM kernel alone for one step of `rows` sequences, inputSize = hiddenSize = `units`. */
  step(isa, units, rows) {
    return this.#ask('step', isa, units, rows)
  }

  close() {
    this.#process.stdin.end()
  }
}

module.exports = { Meter }
