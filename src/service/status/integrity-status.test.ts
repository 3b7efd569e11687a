import { expect, it } from 'vitest';
import { integrityOverdue } from './integrity-status.ts';

const weekly = { schedule: '0 3 * * 6' };
const since = new Date(2026, 10, 7, 4);
const overdueAt = (now: Date) => integrityOverdue(weekly, 'shop', since, now);

it('is overdue when two times have passed without a report, since the first of them', () => {
  expect(overdueAt(new Date(2026, 10, 21, 3, 30))).toBeUndefined();
  expect(overdueAt(new Date(2026, 10, 21, 4, 30))).toEqual(new Date(2026, 10, 14, 3));
});

it('is never overdue without a schedule, or before the first backup', () => {
  const now = new Date(2026, 11, 24);
  expect(integrityOverdue({}, 'shop', since, now)).toBeUndefined();
  expect(integrityOverdue(weekly, 'shop', undefined, now)).toBeUndefined();
});
