import { expect, it } from 'vitest';
import type { RecoveryTarget, RestoredMoment } from '../sources/index.ts';
import { parseLsn } from '../wal/index.ts';
import { behindBackupNotes } from './restored-cluster.ts';

const restored = (reached: string) =>
  ({
    base: { info: { stopLsn: '0/2000120', stopTime: '2026-11-26T13:29:48Z' } },
    reachedLsn: parseLsn(reached),
  }) as unknown as RestoredMoment;
const latest: RecoveryTarget = { kind: 'latest' };

it('the newest state is no newer than the backup where the log holds nothing behind it', () => {
  expect(behindBackupNotes(latest, restored('0/2000120'))).toEqual([
    expect.stringContaining('2026-11-26 13:29:48'),
  ]);
  expect(behindBackupNotes(latest, restored('0/2000121'))).toEqual([]);
});

it('who asked for the end of the snapshot got it', () => {
  expect(behindBackupNotes({ kind: 'snapshot-end' }, restored('0/2000120'))).toEqual([]);
});
