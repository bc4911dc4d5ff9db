'use strict'
// Timing: contestants take turns, A B A B, in one process; what is reported is the median of the turns and their quartiles.
// A ratio is taken round by round, of turns that follow each other, and its median reported: a machine whose speed
// changes over seconds changes both.

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Waits until no thread of this process is busy: a runtime's threads spin on after a call, for tens of milliseconds, and
 * would be in the way of whoever comes next. The time of a thread that runs is counted at the ticks of the kernel's clock,
 * every 4 or 10 milliseconds: over less than a few of them a thread that spins may seem to rest.
 */
async function settle() {
  for (let i = 0; i < 20; ++i) {
    const started = performance.now()
    const before = process.cpuUsage()
    await sleep(25)
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1000 < 0.1 * (performance.now() - started)) return
  }
}

function quartiles(values) {
  const sorted = Float64Array.from(values).sort()
  const at = (share) => {
    const position = share * (sorted.length - 1)
    const below = Math.floor(position)
    return sorted[below] + (position - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below])
  }
  return { q1: rounded(at(0.25)), median: rounded(at(0.5)), q3: rounded(at(0.75)), samples: sorted.length }
}

/** Four significant digits: more than any of these measurements has. */
const rounded = (value) => (value === null ? null : Number(value.toPrecision(4)))

// Milliseconds of `count` runs, one after the other.
async function timed({ run, sync }, count) {
  const started = performance.now()
  if (sync) for (let i = 0; i < count; ++i) run()
  else for (let i = 0; i < count; ++i) await run()
  return performance.now() - started
}

/**
 * Milliseconds of runs that are not timed, at the beginning of a turn: what is measured is a runtime at work, whose threads
 * are awake and whose memory is there.
 */
const warmUp = 10

/**
 * Times contestants in turn: { name: { run, sync } }, `sync` if run returns no promise, or { name: { time } } with
 * time(count) → milliseconds. `prepare()`, if there is one, is called before each turn, and `rest` are milliseconds that
 * threads outside this process need to come to rest after it. `extra()`, if given, is called once a round, for what else
 * is to be measured at the same time. If by `isFit`, of what extra() gave, the machine is not fit for a round, the round
 * waits until it is; all rounds together no longer than twice `seconds`.
 *
 * @returns `times`, { name: { median, q1, q3, samples } }, and `rounds`, a list of { name: time } and `extra`, what
 *   extra() gave; in milliseconds a run. A round leaves out who was not measured in it.
 */
async function compare(contestants, { seconds, least = 5, turn = 20, extra, isFit = () => true }) {
  const entries = Object.entries(contestants).filter(([, contestant]) => contestant)
  const turns = []
  for (const [name, contestant] of entries) {
    const { prepare = () => {}, rest = 0 } = contestant
    const time = contestant.time ? (count) => contestant.time(count) : (count) => timed(contestant, count)
    await settle()
    prepare()
    // The first run pays for what is made lazily; the second says how many fill a turn.
    await time(1)
    const once = await time(1)
    const count = Math.max(1, Math.ceil(turn / Math.max(once, 1e-4)))
    const estimate = count > 1 ? (await time(count)) / count : once
    turns.push({
      name,
      time,
      count: Math.max(1, Math.ceil(turn / Math.max(estimate, 1e-4))),
      estimate,
      prepare,
      rest
    })
  }
  // `least` rounds, though for runs of seconds three will do.
  const rounds = []
  const started = performance.now()
  let waited = 0
  const passed = () => (performance.now() - started) / 1000 - waited
  for (let round = 0; passed() < seconds || (round < least && (round < 3 || passed() < 2 * seconds)); ++round) {
    rounds.push({})
    if (extra) {
      await settle()
      rounds[round].extra = await extra()
      while (!isFit(rounds[round].extra) && waited < 2 * seconds) {
        const since = performance.now()
        await sleep(100)
        rounds[round].extra = await extra()
        waited += (performance.now() - since) / 1000
      }
    }
    for (const { name, time, count, estimate, prepare, rest } of turns) {
      // What is very slow beside the budget is measured less often.
      if (round >= 2 && estimate * least > 1000 * seconds && round % 3 !== 0) continue
      await settle()
      prepare()
      if (estimate < 1000) await time(Math.ceil(warmUp / estimate))
      rounds[round][name] = (await time(count)) / count
      await sleep(rest)
    }
  }
  const times = Object.fromEntries(turns.map(({ name }) => [name, over(rounds, (round) => round[name])]))
  return { times, rounds }
}

/** The quartiles of a value of each round, of those that have it; null if none has. */
function over(rounds, value) {
  const values = rounds.map(value).filter(Number.isFinite)
  return values.length > 0 ? quartiles(values) : null
}

module.exports = { compare, over, quartiles, rounded, settle, sleep }
