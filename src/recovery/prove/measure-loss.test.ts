import { expect, it } from 'vitest';
import { lsn } from '../../wal/index.ts';
import { type LogEnd, measureLoss } from './measure-loss.ts';

const end = (timeline: number, at: bigint): LogEnd => ({ timeline, lsn: lsn(at) });
const lossOf = (reached: LogEnd, live: LogEnd | undefined) =>
  measureLoss({
    target: { kind: 'latest' },
    startTime: new Date(60_000),
    reachedTime: new Date(20_000),
    reached,
    live,
  });
const atMost = { durationMs: 40_000, isAtMost: true };

it('is nothing when all that the primary had written was replayed', () => {
  expect(lossOf(end(1, 500n), end(1, 500n))).toEqual({ durationMs: 0, isAtMost: false });
});

it('is at most the time since the last commit when less was, or nobody says how much there is', () => {
  expect(lossOf(end(1, 499n), end(1, 500n))).toEqual(atMost);
  expect(lossOf(end(1, 500n), undefined)).toEqual(atMost);
});

it('does not take the end of another timeline for more', () => {
  expect(lossOf(end(1, 900n), end(2, 500n))).toEqual(atMost);
});
