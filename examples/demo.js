'use strict'

/**
 * npm run demo                            the worked example, and the language of the sentences in langid/sentences.json
 * npm run demo -- "Some text" "Un texte"  the worked example, and the language of these texts
 */

const { runtime, getNumThreads } = require('..')
const { LanguageIdentifier } = require('./language-identification')
const { bar, bold, columns, cyan, dim, green, oneLine, padEnd, paragraph, red } = require('./terminal')
const { workedExample } = require('./worked-example')
const { languages, names, sentences } = require('./langid/sentences.json')

const print = (text = '') => console.log(text)

function heading(text) {
  print(bold(text))
  print(dim('─'.repeat(columns)))
}

function explain(text) {
  print(dim(paragraph(text, '  ')))
}

// ---- part 1 -----------------------------------------------------------------------------------------------------------

async function showWorkedExample() {
  const result = await workedExample()
  heading('1  Pad, pack, run, unpack: a worked example')
  explain(
    'Two sequences, a of 5 steps and b of 2, go through an LSTM with 2 inputs and 3 hidden units. Every table ' +
      'stands beside the numbers that were published for it, compared to the last printed digit.'
  )

  compare('padSequence fills b up with zeros', result.input)
  compare('packPaddedSequence keeps the real steps, step by step', result.packedData)
  compare('batchSizes: how many sequences have a step 0, 1, 2, …', result.batchSizes)
  compare('lstm.forward on the packed batch: the output, still packed', result.packedOutput)
  compare('the last hidden state h', result.h)
  compare('the last cell state c', result.c)
  compare('padPackedSequence pads the output again', result.unpacked)
  compare('and tells the lengths', result.lengths)

  const { packed, padded } = result.steps
  print(`\n  ${cyan('recurrent steps')}`)
  print(`  packed  ${String(packed).padStart(2)}  ${green(bar(packed, padded, 30))}`)
  print(`  padded  ${String(padded).padStart(2)}  ${bar(padded, padded, 30)}  ${padded - packed} of them on padding`)

  compare("without packing: the same LSTM on the padded batch, b's output", result.unawareOutput)
  compare('and the last hidden state h', result.unawareH)
  compare('and the last cell state c', result.unawareC)
  print()
  explain(
    `b ended at step b1, with h = ${result.h[1].here.join(', ')}. A zero is an input like any other: the biases and ` +
      'the recurrent weights went on moving the state through b2, b3 and b4, and what is called the last hidden state ' +
      `of b, ${result.unawareH[1].here.join(', ')}, is that of three steps of padding. For a, which has none, both ` +
      'runs agree.'
  )
  const { published } = result.steps
  const tables = Object.values(result).filter(Array.isArray)
  return tables.flat().every(agrees) && packed === published.packed && padded === published.padded
}

function agrees({ here, published }) {
  return here.every((value, i) => value === published[i])
}

/** A table of ours and the published numbers, side by side. */
function compare(title, rows) {
  const cells = rows.flatMap(({ here, published }) => [...here, ...published])
  const width = Math.max(...cells.map((cell) => cell.length))
  const join = (values) => values.map((value) => value.padStart(width)).join(' ')
  const half = Math.max(...rows.map(({ here }) => join(here).length), 'published'.length)
  const label = Math.max(...rows.map((row) => row.label.length))
  print(`\n  ${cyan(title)}`)
  print(dim(`  ${' '.repeat(label)} ${'here'.padStart(half)}   ${'published'.padStart(half)}`))
  for (const row of rows) {
    const [here, published] = [row.here, row.published].map((values) => join(values).padStart(half))
    print(`  ${row.label.padEnd(label)} ${here}   ${dim(published)} ${agrees(row) ? green('✓') : red('✗')}`)
  }
}

// ---- part 2 -----------------------------------------------------------------------------------------------------------

/** The language of each text; where the true ones are known, a wrong answer is marked. */
async function showLanguages(texts, trueLanguages = []) {
  const identifier = await LanguageIdentifier.load()
  const started = performance.now()
  const { probabilities, steps, paddedSteps } = await identifier.probabilities(texts)
  const milliseconds = performance.now() - started

  heading('2  Which language is it?')
  explain(
    `${plural(texts.length, 'text')}, in one packed batch: UTF-8 bytes → Embedding → bidirectional LSTM → the last ` +
      'hidden states of both directions → Linear → softmax. The model was trained in PyTorch.'
  )
  print(`\n  ${cyan(`${padEnd('language', 12)}probability        text`)}`)
  texts.forEach((text, i) => {
    print(languageRow(text, probabilities[i], identifier.languages, trueLanguages[i]))
  })

  print()
  fact('steps computed', grouped(steps), 'the bytes of all texts, once in each direction')
  const saved = paddedSteps > 0 ? `: ${Math.round(100 * (1 - steps / paddedSteps))} % is padding` : ''
  fact('padding would cost', grouped(paddedSteps), `texts × bytes of the longest${saved}`)
  fact('time taken', `${milliseconds.toFixed(1)} ms`, `${plural(getNumThreads(), 'thread')}, ${runtime.isa}`)
  return probabilities
}

function languageRow(text, probabilities, languages, trueLanguage) {
  if (!probabilities) return dim(`  ${padEnd('—', 12)}no text, so no steps: nothing to tell a language by`)
  const probability = Math.max(...probabilities)
  const language = languages[probabilities.indexOf(probability)]
  const shown = `${probability.toFixed(3)} ${padEnd(bar(probability, 1, 10), 11)}`
  const wrong = trueLanguage !== undefined && trueLanguage !== language ? ` (it is ${trueLanguage})` : ''
  const line = oneLine(text, columns - 34 - wrong.length)
  return `  ${bold(padEnd(language, 12))}${green(shown)}  ${line}${red(wrong)}`
}

function fact(name, value, note) {
  print(`  ${padEnd(name, 20)}${value.padStart(9)}   ${dim(note)}`)
}

/** How far the probabilities of the demo's own sentences are from those that PyTorch gave. */
function compareWithPyTorch(probabilities) {
  const errors = sentences.map((sentence, i) =>
    Math.max(...sentence.probabilities.map((expected, k) => Math.abs(expected - probabilities[i][k])))
  )
  const largest = Math.max(...errors)
  const agree = largest <= 1e-5
  fact('as PyTorch says', agree ? 'yes' : 'NO', `every probability within ${largest.toExponential(0)}`)
  return agree
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}

async function main(texts) {
  let right = await showWorkedExample()
  print('\n')
  if (texts.length > 0) {
    await showLanguages(texts)
  } else {
    const probabilities = await showLanguages(
      sentences.map(({ text }) => text),
      sentences.map(({ language }) => names[languages.indexOf(language)])
    )
    right = compareWithPyTorch(probabilities) && right
  }
  if (!right) process.exitCode = 1
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error)
  process.exitCode = 1
})
