import { describe, expect, it } from 'vitest';
import { RetryDelay } from './retry-delay.ts';

describe('the delay between attempts', () => {
  it('doubles up to a minute and starts again after a calm while', () => {
    const delay = new RetryDelay();
    let now = 0;
    const delays = Array.from({ length: 9 }, () => {
      const next = delay.next(now);
      now += next;
      return next;
    });
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(delay.next(now + 119_000)).toBe(60_000);
    expect(delay.next(now + 119_000 + 60_000 + 120_001)).toBe(1000);
  });
});
