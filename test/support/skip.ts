import type { TestContext } from 'vitest';

/** Ends the test as a reported skip when what it needs is missing. */
export function need<Value>(
  context: TestContext,
  value: Value | false | undefined,
  reason: string,
): Value {
  if (value === undefined || value === false) context.skip(reason);
  return value as Value;
}
