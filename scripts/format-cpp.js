'use strict'
// Formats the C++ sources; with --check, only says which ones are not.
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { clangFormatPath } = require('clang-format-node')

const root = path.join(__dirname, '..')
const files = ['native', 'test/native', 'bench/native']
  .flatMap((folder) => fs.readdirSync(path.join(root, folder), { recursive: true }).map((file) => `${folder}/${file}`))
  .filter((file) => /\.(cpp|h|inl|inc)$/.test(file))

fs.chmodSync(clangFormatPath, 0o755) // what the package's own install script does, where npm lets it run
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i']
process.exit(spawnSync(clangFormatPath, [...mode, ...files], { cwd: root, stdio: 'inherit' }).status ?? 1)
