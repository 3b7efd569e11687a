import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

it('lets the first through, and the next when the rate allows it', () => {
  const pace = new Pace(1000);
  expect(pace.waitMs(500, 0)).toBe(0);
  expect(pace.waitMs(500, 100)).toBe(400);
  expect(pace.waitMs(0, 2000)).toBe(0);
  // Time that nobody used is not saved up.
  expect(pace.waitMs(3000, 60_000)).toBe(0);
  expect(pace.waitMs(1, 60_000)).toBe(3000);
});
