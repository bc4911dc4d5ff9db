'use strict'

const path = require('node:path')
const { Embedding, lastSteps, Linear, loadSafetensors, LSTM, packSequence, tensor } = require('..')

/**
 * Tells the language of texts: UTF-8 bytes → Embedding → bidirectional LSTM → the last hidden states of both directions →
 * Linear → softmax. In PyTorch:
 *
 *     packed = pack_sequence([torch.tensor(list(text.encode())) for text in texts], enforce_sorted=False)
 *     _, (h, _) = self.lstm(packed._replace(data=self.embedding(packed.data)))
 *     return self.classifier(torch.cat([h[0], h[1]], dim=1)).softmax(dim=1)
 */
class LanguageIdentifier {
  /** The names of the languages that the model knows. */
  languages
  #embedding
  #lstm
  #classifier

  constructor(weights) {
    this.languages = JSON.parse(weights.metadata.names)
    this.#embedding = Embedding.fromStateDict(weights, { prefix: 'embedding.' })
    this.#lstm = LSTM.fromStateDict(weights, { prefix: 'lstm.' })
    this.#classifier = Linear.fromStateDict(weights, { prefix: 'classifier.' })
  }

  static async load(file = path.join(__dirname, 'langid', 'model.safetensors')) {
    return new LanguageIdentifier(await loadSafetensors(file))
  }

  /**
   * The probability of each language for each text: all texts in one packed batch, whatever their lengths. A text
   * without a byte has no steps and so tells nothing: it has no probabilities, but null.
   */
  async probabilities(texts) {
    const bytes = texts.map((text) => tensor(new TextEncoder().encode(text)))
    const packed = packSequence(bytes, { enforceSorted: false, allowZeroLength: true })
    const { output } = await this.#lstm.forward(this.#embedding.forwardSync(packed))
    const logits = this.#classifier.forwardSync(lastSteps(output, { bidirectional: true })).toArray()
    return {
      probabilities: logits.map((values, i) => (bytes[i].data.length > 0 ? softmax(values) : null)),
      steps: packed.data.shape[0],
      paddedSteps: packed.batchCount * packed.batchSizes.length
    }
  }
}

function softmax(values) {
  const largest = Math.max(...values)
  const exponentials = values.map((value) => Math.exp(value - largest))
  const sum = exponentials.reduce((a, b) => a + b)
  return exponentials.map((exponential) => exponential / sum)
}

module.exports = { LanguageIdentifier }
