import type { ErrorCode } from '../lib/errors'

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

/** Expects an error of a class and code, with a message that says so. */
export function expectThrown(call: () => unknown, type: new () => Error, code: ErrorCode, ...says: string[]): void {
  const error = thrownBy(call)
  expect(error).toBeInstanceOf(type)
  expect(error).toHaveProperty('code', code)
  for (const words of says) expect((error as Error).message).toContain(words)
}

/** The same, with a message that says all of what: the argument, what was expected, what came. */
export function expectError(
  call: () => unknown,
  type: new () => Error,
  code: ErrorCode,
  ...says: readonly [string, string, ...string[]]
): void {
  expectThrown(call, type, code, ...says)
}

/** The whole message of the error that a call throws. */
export function messageOf(call: () => unknown): string {
  return (thrownBy(call) as Error).message
}
