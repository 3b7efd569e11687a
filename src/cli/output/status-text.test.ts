import { expect, it } from 'vitest';
import type { SourceStatus } from '../../service/index.ts';
import { sourceIsBad } from './status-text.ts';

const well = {
  source: 'shop',
  lastBackup: { id: 'aa', time: new Date(), ageMs: 0, isIncomplete: false },
  window: { fromLsn: '0/3000148', toLsn: '0/5000000' },
  flagged: [],
  drift: [],
};
const isBad = (more: object) => sourceIsBad({ ...well, ...more } as unknown as SourceStatus);
const gaps = [{ fromLsn: '0/4000000', toLsn: '0/6000000' }];
const promise = { spanMs: 1, from: new Date(), isReached: true };

it('is green when nothing is wrong', () => {
  expect(isBad({})).toBe(false);
  expect(isBad({ promise })).toBe(false);
  expect(isBad({ gaps })).toBe(false);
});

it.each([
  ['the log has a hole behind which nothing can be restored', { window: { missingSegment: '00' } }],
  ['there is a gap in the past that is promised', { promise, gaps }],
  ['nothing protects it', { unprotected: 'none of its backups can be read' }],
  ['its live data is not checked as it should be', { integrityOverdueSince: new Date() }],
])('is not green when %s', (_, more) => {
  expect(isBad(more)).toBe(true);
});
