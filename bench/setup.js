'use strict'
// What a benchmark needs: our own build, the rivals, and the program that measures the machine.
const { execFileSync } = require('node:child_process')
const path = require('node:path')
const { hasDependencies } = require('../scripts/dependencies')

const root = path.join(__dirname, '..')
const build = path.join(root, 'build', 'bench')

function run(command, args, options) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 2, 2], ...options })
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`${command} is needed and was not found`, { cause: error })
    throw error
  }
}

/** The npm that runs this, if one does: a program's own name would have to be another one on Windows. */
function npm(args, cwd) {
  const { npm_execpath: script } = process.env
  if (script) run(process.execPath, [script, ...args], { cwd })
  else run('npm', args, { cwd })
}

/** What is measured is what the sources say now. */
function buildPackage() {
  npm(['run', 'build'], root)
}

/** The rivals in this folder's own node_modules. */
function installRivals() {
  if (!hasDependencies(__dirname)) npm(['ci', '--no-audit', '--no-fund'], __dirname)
}

/**
 * Debian's PyTorch, with a BLAS that is not the slow reference one, and that shares PyTorch's threads: beside those of
 * its own they would spin on the same cores, and two threads take several times as long as one.
 */
function installTorch() {
  run('apt-get', ['install', '-qy', '--no-install-recommends', 'python3-torch', 'libopenblas0-openmp'])
}

/** Builds native/*_meter.cpp; returns the path of the one called `name`. */
function buildMeter(name) {
  run('cmake', ['-S', root, '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DPACKED_RNN_METERS=ON'])
  run('cmake', ['--build', build, '--parallel', '--target', name])
  return path.join(build, name)
}

module.exports = { root, buildPackage, installRivals, installTorch, buildMeter }
