import { describe, expect, it } from 'vitest';
import type { RecoveryWindow } from '../../sources/index.ts';
import { lossObjective } from './loss-objective.ts';
import type { StreamStatus } from './stream-status.ts';

const now = new Date('2026-11-26T12:00:00Z');
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const windowTo = (minutes: number, more: Partial<RecoveryWindow> = {}): RecoveryWindow => ({
  from: ago(600),
  fromLsn: '0/1',
  to: ago(minutes),
  toLsn: '0/2',
  timeline: 1,
  snapshots: [],
  ...more,
});
const stream: StreamStatus = { time: now, phase: 'streaming', rpoWithoutBothMs: 2000 };

const judged = (seen: Partial<Parameters<typeof lossObjective>[0]>) =>
  lossObjective({
    rpoMs: 300_000,
    lastBackup: ago(90),
    window: undefined,
    stream: undefined,
    now,
    ...seen,
  });

describe('what may be lost', () => {
  it('is measured at the newest state that can be restored', () => {
    expect(judged({ lastBackup: ago(4) })).toEqual({
      rpoMs: 300_000,
      ageMs: 240_000,
      isMissed: false,
    });
    expect(judged({})).toMatchObject({ ageMs: 5_400_000, isMissed: true });
    expect(judged({ window: windowTo(3) })).toMatchObject({ ageMs: 180_000, isMissed: false });
  });

  it('counts an idle server as stored while its log is streamed, unless the log has a hole', () => {
    expect(judged({ window: windowTo(60), stream })).toMatchObject({
      ageMs: 2000,
      isMissed: false,
    });
    const window = windowTo(60, { missingSegment: '000000010000000000000007' });
    expect(judged({ window, stream })).toMatchObject({ ageMs: 3_600_000, isMissed: true });
  });

  it('is missed without any backup, and nothing where nothing is promised', () => {
    expect(judged({ lastBackup: undefined })).toEqual({ rpoMs: 300_000, isMissed: true });
    expect(judged({ rpoMs: undefined })).toBeUndefined();
  });
});
