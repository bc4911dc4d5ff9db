'use strict'

/**
 * A tagger: one tag for every step of every sequence, Embedding → RNN → Linear, in one packed batch.
 *
 *     node examples/tagger.js "f(x, g(y))" "((no end"
 *
 * It tags each character with the depth of the brackets it stands in. That needs no training: the weights are written
 * down here, under the names that a trained tagger's state dict would have, and so every tag can be checked by eye.
 */

const { Embedding, Linear, packSequence, RNN, tensor, unpackSequence } = require('..')

const deepest = 9

/** Characters → +1, −1 or 0; h' = max(0, h + x), the depth; and a score for each tag k, 2kh − k², largest where k = h. */
function bracketWeights() {
  const step = new Float32Array(256)
  step['('.charCodeAt(0)] = 1
  step[')'.charCodeAt(0)] = -1
  const depths = Array.from({ length: deepest + 1 }, (_, k) => k)
  return {
    'embedding.weight': tensor(step, [256, 1]),
    'rnn.weight_ih_l0': tensor([[1]]),
    'rnn.weight_hh_l0': tensor([[1]]),
    'classifier.weight': tensor(depths.map((k) => [2 * k])),
    'classifier.bias': tensor(depths.map((k) => -k * k))
  }
}

class Tagger {
  #embedding
  #rnn
  #classifier

  constructor(stateDict) {
    this.#embedding = Embedding.fromStateDict(stateDict, { prefix: 'embedding.' })
    this.#rnn = RNN.fromStateDict(stateDict, { prefix: 'rnn.', nonlinearity: 'relu' })
    this.#classifier = Linear.fromStateDict(stateDict, { prefix: 'classifier.' })
  }

  /** For each text the tag of each of its bytes. */
  async tag(texts) {
    const bytes = texts.map((text) => tensor(new TextEncoder().encode(text)))
    const packed = packSequence(bytes, { enforceSorted: false, allowZeroLength: true })
    const { output } = await this.#rnn.forward(this.#embedding.forwardSync(packed))
    return unpackSequence(this.#classifier.forwardSync(output)).map((scores) => scores.toArray().map(indexOfLargest))
  }
}

function indexOfLargest(values) {
  return values.indexOf(Math.max(...values))
}

async function main(texts) {
  const tags = await new Tagger(bracketWeights()).tag(texts)
  texts.forEach((text, i) => console.log(`${text}\n${tags[i].join('')}\n`))
}

if (require.main === module) {
  const given = process.argv.slice(2)
  void main(given.length > 0 ? given : ['f(x, g(y)) + h(z)', '((a)(b))', 'none'])
}

module.exports = { bracketWeights, Tagger }
