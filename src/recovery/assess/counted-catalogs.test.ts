import { expect, it } from 'vitest';
import type { BaselineRecord, CatalogRecord } from '../../sources/index.ts';
import { withCounts } from './counted-catalogs.ts';

const orders = { oid: 16_400, filenode: 16_400, schema: 'public', name: 'orders' };

const catalogAt = (hour: number, name: string, rows: number): CatalogRecord => ({
  systemId: '1',
  timeline: 1,
  lsn: `0/${hour}`,
  time: `2026-11-26T0${hour}:00:00.000Z`,
  databases: [
    {
      oid: 5,
      name: 'shop',
      relations: [
        { ...orders, kind: 'r', name, rows, rowsExact: true },
        { ...orders, oid: 16_401, kind: 'r', name: 'unread', rows: 3, rowsExact: false },
        { ...orders, oid: 16_402, kind: 'i', name: 'index' },
      ],
    },
  ],
});

function baselineAt(hour: number, rows: number): BaselineRecord {
  const { systemId, timeline, lsn, time } = catalogAt(hour, '', 0);
  const counted = { kind: 'snapshot', xmin: 1, xmax: 1, running: [] } as const;
  const tables = [{ ...orders, rows, rowsExact: true }];
  return {
    format: 1,
    systemId,
    timeline,
    lsn,
    time,
    reason: 'timer',
    wholeFrom: { lsn, xid: 1 },
    databases: [{ oid: 5, name: 'shop', moment: { time, lsn, counted }, tables }],
  };
}

it('rows of a moment are those of its baseline, names those of the last catalog before', () => {
  const catalogs = [catalogAt(1, 'orders', 10), catalogAt(3, 'renamed', 30)];
  const found = withCounts(catalogs, [
    baselineAt(1, 10),
    baselineAt(2, 20),
    baselineAt(3, 30),
    baselineAt(4, 40),
  ]);
  const ofTable = found.map(({ lsn, databases }) => {
    const [table, unread] = databases[0]?.relations ?? [];
    return [lsn, table?.name, table?.rows, unread?.rows];
  });
  expect(ofTable).toEqual([
    ['0/1', 'orders', 10, 3],
    ['0/3', 'renamed', 30, 3],
    ['0/2', 'orders', 20, undefined],
    ['0/4', 'renamed', 40, undefined],
  ]);
});

it('a baseline of another timeline takes no names from this one', () => {
  const other = { ...baselineAt(2, 20), timeline: 2 };
  expect(withCounts([catalogAt(1, 'orders', 10)], [other])).toHaveLength(1);
});
