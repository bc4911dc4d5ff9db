'use strict'
// The platforms that a release has a binary for. gnu.2.28 is the glibc of the oldest systems that run Node 20.
const targets = [
  { platform: 'linux', arch: 'x64', libc: 'glibc', zig: 'x86_64-linux-gnu.2.28' },
  { platform: 'linux', arch: 'x64', libc: 'musl', zig: 'x86_64-linux-musl' },
  { platform: 'linux', arch: 'arm64', libc: 'glibc', zig: 'aarch64-linux-gnu.2.28' },
  { platform: 'linux', arch: 'arm64', libc: 'musl', zig: 'aarch64-linux-musl' },
  { platform: 'win32', arch: 'x64', zig: 'x86_64-windows-gnu' },
  { platform: 'win32', arch: 'arm64', zig: 'aarch64-windows-gnu' },
  { platform: 'darwin', arch: 'x64', zig: 'x86_64-macos.10.15' },
  { platform: 'darwin', arch: 'arm64', zig: 'aarch64-macos.11.0' }
]

const nameOf = ({ platform, arch, libc }) => [platform, arch, libc].filter(Boolean).join('-')

/** Where the package has the binary: prebuildify writes it there, and node-gyp-build looks for it. */
const binaryOf = ({ platform, arch, libc }) => `prebuilds/${platform}-${arch}/packed-rnn${libc ? `.${libc}` : ''}.node`

module.exports = { binaryOf, nameOf, targets }
