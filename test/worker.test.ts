import { runChild, sanitized } from './support'

describe('B63 worker threads', () => {
  test('many at once load the addon and compute the same bits', async () => {
    const { digests, codes } = (await runChild('workers.js')) as { digests: string[]; codes: number[] }
    expect(digests).toHaveLength(9)
    expect(new Set(digests).size).toBe(1)
    expect(codes).toEqual(new Array(8).fill(0))
  })

  test('that end in the midst of a run, and a process that does, neither crash nor hang', async () => {
    await expect(runChild('terminate.js')).resolves.toEqual({ ended: 6, finite: true })
  })

  test('that alone have the addon take its threads with them when they end', async () => {
    await expect(runChild('unload.js')).resolves.toEqual({ codes: [0, 0, 0, 0, 0], more: 0 })
  })

  // What the sanitizer keeps of what is freed would count.
  const testOfMemory = sanitized ? test.skip : test
  testOfMemory('that alone have the addon take what it keeps with them, too', async () => {
    const { grown } = (await runChild('unload_memory.js')) as { grown: number }
    expect(grown).toBeLessThan(40 * 2 ** 20) // of 120 MB that were kept
  })
})

test('processes made by cluster and fork, while threads are at work, compute the same bits and end', async () => {
  const { sums, codes } = (await runChild('processes.js')) as { sums: number[]; codes: number[] }
  expect(sums).toHaveLength(5)
  expect(new Set(sums).size).toBe(1)
  expect(codes).toEqual([0, 0, 0, 0])
})
