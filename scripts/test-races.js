'use strict'
// npm run test:races
//
// The tests of the core in which threads meet, built with ThreadSanitizer. An access that nothing orders fails, whatever
// came of it: x86 hides most mistakes in the order of memory, arm64 does not. On Linux.
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const root = path.join(__dirname, '..')
const folder = path.join(root, 'build', 'races')
const programs = ['threads_test', 'workspace_test', 'exhaustion_test', 'recurrent_test', 'pass_test']
const tests = '^(Team|Rounds|Offer|Pass|Detour|Threads|KeptWorkspace|Exhaustion|Recurrent[.]GivesTheSameBits)'

// Where more bits of an address are random, the sanitizer of GCC before 14 finds its own place taken.
const mostRandomBits = 28
const randomBits = Number(fs.readFileSync('/proc/sys/vm/mmap_rnd_bits', 'utf8'))
const tamed = randomBits > mostRandomBits ? ['setarch', '-R'] : []

function run(...command) {
  const [program, ...args] = [...tamed, ...command]
  const { error, status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

run('cmake', '-S', '.', '-B', folder, '-DPACKED_RNN_TESTS=ON', '-DPACKED_RNN_SANITIZE=thread')
run('cmake', '--build', folder, '--parallel', String(os.availableParallelism()), '--target', ...programs)
run('ctest', '--test-dir', folder, '--output-on-failure', '--no-tests=error', '--tests-regex', tests)
