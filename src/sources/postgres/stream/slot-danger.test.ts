import { describe, expect, it } from 'vitest';
import { judgeSlot } from './slot-danger.ts';
import type { SlotLook } from './slot-look.ts';
import { judgeSpool } from './spool-pressure.ts';

const gigabyte = 2 ** 30;
const calm: SlotLook = {
  walStatus: 'reserved',
  active: true,
  heldBytes: 0,
  safeBytes: 10 * gigabyte,
  limitBytes: 10 * gigabyte,
  isStandby: false,
  standbyNames: '',
  commitLevel: 'on',
  commitsWaiting: 0,
};
const level = (change: Partial<SlotLook>) => judgeSlot({ ...calm, ...change }, 'boat')?.level;

describe('how near a slot is to being lost', () => {
  it.each([
    ['far', { safeBytes: 6 * gigabyte }, undefined],
    ['half of the limit is used', { safeBytes: 5 * gigabyte, walStatus: 'extended' }, 'early'],
    ['most of it is used', { safeBytes: 2 * gigabyte, walStatus: 'extended' }, 'late'],
    ['the next checkpoint may take it', { safeBytes: 0, walStatus: 'unreserved' }, 'late'],
    ['unreserved whatever the size', { walStatus: 'unreserved' }, 'late'],
    ['lost: the stream itself ends', { walStatus: 'lost', safeBytes: 0 }, undefined],
  ])('%s', (_, change, expected) => {
    expect(level(change)).toBe(expected);
  });

  it('without a limit by what the slot holds', () => {
    const { limitBytes: _, safeBytes: __, ...unlimited } = calm;
    const of = (heldBytes: number) => judgeSlot({ ...unlimited, heldBytes }, 'boat');
    expect(of(3 * gigabyte)).toBeUndefined();
    expect(of(5 * gigabyte)?.level).toBe('early');
    expect(of(20 * gigabyte)).toMatchObject({
      level: 'late',
      message: expect.stringContaining('disk of the server'),
    });
  });

  it('says how much is left', () => {
    const alarm = judgeSlot({ ...calm, heldBytes: 8 * gigabyte, safeBytes: 2 * gigabyte }, 'boat');
    expect(alarm?.message).toMatch(/boat holds back 8\S* \S+ of WAL of 1\S+ \S+ it may; after 2/);
    expect(alarm?.hint).toContain('max_slot_wal_keep_size');
  });
});

it('a spool is filling long before it is full', () => {
  expect(judgeSpool(49, 100)).toBeUndefined();
  expect(judgeSpool(50, 100)?.level).toBe('early');
  expect(judgeSpool(80, 100)?.level).toBe('late');
});
