'use strict'
// Ours and the rivals on the shapes of the table, at one thread and at two, beside what the machine can do.
const { packedRnn, packedRnnForward, packedRnnFromPadded, withThreads } = require('../rivals/packed-rnn')
const { onnxruntime } = require('../rivals/onnxruntime')
const { tfjs } = require('../rivals/tfjs')
const { torch } = require('../rivals/torch')
const { compare, over, rounded } = require('../measure')
const { largestError, referencesOf } = require('../reference')
const { createWorkload, tableShapes } = require('../workload')

/** What a rival may take of the measuring time: TensorFlow.js is left out where it would need seconds a run. */
const mostFlops = { tfjs: 4e9 }

/** Of any output: the time of wrong results is no time. */
const mostError = 1e-5

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

/** Two threads are measured on two cores: the processors of a virtual machine may share one for a while. */
const areTwoCores = ([one, two]) => one.peak === null || two.peak > 1.5 * one.peak

/** What measures a workload on so many threads; those that are not there are null. */
async function contestantsOf(workload, threads) {
  return {
    ours: withThreads(packedRnn(workload), threads),
    forward: withThreads(packedRnnForward(workload), threads),
    onnxruntime: await onnxruntime(workload, threads),
    fromPadded: workload.full ? null : withThreads(packedRnnFromPadded(workload), threads),
    tfjs: threads === 1 && workload.flops < mostFlops.tfjs ? await tfjs(workload) : null
  }
}

// The rows of one shape, for each number of threads. All of them take their turns in the same rounds, so that one and
// two threads are as comparable as ours and theirs.
async function measureShape(shape, context) {
  const workload = createWorkload(shape)
  const references = referencesOf(workload)
  const teams = []
  for (const threads of [1, 2]) teams.push({ threads, contestants: await contestantsOf(workload, threads) })
  const named = (team, name) => `${name} ${team.threads}`
  const everyone = Object.fromEntries(
    teams.flatMap((team) => Object.entries(team.contestants).map(([name, each]) => [named(team, name), each]))
  )
  const extra = async () => {
    const limits = []
    for (const { threads } of teams) limits.push(await leastTime(workload, threads, context))
    return limits
  }
  const { times, rounds } = await compare(everyone, { ...context.budget(5), extra, isFit: areTwoCores })
  const rows = []
  for (const [i, team] of teams.entries()) {
    const { threads, contestants } = team
    const turn = (name) => (round) => round[named(team, name)]
    const names = Object.keys(contestants).filter((name) => contestants[name])
    const errors = {}
    const finish = async (name, contestant) => {
      if (contestant.output) {
        errors[name] = rounded(await largestError(contestant, workload, references))
        if (!(errors[name] <= mostError)) throw new Error(`${name} is off by ${errors[name]}: ${JSON.stringify(shape)}`)
      }
      await contestant.close()
    }
    for (const name of names) await finish(name, contestants[name])
    const apart = {}
    if (context.torch) {
      const rival = await torch(workload, threads)
      Object.assign(apart, (await compare({ torch: rival }, context.budget(1))).times)
      await finish('torch', rival)
    }
    const ours = turn('ours')
    const gain = (name) => over(rounds, (round) => round[named(teams[0], name)] / turn(name)(round))
    rows.push({
      ...shape,
      target: shape.target?.[i],
      threads,
      times: { ...Object.fromEntries(names.map((name) => [name, times[named(team, name)]])), ...apart },
      ratio: over(rounds, (round) => turn('onnxruntime')(round) / ours(round)),
      onOneCore: threads > 1 ? rounds.filter((round) => !areTwoCores(round.extra)).length : 0,
      gains: { ours: gain('ours'), onnxruntime: gain('onnxruntime') },
      errors,
      gflops: over(rounds, (round) => workload.flops / ours(round) / 1e6).median,
      bandwidth: over(rounds, (round) => round.extra[i].bandwidth)?.median,
      share: over(rounds, (round) => round.extra[i].least && round.extra[i].least / ours(round))
    })
  }
  return rows
}

async function measure(context) {
  const rows = []
  const shapes = context.quick ? tableShapes.filter(({ hiddenSize }) => hiddenSize === 128) : tableShapes
  for (const shape of shapes) {
    for (const row of await measureShape(shape, context)) {
      const { ours, onnxruntime: theirs } = row.times
      const ratio = theirs ? `, onnxruntime ${theirs.median} ms, ${row.ratio.median.toFixed(2)}x` : ''
      context.log(
        `${shapeText(row)}, ${row.threads} thread(s): ${ours.median} ms${ratio}, ${percent(row.share?.median)} of the limit`
      )
      rows.push(row)
    }
  }
  return rows
}

const shapeText = ({ kind, hiddenSize, batch, steps, lengths }) =>
  `${kind} H=${hiddenSize} B=${batch}${lengths ? ` ${lengths}` : ''} T=${steps}`
const percent = (share) => (share === undefined ? '?' : `${Math.round(100 * share)} %`)

module.exports = { measure }
