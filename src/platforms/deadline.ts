/** The time that one call to a platform has, by a clock that nobody can set. */
export interface Deadline {
  readonly timeoutMs: number;
  /** Never below zero. */
  leftMs(): number;
}

export function deadlineIn(timeoutMs: number): Deadline {
  const end = performance.now() + timeoutMs;
  return { timeoutMs, leftMs: () => Math.max(0, end - performance.now()) };
}
