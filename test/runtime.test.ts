import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { getNumThreads, GRU, LSTM, runtime, setNumThreads, Tensor } from '../lib'
import { isas, runUnder } from './support'
import { expectError } from './thrown'

const root = path.join(__dirname, '..')

describe('runtime', () => {
  test('names the instruction set in use, and all that can be', () => {
    expect(runtime.supportedIsas).toContain('portable')
    expect(runtime.supportedIsas).toContain(process.env['PACKED_RNN_ISA'] ?? runtime.supportedIsas[0])
    expect(runtime.isa).toBe(process.env['PACKED_RNN_ISA'] ?? runtime.supportedIsas[0])
  })

  test.each(isas)('PACKED_RNN_ISA forces %s', async (isa) => {
    await expect(runUnder(isa, [])).resolves.toEqual([])
  })

  test('has the version of the package', () => {
    const manifest = readFileSync(path.join(root, 'package.json'), 'utf8')
    expect(runtime.version).toBe((JSON.parse(manifest) as { version: string }).version)
  })

  test('is frozen', () => {
    expect(Object.isFrozen(runtime)).toBe(true)
    expect(Object.isFrozen(runtime.supportedIsas)).toBe(true)
  })
})

describe('threads', () => {
  const before = getNumThreads()
  afterEach(() => {
    setNumThreads(before)
  })

  test('are at first as many as the process may run on', () => {
    expect(before).toBe(availableParallelism())
  })

  const testOfLinux = process.platform === 'linux' ? test : test.skip
  testOfLinux('are one in a process that may run on one processor', () => {
    const [first] = /(?<=^Cpus_allowed_list:\s*)\d+/m.exec(readFileSync('/proc/self/status', 'utf8'))!
    const script = `process.stdout.write(String(require(${JSON.stringify(root)}).getNumThreads()))`
    const printed = execFileSync('taskset', ['-c', first, process.execPath, '-e', script], { encoding: 'utf8' })
    expect(printed).toBe('1')
  })

  test('however many they are, a burst of runs leaves one thread of libuv to file reads', async () => {
    setNumThreads(8)
    const lstm = new LSTM({ inputSize: 1, hiddenSize: 40, projSize: 1 }) // of which each run stays on a thread
    const input = new Tensor(new Float32Array(10 ** 6), [10 ** 6, 1, 1]) // long, even beside a busy machine's other work
    let done = 0
    const runs = Array.from({ length: 6 }, () => lstm.forward(input).then(() => ++done))
    await access(__filename)
    expect(done).toBe(0)
    await Promise.all(runs)
  })

  test.each([undefined, 1, 2, 3])('a burst of runs ends, and leaves a thread of UV_THREADPOOL_SIZE %p', (size) => {
    const env = { ...process.env, ...(size === undefined ? {} : { UV_THREADPOOL_SIZE: String(size) }) }
    const script = path.join(__dirname, 'children', 'burst.js')
    const { before, done } = JSON.parse(execFileSync(process.execPath, [script], { env, encoding: 'utf8' })) as {
      before: number
      done: number
    }
    expect(done).toBe(4)
    if (size !== 1) expect(before).toBe(0)
  })

  test('runs that wait are begun in the order in which they came', async () => {
    setNumThreads(1) // two at a time
    const gru = new GRU({ inputSize: 1, hiddenSize: 60 })
    const input = new Tensor(new Float32Array(2000), [2000, 1, 1])
    let done = 0
    const before = await Promise.all(Array.from({ length: 20 }, () => gru.forward(input).then(() => done++)))
    before.forEach((count, i) => {
      expect(count).toBeGreaterThanOrEqual(i - 1) // all but one that came before it
    })
  })

  test('are as many as was set', () => {
    for (const count of [1, 2, 7, 1024]) {
      setNumThreads(count)
      expect(getNumThreads()).toBe(count)
    }
  })

  test.each([0, -1, 1.5, NaN, Infinity, 1025])('%p is no number of threads', (count) => {
    expectError(
      () => {
        setNumThreads(count)
      },
      RangeError,
      'ERR_ARG_VALUE',
      'count',
      'from 1 to 1024'
    )
    expect(getNumThreads()).toBe(before)
  })

  test.each([undefined, '2', null])('%p is no number', (count) => {
    expectError(
      () => {
        setNumThreads(count as never)
      },
      TypeError,
      'ERR_ARG_TYPE',
      'count',
      'a number'
    )
  })
})
