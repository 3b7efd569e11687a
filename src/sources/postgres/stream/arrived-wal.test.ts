import { expect, it } from 'vitest';
import { lsn } from '../../../wal/index.ts';
import { ArrivedWal } from './arrived-wal.ts';

it('joins what lies end to end, keeps apart what does not, and keeps its own bytes', () => {
  const arrived = new ArrivedWal();
  const message = Buffer.from('ab');
  arrived.add({ start: lsn(10n), payload: message });
  message.write('cd');
  arrived.add({ start: lsn(12n), payload: message });
  message.write('ef');
  arrived.add({ start: lsn(20n), payload: message });
  expect(arrived.bytes).toBe(6);
  expect(arrived.take()).toEqual({ start: 10n, payload: Buffer.from('abcd') });
  expect(arrived.bytes).toBe(2);
  // What was taken is no longer added to.
  arrived.add({ start: lsn(22n), payload: Buffer.from('g') });
  expect(arrived.take()).toEqual({ start: 20n, payload: Buffer.from('efg') });
  expect(arrived.take()).toBeUndefined();
  arrived.add({ start: lsn(23n), payload: Buffer.from('h') });
  expect(arrived.take()).toEqual({ start: 23n, payload: Buffer.from('h') });
  expect(arrived.bytes).toBe(0);
});
