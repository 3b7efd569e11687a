import { expect, it } from 'vitest';
import { lsn } from '../../../wal/index.ts';
import { SlotAhead } from './slot-ahead.ts';

const size = 1000;
const at = (start: number, timeline = 1) => ({ timeline, start: lsn(BigInt(start)) });
const told = (ahead: SlotAhead, flushed: number, written: number) =>
  Number(ahead.told(lsn(BigInt(flushed)), lsn(BigInt(written))));

it('never sets a slot back that went ahead, whatever a new connection has again', () => {
  const ahead = new SlotAhead();
  ahead.begin(at(1000), size);
  expect(told(ahead, 1200, 5500)).toBe(1200);
  ahead.follow(at(5500));
  expect(told(ahead, 1200, 6000)).toBe(5500);
  expect(ahead.isBeyond(lsn(1200n))).toBe(true);
  // The next one receives the newest segment anew.
  ahead.begin(at(5000), size);
  expect(told(ahead, 1200, 5000)).toBe(0);
  expect(told(ahead, 1200, 5500)).toBe(5500);
  ahead.follow(at(5000));
  expect(told(ahead, 1200, 5600)).toBe(5500);
  expect(told(ahead, 5600, 5700)).toBe(5600);
  expect(ahead.isBeyond(lsn(5600n))).toBe(false);
});

it('on the next timeline it waits for the repository', () => {
  const ahead = new SlotAhead();
  ahead.follow(at(5500));
  ahead.begin(at(7000, 2), size);
  expect(told(ahead, 1200, 8000)).toBe(0);
  expect(told(ahead, 7100, 8000)).toBe(7100);
});

it('has no say where the server left the history before that', () => {
  const ahead = new SlotAhead();
  ahead.follow(at(5500));
  ahead.begin(at(3000, 2), size);
  expect(told(ahead, 3100, 3200)).toBe(3100);
});
