import { readFileSync } from 'node:fs'
import path from 'node:path'
import { native } from './binding'
import { integer } from './check'

const manifest = readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8')

/** What this process computes with. */
export const runtime: {
  /** The instruction set in use: 'portable', 'avx2', 'avx512' or 'neon'. The variable PACKED_RNN_ISA forces one. */
  readonly isa: string
  /** Those that this processor can run, the best first. */
  readonly supportedIsas: readonly string[]
  /** Of this package. */
  readonly version: string
} = Object.freeze({
  isa: native.isa,
  supportedIsas: Object.freeze([...native.supportedIsas]),
  version: (JSON.parse(manifest) as { version: string }).version
})

/** Far past any machine's processors: a wrong number shall not start threads without end. */
const maxThreads = 1024

/**
 * Sets how many threads one call may use, the calling one included, in the whole process with its worker threads; calls
 * that are under way keep theirs. The results have the same bits for any number.
 *
 * @param count from 1 to 1024. Default: as many processors as the process may run on, or fewer if a container's limit or
 *   another control group of Linux grants less time.
 * @throws ERR_ARG_TYPE, ERR_ARG_VALUE
 */
export function setNumThreads(count: number): void {
  native.setNumThreads(integer(count, 'count', 1, undefined, maxThreads))
}

/** How many threads one call may use. */
export function getNumThreads(): number {
  return native.getNumThreads()
}
