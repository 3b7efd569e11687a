import { describe, expect, it } from 'vitest';
import type { RecoveryWindow } from '../../sources/index.ts';
import { coverageOf, isValid } from './coverage.ts';
import type { StoredProof } from './proof.ts';

const time = (minute: number) => new Date(Date.UTC(2026, 10, 26, 4, minute));
const window = {
  from: time(0),
  fromLsn: '0/1000',
  to: time(50),
  toLsn: '0/9000',
  timeline: 1,
  snapshots: ['aa', 'bb', 'cc'],
} as unknown as RecoveryWindow;

const proof = (snapshot: string, fromLsn: string, reachedLsn: string, more = {}) =>
  ({
    snapshot,
    fromLsn,
    reachedLsn,
    verdict: 'passed',
    time: time(30),
    fromTime: time(1).toISOString(),
    reachedTime: time(2).toISOString(),
    ...more,
  }) as unknown as StoredProof;

const edges = (spans: readonly { fromLsn: string; toLsn: string }[]) =>
  spans.map(({ fromLsn, toLsn }) => `${fromLsn} ${toLsn}`);

describe('what proofs cover of a window', () => {
  it('is nothing at first', () => {
    expect(coverageOf(window, [])).toEqual({
      proven: [],
      unproven: [{ fromLsn: '0/1000', toLsn: '0/9000', from: time(0), to: time(50) }],
    });
  });

  it('is each snapshot with the log that was replayed, and nothing more', () => {
    const seen = coverageOf(window, [
      proof('bb', '0/4000', '0/6000'),
      proof('aa', '0/1000', '0/2000'),
      proof('bb', '0/4000', '0/5000'),
      proof('gone', '0/2000', '0/8000'),
    ]);
    expect(edges(seen.proven)).toEqual(['0/1000 0/2000', '0/4000 0/6000']);
    expect(edges(seen.unproven)).toEqual(['0/2000 0/4000', '0/6000 0/9000']);
  });

  it('joins what overlaps, and ends with the window', () => {
    const seen = coverageOf(window, [
      proof('aa', '0/1000', '0/5000'),
      proof('bb', '0/4000', '0/A000'),
    ]);
    expect(edges(seen.proven)).toEqual(['0/1000 0/9000']);
    expect(seen.proven[0]).toMatchObject({ to: time(50) });
    expect(seen.unproven).toEqual([]);
  });

  it('ends where the window left the timeline that was replayed', () => {
    const forked = { ...window, timeline: 3, forks: [{ timeline: 1, lsn: '0/5000' }] };
    const covered = (reachedTimeline: number, reachedLsn = '0/6000') =>
      edges(coverageOf(forked, [proof('aa', '0/1000', reachedLsn, { reachedTimeline })]).proven);
    expect(covered(3)).toEqual(['0/1000 0/6000']);
    expect(covered(1)).toEqual(['0/1000 0/5000']);
    expect(covered(1, '0/4000')).toEqual(['0/1000 0/4000']);
    expect(covered(2)).toEqual([]);
  });

  it('counts what passed, as long as it counts', () => {
    const passed = proof('aa', '0/1000', '0/2000');
    expect(isValid(passed, 60_000, time(30))).toBe(true);
    expect(isValid(passed, 60_000, time(31))).toBe(false);
    expect(isValid({ ...passed, verdict: 'failed' }, 60_000, time(30))).toBe(false);
  });
});
