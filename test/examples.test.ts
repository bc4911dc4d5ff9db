import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  LSTM,
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
  tensor,
  unpackSequence,
  type NestedArray
} from '../lib'

const examples = path.join(__dirname, '..', 'examples')

function json(file: string): unknown {
  return JSON.parse(readFileSync(path.join(examples, file), 'utf8'))
}

/** Runs an example as a user does, in a process of its own. */
function run(file: string, ...args: string[]): { status: number | null; lines: string[]; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(examples, file), ...args], {
    encoding: 'utf8'
  })
  return { status, lines: stdout.split('\n'), stderr }
}

describe('the worked example, to every printed digit', () => {
  interface Example {
    readonly sequences: readonly NestedArray[]
    readonly lengths: number[]
    readonly state_dict: Readonly<Record<string, NestedArray>>
    readonly expected: Expected
  }
  type Expected = Readonly<
    Record<
      | 'padded_input'
      | 'packed_data'
      | 'packed_output_data'
      | 'packed_h_n'
      | 'packed_c_n'
      | 'padded_output'
      | 'output_lengths',
      NestedArray
    >
  > & {
    readonly batch_sizes: number[]
    readonly without_packing: Readonly<Record<'output_second_sequence' | 'h_n' | 'c_n', NestedArray>>
    readonly recurrent_steps: { readonly packed: number; readonly padded: number }
  }
  const { sequences, lengths, state_dict, expected } = json('worked-example.json') as Example
  const weights = Object.entries(state_dict).map(([name, values]) => [name, tensor(values)] as const)
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 3, batchFirst: true }, Object.fromEntries(weights))
  const input = padSequence(
    sequences.map((steps) => tensor(steps)),
    { batchFirst: true }
  )
  const packed = packPaddedSequence(input, lengths, { batchFirst: true })

  /** As the numbers were printed: five significant digits. */
  const significant = (values: NestedArray): NestedArray => rounded(values, (value) => Number(value.toPrecision(5)))
  /** As the states of the padded run were printed: four decimals. */
  const decimals = (values: NestedArray): NestedArray => rounded(values, (value) => Number(value.toFixed(4)))

  test('padSequence', () => {
    expect(input.toArray()).toEqual(expected.padded_input)
  })

  test('packPaddedSequence, and packSequence without padding first', () => {
    for (const one of [packed, packSequence(sequences.map((steps) => tensor(steps)))]) {
      expect(one.data.toArray()).toEqual(expected.packed_data)
      expect([...one.batchSizes]).toEqual(expected.batch_sizes)
      expect(one.sortedIndices).toBeNull()
      expect(one.unsortedIndices).toBeNull()
    }
  })

  test('LSTM on the packed batch: output and last states', async () => {
    for (const { output, state } of [lstm.forwardSync(packed), await lstm.forward(packed)]) {
      expect(significant(output.data.toArray())).toEqual(expected.packed_output_data)
      expect(significant(state.h.toArray())).toEqual(expected.packed_h_n)
      expect(significant(state.c.toArray())).toEqual(expected.packed_c_n)
    }
  })

  test('padPackedSequence', () => {
    const { padded, lengths: counts } = padPackedSequence(lstm.forwardSync(packed).output, { batchFirst: true })
    expect(significant(padded.toArray())).toEqual(expected.padded_output)
    expect([...counts]).toEqual(expected.output_lengths)
  })

  test('7 recurrent steps instead of 10', () => {
    expect(packed.data.shape[0]).toBe(expected.recurrent_steps.packed)
    expect(input.shape[0]! * input.shape[1]!).toBe(expected.recurrent_steps.padded)
  })

  test('without packing, the second sequence goes on over its padding', () => {
    const { output, state } = lstm.forwardSync(input)
    const second = (output.toArray() as NestedArray[])[1]!
    expect(significant(second)).toEqual(expected.without_packing.output_second_sequence)
    expect(decimals(state.h.toArray())).toEqual(expected.without_packing.h_n)
    expect(decimals(state.c.toArray())).toEqual(expected.without_packing.c_n)
  })

  test('and packing takes it back', () => {
    const alone = lstm.forwardSync(tensor(sequences[1]!)).output
    expect(unpackSequence(lstm.forwardSync(packed).output)[1]).toEqual(alone)
  })
})

function rounded(values: NestedArray, round: (value: number) => number): NestedArray {
  return Array.isArray(values) ? values.map((value: NestedArray) => rounded(value, round)) : round(values as number)
}

describe('language identification', () => {
  interface Identifier {
    readonly languages: readonly string[]
    probabilities(texts: readonly string[]): Promise<{
      readonly probabilities: readonly (readonly number[] | null)[]
      readonly steps: number
      readonly paddedSteps: number
    }>
  }
  interface Sentences {
    readonly names: readonly string[]
    readonly sentences: readonly { readonly text: string; readonly probabilities: readonly number[] }[]
  }
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { LanguageIdentifier } = require('../examples/language-identification') as {
    LanguageIdentifier: { load(): Promise<Identifier> }
  }
  const { names, sentences } = json('langid/sentences.json') as Sentences
  const texts = sentences.map(({ text }) => text)
  let identifier: Identifier

  beforeAll(async () => {
    identifier = await LanguageIdentifier.load()
  })

  test("the probabilities of all sentences are PyTorch's", async () => {
    expect(identifier.languages).toEqual(names)
    const { probabilities } = await identifier.probabilities(texts)
    sentences.forEach((sentence, i) => {
      sentence.probabilities.forEach((expected, k) => {
        expect(Math.abs(probabilities[i]![k]! - expected)).toBeLessThanOrEqual(1e-5)
      })
    })
  })

  test('a sentence has the same probabilities, to the bit, alone and in the batch', async () => {
    const { probabilities } = await identifier.probabilities(texts)
    for (const i of [0, 1, 9, 29, texts.length - 1]) {
      expect((await identifier.probabilities([texts[i]!])).probabilities[0]).toEqual(probabilities[i])
    }
  })

  test('the steps are the bytes of the texts, and padding would have cost as many as the longest for each', async () => {
    const { steps, paddedSteps } = await identifier.probabilities(['a', 'été', ''])
    expect(steps).toBe(6)
    expect(paddedSteps).toBe(15)
  })

  test('an empty text has no probabilities, and changes no others', async () => {
    const [first, second] = texts as [string, string]
    const { probabilities } = await identifier.probabilities(['', first, '', second])
    const others = await identifier.probabilities([first, second])
    expect(probabilities).toEqual([null, others.probabilities[0], null, others.probabilities[1]])
    expect((await identifier.probabilities([''])).probabilities).toEqual([null])
  })
})

describe('the demo', () => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { widthOf } = require('../examples/terminal') as { widthOf: (text: string) => number }

  test('agrees with the published numbers and with PyTorch, and says so in 80 columns, without colours in a pipe', () => {
    const { status, lines, stderr } = run('demo.js')
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(lines.filter((line) => line.includes('✓'))).toHaveLength(2 + 7 + 1 + 7 + 2 + 2 + 10 + 1 + 5 + 2 + 2)
    for (const sign of ['✗', 'NO', '\u001b']) expect(lines.join('\n')).not.toContain(sign)
    expect(lines.filter((line) => widthOf(line) > 80)).toEqual([])
  })

  test('shows the 7 steps against 10, and where the last hidden state of the padded run goes wrong', () => {
    const text = run('demo.js').lines.join('\n')
    expect(text).toMatch(/packed +7 +█+\n +padded +10 +█+ +3 of them on padding/)
    expect(text).toMatch(/b1, with h = -4\.3123e-05, 2\.3017e-05, 0\.14112\./)
    expect(text).toMatch(/-0\.1000, 0\.1744, -0\.2797, is that of three steps of padding/)
  })

  test('names the language of every sentence of its list', () => {
    const text = run('demo.js').lines.join('\n')
    expect(text).toMatch(/^ {2}German +1\.000 █{10} +Der Zug nach Berlin/m)
    expect(text).toMatch(/^ {2}Finnish +0\.356 ███▋ +Tea\? \(it is English\)$/m)
    expect(text).toMatch(/steps computed +3 280 /)
    expect(text).toMatch(/padding would cost +8 058 .*59 % is padding/)
    expect(text).toMatch(/time taken +\d+\.\d ms +\d+ threads?, \w+/)
    expect(text).toMatch(/as PyTorch says +yes/)
  })

  test('takes texts from the command line: of any script and length, empty ones, and ones that would break the table', () => {
    const texts = [
      'Un texte en français',
      '',
      'two\nlines \u001b[31mand colours',
      '日本語のテキスト'.repeat(20),
      'x'.repeat(5000)
    ]
    const { status, lines } = run('demo.js', ...texts)
    const table = lines.slice(lines.findIndex((line) => line.includes('probability')) + 1).slice(0, texts.length)
    expect(status).toBe(0)
    expect(table[0]).toMatch(/^ {2}French +0\.966 █+/)
    expect(table[1]).toMatch(/^ {2}— +no text, so no steps/)
    expect(table[2]).toMatch(/two lines \[31mand colours$/)
    expect(table[3]).toMatch(/日本語.*…$/)
    expect(lines.filter((line) => widthOf(line) > 80)).toEqual([])
  })

  test('an empty text alone is an answer, and no error', () => {
    const { status, lines, stderr } = run('demo.js', '')
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(lines.join('\n')).toMatch(/no text, so no steps[^]*steps computed +0 /)
  })
})

describe('the smaller examples', () => {
  test('stream.js: the bits of one long run, and of one packed batch', () => {
    const { status, lines } = run('stream.js')
    expect(status).toBe(0)
    expect(lines).toEqual([
      'one stream, 100 steps in chunks of 1, 2, 4, 8, …: 100 steps taken',
      '  the bits of one long run: true',
      'three streams in ragged chunks: 30, 18, 25 steps taken',
      '  the states of one packed batch: true',
      'a clone: 103 steps taken, and still 100 by the stream it came from',
      ''
    ])
  })

  test('tagger.js: each character tagged with the depth of its brackets', () => {
    const { status, lines } = run('tagger.js', 'f(x, g(y))', '', '((a)(b))')
    expect(status).toBe(0)
    expect(lines).toEqual(['f(x, g(y))', '0111112210', '', '', '', '', '((a)(b))', '12212210', '', ''])
  })
})
