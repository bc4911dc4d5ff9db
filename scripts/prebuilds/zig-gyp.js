#!/usr/bin/env node
'use strict'
// Stands in for node-gyp under prebuildify, which looks for what it made in build/Release of the working folder.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..', '..')
const log = fs.openSync('build.log', 'w')

function cmake(...args) {
  try {
    execFileSync('cmake', args, { stdio: ['ignore', log, log] })
  } catch {
    console.error(fs.readFileSync('build.log', 'utf8').slice(-8000))
    process.exit(1)
  }
}

cmake(
  ...['-S', root, '-B', 'build', '-DPACKED_RNN_ADDON=ON', '-DCMAKE_BUILD_TYPE=Release'],
  `-DCMAKE_TOOLCHAIN_FILE=${path.join(root, 'cmake', 'zig.cmake')}`,
  `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${path.resolve('build', 'Release')}`
)
cmake('--build', 'build', '--target', 'packed_rnn', '--parallel')
