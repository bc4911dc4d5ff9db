'use strict'
// Reads the machine code of the kernels that `npm run build:native` made, or of the objects in the folder that is named,
// and fails if an inner product has lost its registers: in a loop that multiplies and adds vectors, nothing but row
// pointers may come from the stack, none from a vector register, and no operand of an fma twice from memory, but for what
// it broadcasts; and where an fma takes one lane for all, nothing is broadcast apart.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const built = path.join(__dirname, '..', 'build', 'Release', 'obj.target', 'packed_rnn', 'native', 'kernels')
const objects = process.argv[2] ?? built
// Every tile has an inner loop or two; fewer found than this means that they are no longer recognised.
const kernels = {
  avx512: { architecture: /x86-64/, expected: 100 },
  avx2: { architecture: /x86-64/, expected: 60 },
  neon: { architecture: /aarch64|arm64/, expected: 100 }
}

const disassemble = (object) =>
  execFileSync('objdump', ['-d', '--no-show-raw-insn', object], { encoding: 'utf8', maxBuffer: 2 ** 28 })

function functionsOf(text) {
  const functions = []
  for (const line of text.split('\n')) {
    const start = /^[0-9a-f]+ <(.*)>:$/.exec(line)
    if (start) functions.push({ name: start[1], code: [] })
    const instruction = /^\s*([0-9a-f]+):\s+(.*\S)/.exec(line)
    if (instruction) functions.at(-1).code.push({ address: parseInt(instruction[1], 16), text: instruction[2] })
  }
  return functions
}

// Loops without a loop inside: from the target of a backward jump to the jump.
function innerLoops(code) {
  const index = new Map(code.map(({ address }, i) => [address, i]))
  const loops = []
  code.forEach(({ text }, end) => {
    const jump = /^(?:j\w+|b\.\w+|cbn?z\s+\w+,|b)\s+([0-9a-f]+)\b/.exec(text)
    const start = jump && index.get(parseInt(jump[1], 16))
    if (start !== undefined && start !== null && start <= end) loops.push([start, end])
  })
  const inside = ([a, b], [c, d]) => a <= c && d <= b && (a !== c || b !== d)
  return loops.filter((loop) => !loops.some((other) => inside(loop, other))).map(([a, b]) => code.slice(a, b + 1))
}

const fma = /^(?:vfmadd\d+ps|fmla)\b/
const epilogue = /finish_tile/ // multiplies vectors too, but only once
const vector = /^(?:vmov\w*ps|vfmadd\d+ps|vbroadcastss)\b|^(?:ldr|str|ldp|stp)\s+q\d+/
const fromVector = /^vmov[dq]\s+%xmm\d+,%r|^(?:umov|fmov)\s+x\d+/
const broadcastApart = /^(?:ld1r|dup)\b/

// Fmas whose operand in memory has been one before, its registers not set in between. Those that broadcast theirs do so
// on purpose.
function loadedTwice(body) {
  const loaded = new Set()
  return body.filter(({ text }) => {
    const operand = fma.test(text) ? /[-\w]*\(%[^)]*\)(?!\{)/.exec(text)?.[0] : undefined
    const twice = loaded.has(operand)
    if (operand) loaded.add(operand)
    const register = /%r\w+$/.exec(text)?.[0]
    for (const each of loaded) if (register && each.includes(register)) loaded.delete(each)
    return twice
  })
}

// In a function without a frame pointer its register is one like the others.
const setsFramePointer = /^mov\s+(?:%rsp,%rbp|x29, sp)$/
const stackOf = (code) =>
  code.some(({ text }) => setsFramePointer.test(text)) ? /\(%rsp|\(%rbp|\[sp|\[x29/ : /\(%rsp|\[sp/

let failed = false
for (const [isa, { architecture, expected }] of Object.entries(kernels)) {
  // node-gyp's name, or CMake's.
  const object = [`${isa}.o`, `${isa}.cpp.o`].map((name) => path.join(objects, name)).find(fs.existsSync)
  if (!object) {
    console.error(`${isa}.o is missing in ${objects}: run npm run build:native first`)
    process.exit(1)
  }
  const text = disassemble(object)
  if (!architecture.test(/file format (.*)/.exec(text)[1])) continue // its file is empty there
  let loops = 0
  let clean = true
  for (const { name, code } of functionsOf(text)) {
    if (epilogue.test(name)) continue
    const stack = stackOf(code)
    for (const body of innerLoops(code)) {
      if (body.filter(({ text }) => fma.test(text)).length < 2) continue
      ++loops
      const complaints = {
        'touches the stack': body.filter(({ text }) => vector.test(text) && stack.test(text)),
        'fetches from vector registers': body.filter(({ text }) => fromVector.test(text)),
        'loads operands twice': loadedTwice(body),
        'broadcasts apart': body.filter(({ text }) => broadcastApart.test(text))
      }
      for (const [complaint, lines] of Object.entries(complaints)) {
        if (lines.length === 0) continue
        clean = false
        console.error(`${isa}: ${name} ${complaint} in its inner loop:`)
        for (const { text } of lines) console.error(`  ${text}`)
      }
    }
  }
  if (clean) console.log(`${isa}: ${loops} inner loops, no vector on the stack, none loaded twice`)
  else failed = true
  if (loops < expected) {
    failed = true
    console.error(`${isa}: at least ${expected} inner loops were expected`)
  }
}
process.exit(failed ? 1 : 0)
