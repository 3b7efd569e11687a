import { describe, expect, it } from 'vitest';
import { baselineAt } from '../../../../test/support/baseline-at.ts';
import type { BaselineRecord, BaselineTable } from '../../../sources/index.ts';
import { compareTables, listedTables } from './compare-tables.ts';

const table = (name: string, rows: number, more: Partial<BaselineTable> = {}): BaselineTable => ({
  oid: 16_400,
  filenode: 16_400,
  schema: 'public',
  name,
  rows,
  rowsExact: true,
  bytes: 8192,
  ...more,
});

const untold = { of: () => undefined, isExact: false };
const at = (...tables: BaselineTable[]) => baselineAt(0, tables);
const changes = (before: BaselineRecord | undefined, now: BaselineRecord | undefined) =>
  compareTables(before, now, untold).tables.map(({ table: name, change }) => `${name} ${change}`);

describe('a table', () => {
  it('is found again by its oid, whatever it is called now', () => {
    expect(changes(at(table('orders', 10)), at(table('archive', 10)))).toEqual(['archive same']);
  });

  it('is the same table to those who miss its rows when it was dropped and made anew', () => {
    const anew = table('orders', 0, { oid: 17_000, filenode: 17_000 });
    expect(changes(at(table('orders', 10)), at(anew))).toEqual(['orders emptied']);
  });

  it('is missing, new, emptied, or has fewer or more rows; the worst comes first', () => {
    const before = at(
      table('a', 5, { oid: 1 }),
      table('b', 5, { oid: 2 }),
      table('c', 5, { oid: 3 }),
      table('d', 5, { oid: 4 }),
    );
    const now = at(
      table('b', 0, { oid: 2 }),
      table('c', 4, { oid: 3 }),
      table('d', 6, { oid: 4 }),
      table('e', 9, { oid: 5 }),
    );
    const all = ['a missing', 'b emptied', 'c fewer', 'e new', 'd more'];
    expect(changes(before, now)).toEqual(all);
  });

  it('that could not be counted is judged by its size', () => {
    const estimated = (rows: number, bytes: number) =>
      at(table('big', rows, { rowsExact: false, bytes }));
    expect(changes(estimated(1000, 9e9), estimated(1000, 1e9))).toEqual(['big fewer']);
    expect(changes(estimated(1000, 9e9), estimated(10, 9e9))).toEqual(['big same']);
  });

  it('of a server that is away, or of a database that could not be read, is not called missing', () => {
    const before = at(table('orders', 10));
    expect(changes(before, undefined)).toEqual(['orders not-read']);
    const unread = { ...at(), databases: [], unread: ['shop'] };
    expect(changes(before, unread)).toEqual(['orders not-read']);
    expect(compareTables(before, unread, untold).missingDatabases).toEqual([]);
  });
});

it('a database that is gone is named, with its tables', () => {
  const found = compareTables(at(table('orders', 10)), { ...at(), databases: [] }, untold);
  expect(found.missingDatabases).toEqual(['shop']);
  expect(found.counts).toMatchObject({ missing: 1 });
});

it('in another cluster oids mean nothing: names tell what went', () => {
  const other = { ...at(table('something', 3)), systemId: '2' };
  expect(changes(at(table('orders', 10)), other)).toEqual(['orders missing', 'something new']);
  const made = { ...at(table('orders', 0, { oid: 99 })), systemId: '2' };
  expect(changes(at(table('orders', 10)), made)).toEqual(['orders emptied']);
});

it('fewer rows than the log accounts for are unexplained only when the count is exact', () => {
  const now = at(table('orders', 8));
  const of = () => ({ rows: 10 });
  const exact = compareTables(now, now, { of, isExact: true }).tables;
  expect(exact).toMatchObject([{ expectedRows: 10, isUnexplained: true }]);
  const about = compareTables(now, now, { of, isExact: false }).tables;
  expect(about).toMatchObject([{ expectedRows: 10 }]);
  expect(about[0]).not.toHaveProperty('isUnexplained');
  const more = compareTables(now, now, { of: () => ({ rows: 7 }), isExact: true }).tables;
  expect(more[0]).not.toHaveProperty('isUnexplained');
});

it('with many tables names the worst, and counts all', () => {
  const many = Array.from({ length: 1000 }, (_, oid) => table(`t${oid}`, 5, { oid }));
  const found = compareTables(at(...many), at(...many.slice(1)), untold);
  expect(found.tables).toHaveLength(listedTables);
  expect(found.tables[0]).toMatchObject({ table: 't0', change: 'missing' });
  expect(found.counts).toMatchObject({ missing: 1, same: 999 });
});
