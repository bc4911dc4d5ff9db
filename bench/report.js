'use strict'
// node bench/report.js: from results/TABLE.json the tables of the README and of docs/, and the plots. Processors that take
// different tables of kernels have other limits, and so a page of their own; so have Intel's. What stands in a document
// between <!-- bench:SUITE:begin --> and <!-- bench:SUITE:end --> is written here: in docs/performance.md for one of the
// processors, in the README for the one that was measured last. docs/performance-TABLE.md is written as a whole.
const fs = require('node:fs')
const path = require('node:path')
const { plotsOf } = require('./plots')
const { readme, tablesOf } = require('./tables')

const root = path.join(__dirname, '..')
const folderOfResults = path.join(__dirname, 'results')

/** Whose results docs/performance.md and the plots show; and what the others are called. */
const mainTable = 'avx512'
const names = {
  avx512: 'AVX-512',
  avx512_halved: 'AVX-512 on units of 256 bits',
  avx2: 'AVX2',
  neon: 'NEON',
  portable: 'SSE2'
}
const nameOf = (table) => (table.endsWith('_intel') ? `Intel's ${names[table.slice(0, -6)]}` : names[table])

const resultsFile = (table) => path.join(folderOfResults, `${table}.json`)

/** All tables, for the terminal. */
const text = (results) =>
  tablesOf(results)
    .map(([name, table]) => `\n## ${name}\n\n${table}`)
    .join('\n')

function replaceBetween(document, name, content) {
  const [begin, end] = ['begin', 'end'].map((edge) => `<!-- bench:${name}:${edge} -->`)
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`There is no place for ${name}: ${begin} and ${end} are missing`)
  return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`
}

function rewrite(file, contents) {
  let document = fs.readFileSync(file, 'utf8')
  for (const [name, content] of contents) document = replaceBetween(document, name, content)
  fs.writeFileSync(file, document)
}

/** The heading above each of a document's tables. */
function headingsOf(document) {
  const headings = {}
  let heading
  for (const line of document.split('\n')) {
    if (/^#+ /.test(line)) heading = line
    const name = /^<!-- bench:(\w+):begin -->$/.exec(line)?.[1]
    if (name) headings[name] = heading
  }
  return headings
}

function page(results, table, main) {
  const headings = headingsOf(main)
  const sections = tablesOf(results).map(([name, text]) => `${headings[name]}\n\n${text}`)
  const intro =
    `The tables of [performance.md](performance.md), which explains them, from a processor whose best is ` +
    `${nameOf(table)}. All of this page is written by \`npm run bench\` on such a machine.`
  return [`# Performance with ${nameOf(table)}`, intro, ...sections].join('\n\n') + '\n'
}

/** Writes documents and plots below `folder`, the project's own, from what was measured with a table of kernels. */
function write(results, table, folder = root) {
  const docs = path.join(folder, 'docs')
  const main = path.join(docs, 'performance.md')
  const front = path.join(folder, 'README.md')
  if (results.suites.table) rewrite(front, [['table', readme(results)]])
  if (table !== mainTable) {
    fs.writeFileSync(
      path.join(docs, `performance-${table.replace('_', '-')}.md`),
      page(results, table, fs.readFileSync(main, 'utf8'))
    )
    return
  }
  rewrite(main, tablesOf(results))
  fs.mkdirSync(path.join(docs, 'plots'), { recursive: true })
  for (const [name, plot] of plotsOf(results)) fs.writeFileSync(path.join(docs, 'plots', `${name}.svg`), plot)
}

module.exports = { resultsFile, text, write }

if (require.main === module) {
  const all = fs.readdirSync(folderOfResults).map((file) => {
    return {
      table: path.parse(file).name,
      results: JSON.parse(fs.readFileSync(path.join(folderOfResults, file), 'utf8'))
    }
  })
  const dateOf = ({ results }) => results.about.table?.date ?? ''
  all.sort((a, b) => (dateOf(a) < dateOf(b) ? -1 : 1))
  for (const { results, table } of all) write(results, table)
}
