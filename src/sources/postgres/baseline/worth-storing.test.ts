import { describe, expect, it } from 'vitest';
import { baselineAt } from '../../../../test/support/baseline-at.ts';
import type { CatalogRecord } from '../backup-info.ts';
import type { BaselineRecord, BaselineTable } from './baseline-record.ts';
import { isWorthStoring, meansTheSame } from './worth-storing.ts';

const orders = { oid: 16_400, filenode: 16_400, schema: 'public', name: 'orders' };
const minuteMs = 60_000;

describe('a catalog', () => {
  const of = (...relations: object[]): CatalogRecord => ({
    systemId: '1',
    timeline: 1,
    lsn: '0/1',
    time: '2026-11-26T12:00:00.000Z',
    databases: [
      {
        oid: 5,
        name: 'shop',
        relations: relations.map((each) => ({ ...orders, kind: 'r', ...each })),
      },
    ],
  });

  it('means the same whenever it was taken and however many rows there were', () => {
    const later = {
      ...of({ rows: 9, rowsExact: false }),
      lsn: '0/9',
      time: '2027-01-01T00:00:00Z',
    };
    expect(meansTheSame(of({ rows: 1, rowsExact: true }), later)).toBe(true);
    expect(meansTheSame(of({ oid: 1 }, { oid: 2 }), of({ oid: 2 }, { oid: 1 }))).toBe(true);
  });

  it('means something else after a rename, a rewrite, a new table, a promotion', () => {
    for (const other of [
      of({ name: 'archive' }),
      of({ filenode: 17_000 }),
      of({}, { oid: 16_500 }),
      { ...of({}), timeline: 2 },
    ]) {
      expect(meansTheSame(of({}), other)).toBe(false);
    }
  });
});

describe('a baseline of the timer', () => {
  const at = (minutes: number, ...tables: Partial<BaselineTable>[]): BaselineRecord =>
    baselineAt(
      Date.parse('2026-11-26T12:00:00Z') + minutes * minuteMs,
      tables.map((each) => ({ ...orders, rows: 1000, rowsExact: true, ...each })),
    );

  it('is stored when it is the first or an hour has passed', () => {
    expect(isWorthStoring(at(0, {}), undefined)).toBe(true);
    expect(isWorthStoring(at(60, {}), at(0, {}))).toBe(true);
    expect(isWorthStoring(at(45, {}), at(0, {}))).toBe(false);
    // A clock that went back must not stop them.
    expect(isWorthStoring(at(-1, {}), at(0, {}))).toBe(true);
  });

  it('is stored at once when a table came, went, was rewritten, or has many rows more or less', () => {
    const last = at(0, {});
    expect(isWorthStoring(at(15), last)).toBe(true);
    expect(isWorthStoring(at(15, {}, { oid: 16_500 }), last)).toBe(true);
    expect(isWorthStoring(at(15, { filenode: 17_000 }), last)).toBe(true);
    expect(isWorthStoring(at(15, { rows: 1120 }), last)).toBe(true);
    expect(isWorthStoring(at(15, { rows: 890 }), last)).toBe(true);
    expect(isWorthStoring(at(15, { rows: 1040, deletedRows: 7 }), last)).toBe(false);
    expect(isWorthStoring(at(15, { rows: 0 }), at(0, { rows: 10 }))).toBe(true);
    expect(isWorthStoring(at(15, { rows: 40 }), at(0, { rows: 10 }))).toBe(false);
    expect(isWorthStoring({ ...at(15, {}), unread: ['shop'] }, last)).toBe(true);
  });
});
