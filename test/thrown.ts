import type { ErrorCode } from '../lib/errors'

/** Expects an error of a class and code, with a message that says all of what: the argument, what was expected, what came. */
export function expectError(
  call: () => unknown,
  type: new () => Error,
  code: ErrorCode,
  ...says: readonly [string, string, ...string[]]
): void {
  let error: unknown
  try {
    call()
  } catch (caught) {
    error = caught
  }
  expect(error).toBeInstanceOf(type)
  expect(error).toHaveProperty('code', code)
  for (const words of says) expect((error as Error).message).toContain(words)
}
