'use strict'
// npm run test:sanitized [-- <jest's arguments>]
//
// All tests against an addon that is built with AddressSanitizer and UndefinedBehaviorSanitizer, and with the core's
// assertions: what reads or writes where it must not fails, even where nothing else shows it. On Linux, with GCC.
const { execFileSync, spawnSync } = require('node:child_process')
const os = require('node:os')
const path = require('node:path')

const root = path.join(__dirname, '..')
// Where node-gyp-build looks for build/Release, if its variable says so.
const folder = path.join(root, 'build', 'sanitized')

// The addon is loaded into a node that was built without, so what the sanitizers replace must be there before.
const runtimes = ['libasan.so', 'libubsan.so'].map((name) => {
  const file = execFileSync(process.env.CXX ?? 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim()
  if (!path.isAbsolute(file)) throw new Error(`${name} was not found; it comes with GCC`)
  return file
})

function run(module, args, env = {}) {
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }
  const { status } = spawnSync(process.execPath, [require.resolve(module), ...args], options)
  if (status !== 0) process.exit(status ?? 1)
}

const options = ['ADDON=ON', 'SANITIZE=address,undefined'].map((option) => `--CDPACKED_RNN_${option}`)
const threads = ['--parallel', String(os.availableParallelism())]
run('cmake-js/bin/cmake-js', ['build', '--out', path.join(folder, 'build'), ...threads, ...options])

process.env.PACKED_RNN_PREBUILD = folder
const found = require('node-gyp-build').resolve(root)
if (!found.startsWith(folder)) throw new Error(`Expected the addon in ${folder} to be tested, but it would be ${found}`)

run('jest/bin/jest', process.argv.slice(2), {
  LD_PRELOAD: runtimes.join(':'),
  // Node itself leaks at exit; and an allocation that is too large is for the library to refuse.
  ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'print_stacktrace=1'
})
