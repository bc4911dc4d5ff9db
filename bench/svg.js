'use strict'
// Plots as small SVG files: lines over linear or logarithmic axes, and groups of bars. Colours follow the reader's theme.

const width = 720
const height = 420
const area = { left: 64, right: width - 32, top: 44, bottom: height - 104 }

const style = `
  text { font: 13px system-ui, sans-serif; fill: #424a53 }
  .title { font-size: 15px; font-weight: 600; fill: #1f2328 }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .dashed { stroke-dasharray: 5 4 }
  .c0 { stroke: #0969da; fill: #0969da } .c1 { stroke: #bc4c00; fill: #bc4c00 } .c2 { stroke: #1a7f37; fill: #1a7f37 }
  .c3 { stroke: #8250df; fill: #8250df } .c4 { stroke: #6e7781; fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d }
    .c0 { stroke: #58a6ff; fill: #58a6ff } .c1 { stroke: #f0883e; fill: #f0883e } .c2 { stroke: #3fb950; fill: #3fb950 }
    .c3 { stroke: #bc8cff; fill: #bc8cff } .c4 { stroke: #9198a1; fill: #9198a1 }
  }
  .line { fill: none; stroke-width: 2 }`

const colour = (i) => `c${i % 5}`
const round = (value) => Number(value.toFixed(1))
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

function element(name, attributes, content = '') {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : value}"`
  )
  return `<${name}${list.join('')}>${content}</${name}>`
}

const text = (x, y, content, attributes = {}) => element('text', { x, y, ...attributes }, escaped(content))

// 1, 2 or 5 times a power of ten, about `count` of them up to `most`.
function linearTicks(most, count = 5) {
  const power = 10 ** Math.floor(Math.log10(most / count))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => most / size <= count + 1)
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => i * step)
}

function logTicks(least, most) {
  const first = Math.floor(Math.log10(least) + 1e-9)
  const last = Math.ceil(Math.log10(most) - 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
}

/** From values to pixels. An axis is { label, log, ticks }: ticks are values that replace the computed ones. */
function scale(values, from, to, axis) {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const marks = axis.ticks ?? (axis.log ? logTicks(least, most) : linearTicks(most))
  const place = axis.log ? Math.log : (value) => value
  const start = place(axis.log ? Math.min(least, marks[0]) : 0)
  const end = place(Math.max(most, marks.at(-1)))
  return { marks, at: (value) => from + ((place(value) - start) / (end - start)) * (to - from) }
}

const tickText = (value) =>
  value >= 1000 ? value.toLocaleString('en').replace(/,/g, ' ') : String(Number(value.toPrecision(3)))

function frame(title, y, yScale, xLabel, names) {
  const parts = [text(area.left, 24, title, { class: 'title' })]
  for (const mark of yScale.marks) {
    const position = yScale.at(mark)
    parts.push(element('line', { class: 'grid', x1: area.left, x2: area.right, y1: position, y2: position }))
    parts.push(text(area.left - 8, position + 4, tickText(mark), { 'text-anchor': 'end' }))
  }
  parts.push(
    text(14, (area.top + area.bottom) / 2, y.label, {
      'text-anchor': 'middle',
      transform: `rotate(-90 14 ${(area.top + area.bottom) / 2})`
    })
  )
  parts.push(text((area.left + area.right) / 2, area.bottom + 50, xLabel, { 'text-anchor': 'middle' }))
  let x = area.left
  let row = height - 40
  names.forEach((name, i) => {
    if (x + 18 + 7 * name.length > width) [x, row] = [area.left, row + 22]
    parts.push(element('rect', { class: colour(i), x, y: row, width: 12, height: 12 }))
    parts.push(text(x + 18, row + 11, name))
    x += 40 + 7 * name.length
  })
  return parts
}

const picture = (title, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<style>${style}
</style>
${parts.join('\n')}
</svg>
`

/** series: [{ name, points: [[x, y]], dashed }] */
function lines({ title, x, y, series }) {
  const points = series.flatMap((one) => one.points)
  const xScale = scale(
    points.map(([value]) => value),
    area.left,
    area.right,
    x
  )
  const yScale = scale(
    points.map(([, value]) => value),
    area.bottom,
    area.top,
    y
  )
  const parts = frame(
    title,
    y,
    yScale,
    x.label,
    series.map(({ name }) => name)
  )
  for (const mark of xScale.marks) {
    parts.push(text(xScale.at(mark), area.bottom + 20, tickText(mark), { 'text-anchor': 'middle' }))
  }
  series.forEach((one, i) => {
    const path = one.points.map(([px, py]) => `${round(xScale.at(px))},${round(yScale.at(py))}`).join(' ')
    parts.push(
      element('polyline', {
        class: `line ${colour(i)}${one.dashed ? ' dashed' : ''}`,
        points: path
      })
    )
    if (one.dashed) return
    for (const [px, py] of one.points) {
      parts.push(element('circle', { class: colour(i), cx: xScale.at(px), cy: yScale.at(py), r: 3 }))
    }
  })
  return picture(title, parts)
}

/** groups: along x, lines of text for each; series: [{ name, values }], a value for each group; limits: heights at which a dashed line goes. */
function bars({ title, x, y, groups, series, limits = [] }) {
  const yScale = scale(
    series.flatMap(({ values }) => values),
    area.bottom,
    area.top,
    y
  )
  const parts = frame(
    title,
    y,
    yScale,
    x.label,
    series.map(({ name }) => name)
  )
  const slot = (area.right - area.left) / groups.length
  const bar = (0.8 * slot) / series.length
  groups.forEach((group, g) => {
    const left = area.left + (g + 0.1) * slot
    group.forEach((label, i) => {
      parts.push(text(left + 0.4 * slot, area.bottom + 18 + 16 * i, label, { 'text-anchor': 'middle' }))
    })
    series.forEach(({ values }, s) => {
      const top = yScale.at(values[g])
      parts.push(
        element('rect', { class: colour(s), x: left + s * bar, y: top, width: bar - 1, height: area.bottom - top })
      )
    })
  })
  limits.forEach((limit, i) => {
    const position = yScale.at(limit)
    const at = { x1: area.left, x2: area.right, y1: position, y2: position }
    parts.push(element('line', { class: `line dashed ${colour(i)}`, ...at }))
  })
  return picture(title, parts)
}

module.exports = { lines, bars }
