'use strict'
// What the machine can do: the fma peak of each instruction set, the bandwidth of each level of memory, and how soon two
// threads see what the other has written.
const fs = require('node:fs')
const { lib } = require('../rivals/packed-rnn')
const { quartiles, rounded, sleep } = require('../measure')

/** Bytes of each data cache, where Linux tells. */
function caches() {
  const folder = '/sys/devices/system/cpu/cpu0/cache'
  const levels = { L1: 32 * 1024, L2: 1024 ** 2, L3: 32 * 1024 ** 2 }
  if (!fs.existsSync(folder)) return levels
  for (const index of fs.readdirSync(folder).filter((name) => name.startsWith('index'))) {
    const read = (name) => fs.readFileSync(`${folder}/${index}/${name}`, 'utf8').trim()
    if (read('type') !== 'Instruction') levels[`L${read('level')}`] = parseInt(read('size'), 10) * 1024
  }
  return levels
}

async function measure({ meter, isa, quick, log }) {
  const peaks = []
  for (const name of lib.runtime.supportedIsas) {
    const gflops = [await meter.fma(name, 1), await meter.fma(name, 2)]
    if (gflops[0] !== null) peaks.push({ isa: name, gflops: gflops.map(rounded) })
  }
  const sizes = caches()
  // Half of a cache, for it is shared with what else is running; of memory, far more than any cache.
  const spans = { L1: sizes.L1 / 2, L2: sizes.L2 / 2, L3: sizes.L3 / 4, memory: 16 * sizes.L3 }
  const bandwidth = []
  for (const [level, bytes] of Object.entries(spans).slice(0, quick ? 2 : 4)) {
    const gbps = [await meter.read(isa, bytes, 1), await meter.read(isa, bytes / 2, 2)]
    if (gbps[0] !== null) bandwidth.push({ level, bytes, gbps: gbps.map(rounded) })
  }
  // The processors of a virtual machine may move: so over a second or two.
  const distances = []
  for (let i = 0; i < (quick ? 1 : 15); ++i) {
    distances.push(await meter.distance())
    await sleep(quick ? 0 : 100)
  }
  const distance = quartiles(distances)
  for (const { isa: name, gflops } of peaks) log(`${name}: ${gflops.join(' / ')} GFLOP/s at 1 / 2 threads`)
  for (const { level, gbps } of bandwidth) log(`${level}: ${gbps.join(' / ')} GB/s at 1 / 2 threads`)
  log(`a cache line there and back: ${distance.median} ns`)
  return { peaks, bandwidth, distance }
}

module.exports = { measure }
