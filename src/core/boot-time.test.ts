import { expect, it, vi } from 'vitest';
import { bootTime, sinceThen } from './boot-time.ts';
import { steadyNow } from './steady-now.ts';

it('counts on when the clock of the host is set', (context) => {
  const then = bootTime();
  if (!then) return context.skip('this system does not tell how long it is up');
  const before = steadyNow().getTime();
  try {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 365 * 86_400_000 });
    expect(sinceThen(then)).toBeLessThan(60_000);
    expect(steadyNow().getTime() - before).toBeLessThan(60_000);
    vi.setSystemTime(0);
    expect(sinceThen(then)).toBeLessThan(60_000);
    expect(steadyNow().getTime() - before).toBeGreaterThanOrEqual(0);
  } finally {
    vi.useRealTimers();
  }
});

it('does not know how long ago something of another boot was', () => {
  expect(sinceThen({ boot: 'another', uptimeMs: 1 })).toBeUndefined();
  expect(sinceThen({})).toBeUndefined();
});
