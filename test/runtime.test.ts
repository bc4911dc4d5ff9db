import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { getNumThreads, GRU, runtime, setNumThreads, Tensor } from '../lib'
import { isas, runChild, runUnder } from './support'
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

  test('an empty PACKED_RNN_ISA forces none', () => {
    const script = `process.stdout.write(require(${JSON.stringify(root)}).runtime.isa)`
    const env = { ...process.env, PACKED_RNN_ISA: '' }
    expect(execFileSync(process.execPath, ['-e', script], { env, encoding: 'utf8' })).toBe(runtime.supportedIsas[0])
  })

  test('what could not be loaded can be, when PACKED_RNN_ISA has been set right', () => {
    const script = `const load = () => require(${JSON.stringify(root)}).runtime.isa
      try { load() } catch ({ code }) { console.log(code) }
      delete process.env.PACKED_RNN_ISA
      console.log(load())`
    const env = { ...process.env, PACKED_RNN_ISA: 'none' }
    const printed = execFileSync(process.execPath, ['-e', script], { env, encoding: 'utf8' })
    expect(printed).toBe(`ERR_ISA\n${runtime.supportedIsas[0]!}\n`)
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

  test.each([undefined, 1, 2, 3])(
    'a burst of runs ends, and leaves one of libuv to file reads, of %p',
    async (size) => {
      const env = size === undefined ? {} : { UV_THREADPOOL_SIZE: String(size) }
      const { before, done } = (await runChild('burst.js', [], env)) as { before: number; done: number }
      expect(done).toBe(6)
      if (size !== 1) expect(before).toBe(0)
    }
  )

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
