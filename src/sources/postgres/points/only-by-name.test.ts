import { expect, it } from 'vitest';
import { onlyByName } from './only-by-name.ts';
import type { RecoveryWindow } from './recovery-windows.ts';

const window = (timeline: number, toLsn: string, forks: Record<number, string> = {}) =>
  ({
    from: new Date(0),
    fromLsn: '0/1000000',
    to: new Date(1),
    toLsn,
    timeline,
    snapshots: [],
    forks: Object.entries(forks).map(([left, lsn]) => ({ timeline: Number(left), lsn })),
  }) satisfies RecoveryWindow;
const givenUp = window(2, '0/F000000');

it('is all of a timeline that nothing goes on along', () => {
  expect(onlyByName(givenUp, [])).toEqual(givenUp);
  expect(onlyByName(givenUp, [window(1, '1/0'), window(3, '1/0', { 1: '0/2000000' })])).toEqual(
    givenUp,
  );
});

it('is what lies behind where a later timeline leaves it, wherever the furthest does', () => {
  const later = [
    window(4, '1/0', { 2: '0/A000000' }),
    window(3, '1/0', { 1: '0/2', 2: '0/9000000' }),
  ];
  expect(onlyByName(givenUp, later)).toEqual({ ...givenUp, afterLsn: '0/A000000' });
});

it('is nothing of one that an ordinary window holds to its end', () => {
  expect(onlyByName(givenUp, [window(2, '0/F000000')])).toBeUndefined();
  expect(onlyByName(givenUp, [window(3, '1/0', { 2: '0/F000000' })])).toBeUndefined();
});
