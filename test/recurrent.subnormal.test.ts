import { packSequence, Tensor } from '../lib'
import type { ModuleName } from './reference'
import { type AnyModule, expectSameBits, generator, modules, newModule, randomTensor } from './support'

// Few outputs for much work: a page of new memory may cost as much as the steps that fill it.
const size = 512
const steps = 4

/** A module without input whose state neither grows nor shrinks: forget and update gates are open or shut by their biases. */
function keeper(name: ModuleName): AnyModule {
  const options = { inputSize: 1, hiddenSize: size, nonlinearity: 'relu' as const }
  const own = name === 'RNN' ? options : { inputSize: 1, hiddenSize: size }
  const stateDict = newModule(name, own).stateDict()
  const random = generator(70)
  for (const values of Object.values(stateDict)) values.data.fill(0)
  const [weights, bias] = [stateDict['weight_hh_l0']!.data, stateDict['bias_ih_l0']!.data]
  if (name === 'RNN') for (let i = 0; i < size; ++i) weights[i * size + i] = 1
  else weights.set(randomTensor(random, [weights.length], 0.5 / size).data)
  if (name === 'LSTM')
    bias
      .fill(-30, 0, size)
      .fill(30, size, 2 * size)
      .fill(30, 3 * size)
  if (name === 'GRU') bias.fill(30, size, 2 * size)
  return newModule(name, own, stateDict)
}

const filled = (value: number): Tensor => new Tensor(new Float32Array(size).fill(value), [1, 1, size])
const stateOf = (name: ModuleName, value: number): { h: Tensor; c?: Tensor } =>
  name === 'LSTM' ? { h: filled(value), c: filled(value) } : { h: filled(value) }

describe('B57 subnormal states', () => {
  const input = new Tensor(new Float32Array(steps), [steps, 1, 1])

  // A state that is subnormal is taken for zero; from one that is not, yet, products are.
  const states = [1e-36, 1e-39]
  const cases = Object.keys(modules).flatMap((name) => states.map((value) => [name as ModuleName, value] as const))
  test.each(cases)('%s from %d: a step takes no more than twice its time', (name, value) => {
    const module = keeper(name)
    const [tiny, normal] = [stateOf(name, value), stateOf(name, 0.5)]
    const kept = module.forwardSync(input, tiny).state.h.data
    expect(kept.every((unit) => (value < 2 ** -126 ? unit === 0 : Math.abs(unit / value - 1) < 0.1))).toBe(true)

    const time = (state: typeof tiny): number => {
      const start = performance.now()
      module.forwardSync(input, state)
      return performance.now() - start
    }
    // Turn by turn, so that what slows the machine down for a while slows both.
    const ratios = Array.from({ length: 201 }, () => time(tiny) / time(normal)).sort((a, b) => a - b)
    expect(ratios[100]).toBeLessThan(2)
  })
  test.each(Object.keys(modules) as ModuleName[])(
    '%s: weights, and states of sequences without steps, come back',
    (name) => {
      const module = keeper(name)
      const none = packSequence([new Tensor(new Float32Array(0), [0, 1])], { allowZeroLength: true })
      const state = stateOf(name, 1e-39)
      const left = module.forwardSync(none, state).state
      for (const [part, given] of Object.entries(state)) expectSameBits(left[part as 'h'], given)

      const stateDict = module.stateDict()
      for (const values of Object.values(stateDict)) values.data.fill(1e-39)
      const weights = newModule(name, module.options, stateDict).stateDict()
      for (const [key, values] of Object.entries(stateDict)) expectSameBits(weights[key]!, values)
    }
  )
})
