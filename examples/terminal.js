'use strict'

/** What the demo needs to set text in a terminal: colours, columns, and the width of what it prints. */

const colourful = process.stdout.isTTY && process.stdout.hasColors()

function colour(open, close) {
  return (text) => (colourful && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : String(text))
}

const bold = colour(1, 22)
const dim = colour(2, 22)
const red = colour(31, 39)
const green = colour(32, 39)
const cyan = colour(36, 39)

/** The columns to set text in: those of the terminal, within reason. */
const columns = Math.min(Math.max(process.stdout.columns || 80, 60), 100)

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/** The columns that a text takes, without escape sequences in it. */
function widthOf(text) {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** A text in one line of so many columns at most: what can't be shown is a blank, and what doesn't fit is left out. */
function oneLine(text, most) {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
  if (widthOf(line) <= most) return line
  let kept = ''
  let width = 1
  for (const { segment } of graphemes.segment(line)) {
    width += wide.test(segment) ? 2 : 1
    if (width > most) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

function padEnd(text, width) {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** A paragraph broken into lines between words. */
function paragraph(text, indent) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1]
    if (line !== '' && indent.length + widthOf(`${line} ${word}`) > columns) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.map((line) => indent + line).join('\n')
}

/** A bar of `value` out of `whole`, in eighths of a column. */
function bar(value, whole, width) {
  const eighths = Math.round((value / whole) * width * 8)
  return '█'.repeat(eighths >> 3) + ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths & 7]
}

module.exports = { bar, bold, columns, cyan, dim, green, oneLine, padEnd, paragraph, red, widthOf }
