'use strict'
// node bench/report.js: from results.json the tables of README.md and docs/performance.md, and the plots. What stands in
// a document between <!-- bench:NAME:begin --> and <!-- bench:NAME:end --> (in the README without NAME) is written here.
const fs = require('node:fs')
const path = require('node:path')
const { plotsOf } = require('./plots')
const { readme, tablesOf } = require('./tables')

const root = path.join(__dirname, '..')

/** All tables, for the terminal. */
const text = (results) =>
  tablesOf(results)
    .map(([name, table]) => `\n## ${name}\n\n${table}`)
    .join('\n')

function replaceBetween(document, name, content) {
  const [begin, end] = ['begin', 'end'].map((edge) => `<!-- bench${name && `:${name}`}:${edge} -->`)
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) return document
  return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`
}

function rewrite(file, contents) {
  let document = fs.readFileSync(file, 'utf8')
  for (const [name, content] of contents) document = replaceBetween(document, name, content)
  fs.writeFileSync(file, document)
}

/** Writes documents and plots below `folder`, the project's own. */
function write(results, folder = root) {
  if (results.suites.table) rewrite(path.join(folder, 'README.md'), [['', readme(results)]])
  rewrite(path.join(folder, 'docs', 'performance.md'), tablesOf(results))
  const plotFolder = path.join(folder, 'docs', 'plots')
  fs.mkdirSync(plotFolder, { recursive: true })
  for (const [name, plot] of plotsOf(results)) fs.writeFileSync(path.join(plotFolder, `${name}.svg`), plot)
}

module.exports = { text, write }

if (require.main === module) write(JSON.parse(fs.readFileSync(path.join(__dirname, 'results.json'), 'utf8')))
