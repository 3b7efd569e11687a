import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RateLimit } from './rate-limit.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How long taking these takes, by the clock that the test winds. */
async function timeOf(limit: RateLimit, sizes: readonly number[]): Promise<number> {
  const begun = performance.now();
  let isDone = false;
  const work = (async () => {
    for (const size of sizes) await limit.take(size);
    isDone = true;
  })();
  while (!isDone) await vi.advanceTimersByTimeAsync(1);
  await work;
  return performance.now() - begun;
}

it('lets no more through than its rate, whatever the pieces are', async () => {
  const sizes = [5_000_000, 1000, 3_000_000, 2_000_000, 999_000];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const ms = await timeOf(new RateLimit(10_000_000, undefined), sizes);
  expect(ms).toBeGreaterThan((total / 10_000_000) * 1000 - 100);
  expect(ms).toBeLessThan((total / 10_000_000) * 1000 + 100);
});

it('waits for nobody without a rate, and ends when it is aborted', async () => {
  expect(await timeOf(new RateLimit(undefined, undefined), [1e12])).toBeLessThan(10);
  const stop = new AbortController();
  const waiting = new RateLimit(1, stop.signal).take(1e9);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});
