'use strict'
// The plots of the documentation, as SVG, from the results of the suites.
const { quartiles } = require('./measure')
const svg = require('./svg')
const { peakShare } = require('./targets')

const line = (name, rows, x, y, options) => ({
  name,
  points: rows.map((row) => [x(row), y(row)]).filter(([, value]) => Number.isFinite(value)),
  ...options
})

const plots = {
  fill({ fill }) {
    const rows = fill.rows.filter(({ distribution }) => distribution === 'skewed').sort((a, b) => a.fill - b.fill)
    const at = (name) => (row) => row.times[name]?.median
    const x = (row) => row.fill
    const full = quartiles(rows.map(at('full'))).median
    return svg.lines({
      title: `Time against fill: LSTM H=${fill.hiddenSize} B=${fill.batch} T=${fill.steps}, one sequence of full length`,
      x: { label: 'fill: steps / padded steps', ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] },
      y: { label: 'ms' },
      series: [
        line('packed-rnn', rows, x, at('ours')),
        line('onnxruntime-node', rows, x, at('onnxruntime')),
        line('packed-rnn, padded to padded', rows, x, at('fromPadded')),
        line('PyTorch, packed', rows, x, at('torch')),
        {
          name: 'fill x full time',
          points: [
            [0, 0],
            [1, full]
          ],
          dashed: true
        }
      ].filter(({ points }) => points.length > 0)
    })
  },

  size({ size }) {
    const of = (series) => size.rows.filter((row) => row.series === series)
    const x = (row) => row.sumOfLengths
    const at = (name) => (row) => row.times[name]?.median
    return svg.lines({
      title: `Time against the number of steps: LSTM H=${size.hiddenSize}, one thread`,
      x: { label: 'Σlengths', log: true },
      y: { label: 'ms', log: true },
      series: [
        line('packed-rnn, T to 10 000', of('time'), x, at('ours')),
        line('onnxruntime-node, T to 10 000', of('time'), x, at('onnxruntime')),
        line('packed-rnn, B to 1024', of('batch'), x, at('ours')),
        line('onnxruntime-node, B to 1024', of('batch'), x, at('onnxruntime'))
      ].filter(({ points }) => points.length > 0)
    })
  },

  peak({ peak }) {
    const isas = [...new Set(peak.map(({ isa }) => isa))]
    const shapes = peak.filter(({ isa }) => isa === isas[0])
    return svg.bars({
      title: 'Share of the fma peak by shape: one step of the LSTM kernel, one thread',
      x: { label: '' },
      y: { label: '% of the peak; dashed: the target', ticks: [0, 20, 40, 60, 80, 100] },
      limits: isas.map((isa) => 100 * (peakShare[isa] ?? 0)),
      groups: shapes.map(({ hiddenSize, batch }) => [`B=${batch}`, batch === 32 ? `H=${hiddenSize}` : '']),
      series: isas.map((isa) => ({
        name: isa,
        values: peak.filter((row) => row.isa === isa).map(({ kernelShare }) => 100 * (kernelShare?.median ?? 0))
      }))
    })
  },

  step({ step }) {
    const rows = step.filter(({ threads }) => threads === 1)
    const x = (row) => row.hiddenSize
    const ticks = rows.map(x)
    return svg.lines({
      title: 'One step of one sequence, JavaScript to JavaScript, one thread',
      x: { label: 'hidden size', log: true, ticks },
      y: { label: 'µs', log: true },
      series: [
        line('stream.pushSync', rows, x, (row) => row.micros.pushSync),
        line('onnxruntime-node', rows, x, (row) => row.micros.onnxruntime),
        line('forwardSync', rows, x, (row) => row.micros.forwardSync),
        line('kernel alone', rows, x, (row) => row.kernel, { dashed: true })
      ].filter(({ points }) => points.length > 0)
    })
  }
}

/** Every plot of which there are results: [name, SVG]. */
const plotsOf = ({ suites }) =>
  Object.entries(plots).flatMap(([name, plot]) => (suites[name] ? [[name, plot(suites)]] : []))

module.exports = { plotsOf }
