import { expect, it } from 'vitest';
import type { StreamState } from '../../sources/index.ts';
import { StreamLog } from './stream-log.ts';

it('says a problem once, however many phases it spans, and that it is over', () => {
  const log = new StreamLog();
  const told = (phase: string, problem?: string) =>
    log.isNews({ source: 'shop', phase, problem } as unknown as StreamState);
  expect(told('connecting')).toBe(true);
  expect(told('connecting', 'the slot is in use')).toBe(true);
  expect(told('waiting', 'the slot is in use')).toBe(false);
  expect(told('connecting', 'the slot is in use')).toBe(false);
  expect(told('streaming')).toBe(true);
});
