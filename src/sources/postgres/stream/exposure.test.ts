import { expect, it } from 'vitest';
import { Exposure } from './exposure.ts';

it('what was written before a moment is safe once its position is reached', () => {
  const exposure = new Exposure();
  exposure.heard(100n, 1000);
  exposure.heard(200n, 1500);
  exposure.reached(150n, 1600);
  expect(exposure.as('written').writtenUntil).toEqual(new Date(1000));
  exposure.heard(200n, 2000);
  exposure.reached(200n, 2100);
  expect(exposure.as('written').writtenUntil).toEqual(new Date(2000));
});

it('a server that has nothing new says nothing about how long WAL takes', () => {
  const exposure = new Exposure();
  exposure.heard(100n, 1000);
  exposure.reached(100n, 1030);
  for (let atMs = 2000; atMs < 3000; atMs += 10) {
    exposure.heard(100n, atMs);
    exposure.reached(100n, atMs);
  }
  expect(exposure.as('flushed')).toEqual({ flushedUntil: new Date(2990), flushedMs: 30 });
});

it('forgets only details of a long backlog, and never promises more', () => {
  const exposure = new Exposure();
  for (let position = 1n; position <= 100_000n; position += 1n) {
    exposure.heard(position, Number(position) * 10);
  }
  exposure.reached(60_000n, 2_000_000);
  const until = exposure.as('flushed').flushedUntil?.getTime() ?? 0;
  expect(until).toBeLessThanOrEqual(600_000);
  expect(until).toBeGreaterThan(500_000);
});

it('another timeline begins before the end of the former', () => {
  const exposure = new Exposure();
  exposure.heard(500n, 1000);
  exposure.reached(500n, 1010);
  exposure.heard(400n, 2000);
  exposure.reached(400n, 2020);
  expect(exposure.as('written').writtenUntil).toEqual(new Date(2000));
});
