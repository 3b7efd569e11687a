import { describe, expect, it } from 'vitest';
import { baselineAt } from '../../../../test/support/baseline-at.ts';
import type { BaselineRecord, BaselineTable } from './baseline-record.ts';
import { type DriftLimits, defaultDriftLimits, matchesTable } from './drift.ts';
import { judgeDrift } from './judge-drift.ts';

const nowMs = Date.parse('2026-11-26T12:00:00Z');
const hourMs = 3_600_000;
const table: BaselineTable = {
  oid: 16_400,
  filenode: 16_400,
  schema: 'public',
  name: 'orders',
  rows: 1000,
  rowsExact: true,
};

function at(hours: number, ...tables: Partial<BaselineTable>[]): BaselineRecord {
  return baselineAt(
    nowMs + hours * hourMs,
    tables.map((each) => ({ ...table, ...each })),
  );
}

function judge(
  now: BaselineRecord,
  before: readonly BaselineRecord[],
  limits: Partial<DriftLimits> = {},
  quietMs = 0,
) {
  return judgeDrift(now, before, { ...defaultDriftLimits, ...limits }, () => quietMs).map(
    ({ kind, schema, table: name, from, to }) => `${kind} ${schema}.${name} ${from} ${to}`,
  );
}

describe('drift', () => {
  it('is a fall from the highest count of a day, however slow', () => {
    const slow = [at(-4, { rows: 1000 }), at(-3, { rows: 960 }), at(-2, { rows: 930 })];
    expect(judge(at(0, { rows: 890 }), slow)).toEqual(['rows public.orders 1000 890']);
    expect(judge(at(0, { rows: 900 }), slow)).toEqual([]);
    expect(judge(at(0, { rows: 2 }), [at(-72, { rows: 1000 })])).toHaveLength(1);
    expect(judge(at(0, { rows: 890 }), slow, { dropAtMost: 0.2 })).toEqual([]);
    expect(judge(at(0, { rows: 890 }), slow, { ignore: ['shop.pub*.ord*'] })).toEqual([]);
  });

  it('is not a small change of a small table, but one that is emptied is', () => {
    expect(judge(at(0, { rows: 60 }), [at(-1, { rows: 100 })])).toEqual([]);
    expect(judge(at(0, { rows: 0 }), [at(-1, { rows: 12 })])).toEqual(['rows public.orders 12 0']);
    expect(judge(at(0, { rows: 0 }), [at(-1, { rows: 5 })])).toEqual([]);
  });

  it('is not judged by estimates, nor of what a restore empties anyway', () => {
    const estimated = { rows: 10, rowsExact: false };
    expect(judge(at(0, estimated), [at(-1, { rows: 1000 })])).toEqual([]);
    const unlogged = { isUnlogged: true, rows: 0 } as const;
    expect(judge(at(0, unlogged), [at(-1, { isUnlogged: true })])).toEqual([]);
  });

  it('of a table too large to count is a fall of its size', () => {
    const large = (bytes: number) => ({ rows: 9, rowsExact: false, bytes });
    const before = [at(-1, large(2 ** 30))];
    expect(judge(at(0, large(2 ** 29)), before)).toEqual([
      `size public.orders ${2 ** 30} ${2 ** 29}`,
    ]);
    // Where the rows are all there, VACUUM FULL is no loss.
    expect(judge(at(0, { bytes: 2 ** 20 }), [at(-1, { bytes: 2 ** 30 })])).toEqual([]);
  });

  it('is a table that is gone, not one that was renamed, or cannot be read', () => {
    expect(judge(at(0), [at(-1, {})])).toEqual(['gone public.orders 1000 0']);
    expect(judge(at(0), [at(-1, { rows: 3 })])).toEqual([]);
    expect(judge(at(0, { name: 'old_orders' }), [at(-1, {})])).toEqual([]);
    const unread = { ...at(0), databases: [], unread: ['shop'] };
    expect(judge(unread, [at(-1, {})])).toEqual([]);
    expect(judge({ ...at(0), databases: [] }, [at(-1, {})])).toHaveLength(1);
    // Made anew under its name.
    expect(judge(at(0, { oid: 9, rows: 0 }), [at(-1, {})])).toEqual(['rows public.orders 1000 0']);
  });

  it('is not a table that falls like that all the time, but its first emptying is', () => {
    const queue = [500, 100, 600, 90, 700, 80, 650].map((rows, hour) => at(hour - 8, { rows }));
    expect(judge(at(0, { rows: 70 }), queue)).toEqual([]);
    expect(judge(at(0, { rows: 0 }), queue)).toEqual(['rows public.orders 700 0']);
  });

  it('forgets what was before an announcement', () => {
    const before = [at(-3, { rows: 1000 }), at(-1, { rows: 100 })];
    const now = at(0, { rows: 100 });
    expect(judge(now, before)).toHaveLength(1);
    expect(judge(now, before, {}, nowMs - 2 * hourMs)).toEqual([]);
    expect(judge(at(0, { rows: 1 }), before, {}, nowMs + hourMs)).toEqual([]);
  });

  it('is far more deletions than ever, although as many rows have come', () => {
    const steady = Array.from({ length: 12 }, (_, hour) =>
      at(hour - 12, { deletedRows: hour * 50 }),
    );
    expect(judge(at(0, { deletedRows: 650 }), steady)).toEqual([]);
    expect(judge(at(0, { deletedRows: 50_000 }), steady)).toEqual([
      'deletions public.orders 50 49450',
    ]);
    // The statistics were reset.
    expect(judge(at(0, { deletedRows: 3 }), steady)).toEqual([]);
  });

  it('is a newest row that is older than ever in a week', () => {
    const fresh = (hours: number, ageHours: number) => {
      const time = new Date(nowMs + (hours - ageHours) * hourMs).toISOString();
      return at(hours, { freshest: { column: 'created_at', time } });
    };
    const week = Array.from({ length: 200 }, (_, hour) => fresh(hour - 200, 1 + (hour % 3)));
    expect(judge(fresh(0, 8), week)).toEqual([]);
    expect(judge(fresh(0, 12), week)).toEqual([`stale public.orders ${3 * hourMs} ${12 * hourMs}`]);
    expect(judge(fresh(0, 12), week.slice(-100))).toEqual([]);
  });
});

it('tables are named by one, two or three parts', () => {
  const where = { database: 'shop', schema: 'public', table: 'orders' };
  for (const pattern of ['orders', 'ord*', 'public.orders', 'shop.public.orders', '*', '*.*.*'])
    expect(matchesTable(pattern, where), pattern).toBe(true);
  for (const pattern of ['order', 'rders', 'other.orders', 'a.b.c.orders', 'o.ders', 'ord+'])
    expect(matchesTable(pattern, where), pattern).toBe(false);
});
