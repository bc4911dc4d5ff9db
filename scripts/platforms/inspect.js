'use strict'
// What can be said of a binary without running it: that it is of its platform, exports what Node looks for and nothing
// else, needs no library that the platform lacks, and takes nothing but Node-API from its host.
const { execFileSync } = require('node:child_process')

const tool = (name, ...args) => execFileSync(name, args, { encoding: 'utf8' })
const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1])

const arches = { x64: 'x86_64', arm64: 'aarch64' }
const formats = { linux: 'elf64', win32: 'COFF', darwin: 'Mach-O' }
const libraries = {
  glibc: /^(ld-linux-[\w-]+\.so\.\d|lib(c|dl|m|pthread)\.so\.\d)$/,
  musl: /^libc\.so$/,
  win32: /^(KERNEL32|api-ms-win-crt-[\w-]+)\.dll$/i,
  darwin: /^\/usr\/lib\/libSystem\.B\.dylib$/
}
const entries = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
const newestGlibc = 28 // of 2.28, which is Debian 10 and RHEL 8

function symbolsOf(file, platform) {
  if (platform === 'win32') {
    const text = tool('llvm-readobj', '--coff-exports', file)
    return { exported: all(text, /^\s+Name: (\S+)/gm), taken: [] }
  }
  const dynamic = platform === 'linux' ? ['--dynamic'] : []
  const defined = tool('llvm-nm', ...dynamic, '--defined-only', '--extern-only', '--format=just-symbols', file)
  const undefinedOnes = tool('llvm-nm', ...dynamic, '--undefined-only', '--format=just-symbols', file)
  const plain = (text) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((name) => name.replace(/^_/, ''))
  return platform === 'darwin'
    ? { exported: plain(defined), taken: plain(undefinedOnes) }
    : { exported: defined.split('\n').filter(Boolean), taken: undefinedOnes.split('\n').filter(Boolean) }
}

function librariesOf(file, platform) {
  if (platform === 'win32') return all(tool('llvm-readobj', '--coff-imports', file), /^\s+Name: (\S+\.dll)$/gim)
  const [, list] = /NeededLibraries \[([^\]]*)\]/.exec(tool('llvm-readobj', '--needed-libs', file))
  return list
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}

/** Throws what is wrong with a binary. */
module.exports = function inspect(file, { platform, arch, libc }) {
  const wrong = []
  const header = tool('llvm-readobj', '--file-headers', file)
  const [, format, found] = /Format: (\S+)[\s\S]*?Arch: (\S+)/.exec(header)
  if (!format.startsWith(formats[platform]) || found !== arches[arch]) wrong.push(`is a ${format} for ${found}`)

  const { exported, taken } = symbolsOf(file, platform)
  for (const entry of entries) if (!exported.includes(entry)) wrong.push(`does not export ${entry}`)
  // Mach-O has no list of exports that Zig's linker heeds: there the C++ operators new and delete are seen too.
  const strangers = exported.filter(
    (name) => !entries.includes(name) && !(platform === 'darwin' && /^_Z(n|d)[aw]/.test(name))
  )
  if (strangers.length > 0) wrong.push(`exports ${strangers.join(', ')}`)

  const needed = librariesOf(file, platform)
  const odd = needed.filter((name) => !libraries[libc ?? platform].test(name))
  if (odd.length > 0) wrong.push(`needs ${odd.join(', ')}`)
  for (const name of taken) {
    const version = /@GLIBC_2\.(\d+)/.exec(name)?.[1]
    if (version > newestGlibc) wrong.push(`needs a glibc newer than 2.${newestGlibc} for ${name}`)
  }
  const fromHost = taken.filter((name) => name.startsWith('napi_') || name.startsWith('node_api_'))
  if (platform !== 'win32' && fromHost.length === 0) wrong.push('takes no function of Node-API')
  if (wrong.length > 0) throw new Error(`It ${wrong.join('; it ')}`)
}
