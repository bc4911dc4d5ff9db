'use strict'
// Ours and the rivals on the shapes of the table, at one thread and at two, beside what the machine can do.
const { lib, packedRnn, packedRnnFromPadded } = require('../rivals/packed-rnn')
const { onnxruntime } = require('../rivals/onnxruntime')
const { tfjs } = require('../rivals/tfjs')
const { torch } = require('../rivals/torch')
const { compare, quartiles, rounded } = require('../measure')
const { largestError, referencesOf } = require('../reference')
const { createWorkload, tableShapes } = require('../workload')

/** What a rival may take of the measuring time: TensorFlow.js is left out where it would need seconds a run. */
const mostFlops = { tfjs: 4e9 }

/**
 * The least time that the machine allows, in ms: all arithmetic at the fma peak; for a single sequence, where the
 * recurrent product is bound by memory, the input's product at the peak and the recurrent weights read once a step.
 */
async function leastTime(workload, threads, { meter, isa }) {
  const peak = await meter.fma(isa, threads)
  if (peak === null) return { peak, least: null }
  if (workload.batch > 1) return { peak, least: workload.flops / peak / 1e6 }
  const bandwidth = await meter.read(isa, workload.recurrentBytes / threads, threads)
  const reading = (workload.recurrentBytes * workload.rows) / bandwidth / 1e6
  return { peak, bandwidth, least: workload.inputFlops / peak / 1e6 + reading }
}

async function measureRow(shape, workload, references, threads, context) {
  lib.setNumThreads(threads)
  const contestants = {
    ours: packedRnn(workload),
    fromPadded: workload.full ? null : packedRnnFromPadded(workload),
    onnxruntime: await onnxruntime(workload, threads),
    torch: context.torch ? await torch(workload, threads) : null,
    tfjs: threads === 1 && workload.flops < mostFlops.tfjs ? await tfjs(workload) : null
  }
  const limits = []
  const extra = async () => limits.push(await leastTime(workload, threads, context))
  const times = await compare(contestants, { ...context.budget(2.5), extra })
  const errors = {}
  for (const [name, contestant] of Object.entries(contestants)) {
    if (contestant?.output) errors[name] = rounded(await largestError(contestant, workload, references))
    await contestant?.close()
  }
  const median = (name) => (limits[0][name] ? quartiles(limits.map((limit) => limit[name])).median : null)
  return {
    ...shape,
    target: shape.target?.[threads - 1],
    threads,
    times,
    errors,
    about: contestants.torch?.about,
    gflops: rounded(workload.flops / times.ours.median / 1e6),
    peak: median('peak'),
    bandwidth: median('bandwidth'),
    share: limits[0].least === null ? null : rounded(median('least') / times.ours.median)
  }
}

async function measure(context) {
  const rows = []
  const shapes = context.quick ? tableShapes.filter(({ hiddenSize }) => hiddenSize === 128) : tableShapes
  for (const shape of shapes) {
    const workload = createWorkload(shape)
    const references = referencesOf(workload)
    for (const threads of [1, 2]) {
      const row = await measureRow(shape, workload, references, threads, context)
      const { ours, onnxruntime: theirs } = row.times
      const ratio = theirs ? `, onnxruntime ${theirs.median} ms, ${(theirs.median / ours.median).toFixed(2)}x` : ''
      context.log(
        `${shapeText(row)}, ${threads} thread(s): ${ours.median} ms${ratio}, ${percent(row.share)} of the limit`
      )
      rows.push(row)
    }
  }
  return rows
}

const shapeText = ({ kind, hiddenSize, batch, steps, lengths }) =>
  `${kind} H=${hiddenSize} B=${batch}${lengths ? ` ${lengths}` : ''} T=${steps}`
const percent = (share) => (share === null ? '?' : `${Math.round(100 * share)} %`)

module.exports = { measure }
