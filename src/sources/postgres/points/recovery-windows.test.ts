import { expect, it } from 'vitest';
import { gapsBetween, type RecoveryWindow } from './recovery-windows.ts';

const window = (timeline: number, from: number, to: number): RecoveryWindow => ({
  from: new Date(from * 1000),
  fromLsn: `0/${from}`,
  to: new Date(to * 1000),
  toLsn: `0/${to}`,
  timeline,
  snapshots: [],
});

it('lie between windows that follow one another', () => {
  expect(gapsBetween([window(1, 50, 90), window(1, 10, 20)])).toEqual([
    {
      from: new Date(20_000),
      to: new Date(50_000),
      fromLsn: '0/20',
      toLsn: '0/50',
      isExpected: false,
    },
  ]);
});

it('are expected before what is promised', () => {
  expect(gapsBetween([window(1, 50, 90), window(1, 10, 20)], 40_000)).toMatchObject([
    { isExpected: true },
  ]);
});

it('are not between two branches that overlap in time', () => {
  expect(gapsBetween([window(2, 50, 90), window(1, 10, 70)])).toEqual([]);
});
