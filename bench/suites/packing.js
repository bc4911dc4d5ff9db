'use strict'
// Packing and padding beside one copy of the same bytes into a new array (slice), for narrow rows and wide ones; and
// beside it what copies cost that make an array a sequence, as unpackSequence has to.
const { lib } = require('../rivals/packed-rnn')
const { compare, over } = require('../measure')
const { lengthsOf, randomFloats } = require('../workload')

// Of 4 bytes and of 1 KiB a step, in the cache and beyond it.
const shapes = [
  { batch: 256, steps: 1000, width: 1 },
  { batch: 32, steps: 200, width: 256 },
  { batch: 1024, steps: 4000, width: 1 },
  { batch: 64, steps: 500, width: 256 }
]

// A fixed shuffle.
const shuffled = (values) => {
  const keys = randomFloats(6, values.length, 1)
  const order = [...keys.keys()].sort((a, b) => keys[a] - keys[b])
  return values.map((_, i) => values[order[i]])
}

async function measure(context) {
  const rows = []
  for (const { batch, steps, width } of context.quick ? shapes.slice(0, 2) : shapes) {
    const whole = new lib.Tensor(randomFloats(7, batch * steps * width, 1), [batch, steps, width])
    for (const sorted of [true, false]) {
      const falling = lengthsOf.falling(batch, steps)
      const lengths = sorted ? falling : shuffled(falling)
      const [batchFirst, enforceSorted] = [true, sorted]
      const packed = lib.packPaddedSequence(whole, lengths, { batchFirst, enforceSorted })
      const sequences = lib.unpackSequence(packed)
      const { padded } = lib.padPackedSequence(packed, { batchFirst })
      const contestants = {
        copyPacked: { sync: true, run: () => packed.data.data.slice() },
        copyPadded: { sync: true, run: () => padded.data.slice() },
        copySequences: { sync: true, run: () => sequences.map(({ data }) => data.slice()) },
        packPaddedSequence: {
          sync: true,
          run: () => lib.packPaddedSequence(whole, lengths, { batchFirst, enforceSorted })
        },
        padPackedSequence: { sync: true, run: () => lib.padPackedSequence(packed, { batchFirst }) },
        packSequence: { sync: true, run: () => lib.packSequence(sequences, { enforceSorted }) },
        unpackSequence: { sync: true, run: () => lib.unpackSequence(packed) },
        padSequence: { sync: true, run: () => lib.padSequence(sequences, { batchFirst }) }
      }
      const { times, rounds } = await compare(contestants, context.budget(1.2))
      const functions = Object.keys(times).filter((name) => !name.startsWith('copy'))
      // What a function writes: a padded batch or packed rows.
      const copyOf = (each) => (each.startsWith('pad') ? 'copyPadded' : 'copyPacked')
      const ratios = Object.fromEntries(
        functions.map((each) => [each, over(rounds, (round) => round[each] / round[copyOf(each)])])
      )
      const bytes = { packed: packed.data.data.byteLength, padded: padded.data.byteLength }
      const copies = over(rounds, ({ copySequences, copyPacked }) => copySequences / copyPacked)
      rows.push({ batch, steps, width, sorted, bytes, times, ratios, copies })
      context.log(
        `B=${batch} T=${steps} x ${width}, ${sorted ? 'sorted' : 'unsorted'}, times of one copy: ${JSON.stringify(ratios)}`
      )
    }
  }
  return rows
}

module.exports = { measure }
