'use strict'
// The tables of the documentation, as Markdown, from the results of the suites.
const targets = require('./targets')
const { gates } = require('./workload')

// ---- text ------------------------------------------------------------------------------------------------------------------

/** A Markdown table that is a table in a terminal, too. The first column is text, the others are numbers. */
function table(header, rows) {
  const cells = [header, ...rows].map((row) => row.map((cell) => String(cell ?? '')))
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n')
}

const significant = (value, digits = 3) => {
  if (value === undefined || value === null) return '–'
  const text = Number(value.toPrecision(digits))
  return Math.abs(value) >= 10 ** digits ? String(Math.round(value)) : String(text)
}
// The median of what was measured, or – if it was not; where it says spread, the quartiles in brackets.
const percent = (share) => (share ? `${(100 * share.median).toFixed(0)} %` : '–')
const times = (ratio) => (ratio ? `${ratio.median.toFixed(2)}x` : '–')
const ratioSpread = (ratio, unit = '') =>
  ratio ? `${ratio.median.toFixed(2)}${unit} (${ratio.q1.toFixed(2)}–${ratio.q3.toFixed(2)})` : '–'
const timesSpread = (ratio) => ratioSpread(ratio, 'x')
const exponent = (value) => (value === undefined ? '–' : value.toExponential(1))
const threadsText = (count) => `${count} ${count === 1 ? 'thread' : 'threads'}`
const spread = (time) => (time ? `${significant(time.median)} (${significant(time.q1)}–${significant(time.q3)})` : '–')

const lengthsText = { falling: ', lengths T…1' }
const shapeText = ({ kind, hiddenSize, batch, steps, lengths }) =>
  `${kind ? `${kind} ` : ''}H=${hiddenSize} B=${batch} T=${steps}${lengthsText[lengths] ?? ''}`

const packingText = ({ batch, steps, width, sorted }) =>
  `B=${batch} T=${steps}, ${4 * width} bytes a step, ${sorted ? 'sorted' : 'unsorted'}`

/** Marks what misses a target; what is missed is said below each table. */
const marked = (text, met) => (met ? text : `${text} ✗`)
const shortfall = (rows, judged = true) => {
  if (!judged) return 'Nothing was measured here that has a target.'
  return rows.length === 0 ? 'Every target is met.' : `Short of the target (✗): ${rows.join('; ')}.`
}

function machineText({ cpu, cores, load, isa, node, version, onnxruntime, date, commit }) {
  const rival = onnxruntime ? `, onnxruntime-node ${onnxruntime}` : ''
  const busy =
    load > targets.busyLoad ? ` The machine had other work (load average ${load.toFixed(1)}): expect noise.` : ''
  return `${cpu}, ${cores} cores, ${isa}; Node ${node}, packed-rnn ${version} at ${commit}${rival}; ${date}.${busy}`
}

// ---- the table -------------------------------------------------------------------------------------------------------------

const reachesTarget = ({ target, ratio }) => target === undefined || !ratio || ratio.median >= target

const rivalTitles = { onnxruntime: 'onnxruntime-node', torch: 'PyTorch', tfjs: 'tfjs (wasm)' }
/** Those of the rivals that took part. */
const rivalsOf = (rows, names = Object.keys(rivalTitles)) =>
  names.filter((name) => rows.some(({ times: all }) => all[name]))
/** Those of the rivals that took less time than ours. */
const behind = ({ times: all }, rivals) => rivals.filter((name) => all[name]?.median < all.ours.median)

// Pairs of rows, at one and at two threads, that measured one shape.
function pairs(rows) {
  const two = rows.filter(({ threads }) => threads === 2)
  return rows.filter(({ threads }) => threads === 1).map((one, i) => [one, two[i]])
}

function readme({ suites, about }) {
  const both = (pair, text) => pair.map(text).join(' / ')
  const rivals = rivalsOf(suites.table, ['onnxruntime', 'torch'])
  const rows = pairs(suites.table).map((pair) => [
    shapeText(pair[0]),
    ...['ours', ...rivals].map((name) => both(pair, (row) => significant(row.times[name]?.median))),
    both(pair, (row) => marked(times(row.ratio), reachesTarget(row))),
    both(pair, (row) => percent(row.share)),
    `${exponent(pair[0].errors.ours)} / ${exponent(pair[0].errors.onnxruntime)}`
  ])
  const header = [
    'shape',
    'packed-rnn, ms',
    ...rivals.map((name) => `${rivalTitles[name]}, ms`),
    'onnxruntime / ours',
    'of the limit',
    'error, ours / onnxruntime'
  ]
  return [table(header, rows), '', `\`npm run bench\`: ${machineText(about.table)}`].join('\n')
}

const tableSections = {
  table({ table: everyRow }, { torch }) {
    const threadTables = [1, 2].map((threads) => {
      const rows = everyRow.filter((row) => row.threads === threads)
      const rivals = rivalsOf(rows)
      const header = [
        `${threadsText(threads)}; ms (quartiles)`,
        'forwardSync',
        'forward',
        'from padded to padded',
        ...rivals.map((name) => rivalTitles[name]),
        'onnxruntime / ours',
        'target',
        'GFLOP/s',
        'of the limit',
        'errors, in this order'
      ]
      const cells = rows.map((row) => [
        shapeText(row),
        spread(row.times.ours),
        spread(row.times.forward),
        spread(row.times.fromPadded),
        ...rivals.map((name) => spread(row.times[name])),
        marked(timesSpread(row.ratio), reachesTarget(row)),
        row.target ? `≥ ${row.target}x` : '–',
        significant(row.gflops),
        percent(row.share),
        ['ours', ...rivals].map((name) => exponent(row.errors[name])).join(' / ')
      ])
      return table(header, cells)
    })
    const name = (row) => `${shapeText(row)}, ${threadsText(row.threads)}`
    const short = [
      ...everyRow
        .filter((row) => !reachesTarget(row))
        .map((row) => `${name(row)}: ${times(row.ratio)} of ≥ ${row.target}x`),
      ...everyRow
        .filter((row) => behind(row, ['torch']).length > 0)
        .map((row) => `${name(row)}: behind ${rivalTitles.torch}`)
    ]
    const torchText = torch ? ` PyTorch is ${torch.version}, with ${torch.blas ?? 'another BLAS than OpenBLAS'}.` : ''
    const onOneCore = everyRow
      .filter((row) => row.onOneCore > 0)
      .map((row) => `${shapeText(row)}, ${row.onOneCore} of ${row.times.ours.samples}`)
    const coresText =
      onOneCore.length > 0 ? ` Rounds in which two threads had no second core: ${onOneCore.join('; ')}.` : ''
    const judged = everyRow.some(({ target, ratio }) => target !== undefined && ratio)
    return `${threadTables.join('\n\n')}\n\n${shortfall(short, judged)}${torchText}${coresText}`
  },

  scaling({ table: everyRow }) {
    const rows = everyRow.filter(({ threads }) => threads === 2)
    const met = ({ batch, gains }) => batch < 8 || gains.ours.median >= targets.twoThreads
    const cells = rows.map((row) => [
      shapeText(row),
      marked(timesSpread(row.gains.ours), met(row)),
      row.batch >= 8 ? `≥ ${targets.twoThreads}x` : '–',
      timesSpread(row.gains.onnxruntime)
    ])
    const short = rows.filter((row) => !met(row)).map((row) => `${shapeText(row)} ${times(row.gains.ours)}`)
    const header = ['two threads against one', 'packed-rnn', 'target', 'onnxruntime-node']
    const judged = rows.some(({ batch }) => batch >= 8)
    return `${table(header, cells)}\n\n${shortfall(short, judged)}`
  },

  singles({ table: everyRow }) {
    const rows = everyRow.filter(({ batch, share }) => batch === 1 && share)
    const met = ({ share }) => share.median >= targets.memoryShare
    const cells = rows.map((row) => [
      shapeText(row),
      row.threads,
      significant((4 * gates[row.kind] * row.hiddenSize ** 2) / 1024),
      significant(row.bandwidth),
      marked(percent(row.share), met(row))
    ])
    const short = rows
      .filter((row) => !met(row))
      .map((row) => `${shapeText(row)}, ${threadsText(row.threads)}: ${percent(row.share)}`)
    const header = [
      'single sequences',
      'threads',
      'recurrent weights, KiB',
      'read bandwidth, GB/s',
      `of the limit, ≥ ${100 * targets.memoryShare} %`
    ]
    return `${table(header, cells)}\n\n${shortfall(short, rows.length > 0)}`
  }
}

// ---- the other suites --------------------------------------------------------------------------------------------------------

const sections = {
  machine({ machine }) {
    const peaks = machine.peaks.map(({ isa, gflops }) => [
      `fma peak, ${isa}, GFLOP/s`,
      ...gflops.map((value) => significant(value))
    ])
    const bandwidth = machine.bandwidth.map(({ level, bytes, gbps }) => [
      `read ${level} (${significant(bytes / 1024)} KiB), GB/s`,
      ...gbps.map((value) => significant(value))
    ])
    const { distance } = machine // which older results lack
    const exchange = distance ? [['a cache line there and back, ns', '–', spread(distance)]] : []
    return table(['limit', '1 thread', '2 threads'], [...peaks, ...bandwidth, ...exchange])
  },

  ...tableSections,

  peak({ peak }) {
    const isas = [...new Set(peak.map(({ isa }) => isa))]
    const find = (isa, shape) =>
      peak.find((row) => row.isa === isa && row.hiddenSize === shape.hiddenSize && row.batch === shape.batch)
    const shapes = peak.filter(({ isa }) => isa === isas[0])
    const met = ({ isa, kernelShare }) => !kernelShare || kernelShare.median >= (targets.peakShare[isa] ?? 0)
    const cells = shapes.map((shape) => [
      `H=${shape.hiddenSize} B=${shape.batch} T=${shape.steps}`,
      ...isas.flatMap((isa) => {
        const row = find(isa, shape)
        return [marked(percent(row.kernelShare), met(row)), percent(row.share), significant(row.gflops)]
      })
    ])
    const title = (isa) => `${isa}: kernel${targets.peakShare[isa] ? `, ≥ ${100 * targets.peakShare[isa]} %` : ''}`
    const header = ['of the fma peak, one thread', ...isas.flatMap((isa) => [title(isa), 'whole call', 'GFLOP/s'])]
    const short = peak
      .filter((row) => !met(row))
      .map((row) => `${row.isa} H=${row.hiddenSize} B=${row.batch} ${percent(row.kernelShare)}`)
    const judged = peak.some(({ isa, kernelShare }) => targets.peakShare[isa] && kernelShare)
    return `${table(header, cells)}\n\n${shortfall(short, judged)}`
  },

  fill({ fill }) {
    const met = ({ ofIdeal }) => ofIdeal.median <= targets.fill
    const rivals = rivalsOf(fill.rows)
    const header = [
      'lengths',
      'fill',
      'packed, ms',
      'fill x full, ms',
      `packed / (fill x full), ≤ ${targets.fill}`,
      'from padded to padded, ms',
      ...rivals.map((name) => `${rivalTitles[name]}, ms`)
    ]
    const cells = fill.rows.map((row) => [
      row.distribution,
      row.fill.toFixed(2),
      significant(row.times.ours.median),
      significant(row.fill * row.times.full.median),
      marked(ratioSpread(row.ofIdeal), met(row)),
      significant(row.times.fromPadded.median),
      ...rivals.map((name) => significant(row.times[name]?.median))
    ])
    const short = [
      ...fill.rows
        .filter((row) => !met(row))
        .map((row) => `${row.distribution} at fill ${row.fill.toFixed(2)}: ${row.ofIdeal.median.toFixed(2)}`),
      ...fill.rows.flatMap((row) =>
        behind(row, rivals).map(
          (name) => `${row.distribution} at fill ${row.fill.toFixed(2)}: behind ${rivalTitles[name]}`
        )
      )
    ]
    return `${table(header, cells)}\n\n${shortfall(short)}`
  },

  size({ size }) {
    const header = [
      'one thread',
      'Σlengths',
      'packed-rnn, ms',
      'ns a step',
      'onnxruntime-node, ms',
      'onnxruntime / ours'
    ]
    const cells = size.rows.map((row) => [
      shapeText({ ...row, hiddenSize: size.hiddenSize, lengths: 'falling' }),
      row.sumOfLengths,
      significant(row.times.ours.median),
      significant(row.nsPerStep),
      significant(row.times.onnxruntime?.median),
      times(row.ratio)
    ])
    const steps = size.rows
      .filter(({ series, steps: count }) => series === 'time' && count >= 100)
      .map(({ nsPerStep }) => nsPerStep)
    const text =
      steps.length > 0
        ? `From T=100 to T=10 000 a step takes ${significant(Math.min(...steps))} to ${significant(Math.max(...steps))} ns.`
        : ''
    return `${table(header, cells)}\n\n${text}`
  },

  step({ step }) {
    // The kernel alone is measured on one thread, so that it says nothing of a step that two share.
    const met = ({ threads, beyond }) => threads > 1 || beyond.median <= targets.stepOverhead
    const header = [
      'µs, JavaScript to JavaScript',
      'threads',
      'kernel alone',
      'forwardSync',
      'stream.pushSync',
      `over the kernel, ≤ ${targets.stepOverhead}`,
      'forward',
      'onnxruntime-node'
    ]
    const cells = step.map((row) => [
      `H=${row.hiddenSize}`,
      row.threads,
      significant(row.kernel),
      significant(row.micros.forwardSync),
      significant(row.micros.pushSync),
      row.threads > 1 ? '–' : marked(significant(row.beyond.median, 2), met(row)),
      significant(row.micros.forward),
      significant(row.micros.onnxruntime)
    ])
    const short = step.filter((row) => !met(row)).map((row) => `H=${row.hiddenSize}`)
    return `${table(header, cells)}\n\n${shortfall(short)}`
  },

  packing({ packing }) {
    const names = Object.keys(packing[0].ratios)
    const met = (row, name) => row.ratios[name].median <= targets.packing
    const header = [`times of one copy, ≤ ${targets.packing}`, 'packed / padded, KiB', ...names, 'a copy a sequence']
    const cells = packing.map((row) => [
      packingText(row),
      [row.bytes.packed, row.bytes.padded].map((bytes) => significant(bytes / 1024)).join(' / '),
      ...names.map((name) => marked(row.ratios[name].median.toFixed(2), met(row, name))),
      row.copies.median.toFixed(2)
    ])
    const short = packing.flatMap((row) =>
      names
        .filter((name) => !met(row, name))
        .map((name) => `${name}, ${packingText(row)}: ${row.ratios[name].median.toFixed(2)}`)
    )
    return `${table(header, cells)}\n\n${shortfall(short)}`
  },

  contention({ contention }) {
    const met = ({ gain }) => gain.median >= 1 / targets.contention
    const header = [
      'second core',
      'shape',
      '1 thread, ms',
      '2 threads, ms',
      `1 / 2 threads, ≥ ${(1 / targets.contention).toFixed(2)}x`,
      'onnxruntime-node, 2 threads, ms'
    ]
    const cells = contention.map((row) => [
      row.load,
      shapeText(row),
      spread(row.times.one),
      spread(row.times.two),
      marked(timesSpread(row.gain), met(row)),
      spread(row.times.onnxruntime)
    ])
    const short = contention
      .filter((row) => !met(row))
      .map((row) => `${shapeText(row)}, second core ${row.load}: two threads are slower than one`)
    return `${table(header, cells)}\n\n${shortfall(short)}`
  },

  burst({ burst }) {
    const header = [
      'requests at once',
      'forward, ms',
      'forwardSync in turn, ms',
      'onnxruntime-node, ms',
      'event loop stands still, ms',
      'onnxruntime-node'
    ]
    const cells = burst.map((row) => [
      `${row.requests} x ${shapeText(row)}`,
      spread(row.times.forward),
      spread(row.times.forwardSync),
      spread(row.times.onnxruntime),
      significant(row.stalls.forward),
      significant(row.stalls.onnxruntime)
    ])
    return table(header, cells)
  },

  subnormal({ subnormal }) {
    const met = ({ ratio }) => ratio.median <= targets.subnormal
    const header = ['one step, H=256', 'normal state, µs', 'state of 1e-39, µs', `ratio, ≤ ${targets.subnormal}`]
    const cells = subnormal.map((row) => [
      `${row.kind} B=${row.batch}`,
      significant(1e3 * row.times.normal.median),
      significant(1e3 * row.times.subnormal.median),
      marked(ratioSpread(row.ratio), met(row))
    ])
    const short = subnormal
      .filter((row) => !met(row))
      .map((row) => `${row.kind} B=${row.batch}: ${row.ratio.median.toFixed(2)}`)
    return `${table(header, cells)}\n\n${shortfall(short)}`
  },

  pages({ pages }) {
    const header = [
      'ms',
      'threads',
      'packed-rnn',
      'memory kept',
      'onnxruntime-node',
      'memory kept',
      'onnxruntime / ours',
      'memory kept'
    ]
    const cells = pages.map(({ kept, ...row }) => [
      shapeText(row),
      row.threads,
      spread(row.times.ours),
      spread(kept.times.ours),
      spread(row.times.onnxruntime),
      spread(kept.times.onnxruntime),
      timesSpread(row.ratio),
      timesSpread(kept.ratio)
    ])
    return table(header, cells)
  },

  memory({ memory }) {
    const header = [
      'MB',
      'runtime',
      'weights',
      'outputs and states',
      'after construction',
      'more at the peak of a run',
      'peak beyond weights and outputs'
    ]
    const cells = memory.flatMap((row) =>
      Object.entries(row.used).map(([runtime, used]) => [
        shapeText(row),
        { onnxruntime: 'onnxruntime-node' }[runtime] ?? runtime,
        used.weights,
        used.outputs,
        used.loaded,
        used.run,
        used.beyond
      ])
    )
    return table(header, cells)
  }
}

const suiteOf = { scaling: 'table', singles: 'table' }

/** Every table of which there are results: [name, Markdown]. Below each stands the command that makes it. */
function tablesOf({ suites, about }) {
  return Object.entries(sections).flatMap(([name, section]) => {
    const suite = suiteOf[name] ?? name
    if (!suites[suite]) return []
    return [[name, `${section(suites, about[suite])}\n\n\`npm run bench -- ${suite}\`: ${machineText(about[suite])}`]]
  })
}

module.exports = { readme, tablesOf }
