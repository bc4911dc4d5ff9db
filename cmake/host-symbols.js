'use strict'
// node host-symbols.js <Node-API version> <processor>: prints C that stands in for an import library on Windows. Each
// Node-API function becomes a jump through a pointer, filled at load from the host process whatever its name is: node.exe,
// electron.exe, or a program that embeds them. A delay-loaded import library does the same under MSVC alone.
const { symbols } = require('node-api-headers')

const [version, processor] = process.argv.slice(2)
const { js_native_api_symbols, node_api_symbols } = symbols[`v${version}`]
const names = [...new Set([...js_native_api_symbols, ...node_api_symbols])].sort()

const jumps = {
  x86_64: (pointer) => `jmpq *${pointer}(%rip)`,
  aarch64: (pointer) => `adrp x16, ${pointer}\\nldr x16, [x16, :lo12:${pointer}]\\nbr x16`
}
const jump = jumps[processor.toLowerCase()]
if (!jump) throw new Error(`No jump is known for the processor ${processor}`)

console.log(`#define WIN32_LEAN_AND_MEAN
#include <windows.h>

${names.map((name) => `void* host_${name};\n__asm__(".text\\n.globl ${name}\\n${name}:\\n${jump(`host_${name}`)}\\n");`).join('\n')}

__attribute__((constructor)) static void bind(void) {
  HMODULE host = GetModuleHandleA("node.dll");
  if (!host) host = GetModuleHandleA(NULL);
${names.map((name) => `  host_${name} = (void*)GetProcAddress(host, "${name}");`).join('\n')}
}`)
