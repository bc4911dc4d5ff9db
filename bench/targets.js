'use strict'
// What packed-rnn is to reach. How it is to compare with onnxruntime-node stands with each shape, in workload.js.
module.exports = {
  /** Of the fma peak, from eight sequences on. */
  peakShare: { avx512: 0.92, avx2: 0.85 },
  /** Of the memory's limit, for a single sequence. */
  memoryShare: 0.95,
  /** Two threads against one, from eight sequences on. */
  twoThreads: 1.85,
  /** Packed time against fill x full time, at most. */
  fill: 1.05,
  /** µs of a step over the kernel's own, at most. */
  stepOverhead: 1.5,
  /** Times of one copy, at most. */
  packing: 1.5,
  /** Two threads beside a busy core against one, at most. */
  contention: 1.05,
  /** A step from a subnormal state against one from a normal state, at most. */
  subnormal: 2,
  /** The load average from which on measurements are noise. */
  busyLoad: 0.5
}
