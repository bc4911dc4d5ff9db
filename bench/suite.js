'use strict'
// Runs one suite in this process, started by run.js: arguments are the suite's name and its settings as JSON.
const { Meter } = require('./meter')
const { lib } = require('./rivals/packed-rnn')

async function main([name, settings]) {
  const { quick, torch, meter: program } = JSON.parse(settings)
  const meter = new Meter(program)
  const context = {
    quick,
    torch,
    meter,
    isa: lib.runtime.isa,
    /** How long to measure. */
    budget: (seconds) => (quick ? { seconds: 0.02, least: 2, turn: 1 } : { seconds }),
    log: (text) => console.error(`  ${text}`)
  }
  const result = await require(`./suites/${name}`).measure(context)
  meter.close()
  process.send(result, () => process.disconnect())
}

main(process.argv.slice(2))
