import { beforeEach, expect, it } from 'vitest';
import { silentProgress } from '../../../core/index.ts';
import type { LifeboatRecord, Repository } from '../../../repository/index.ts';
import { defaultDriftLimits } from './drift.ts';
import { recordOnTimer } from './record-on-timer.ts';

const orders = { oid: 16_400, filenode: 16_400, schema: 'public', name: 'orders' };
const startMs = Date.parse('2026-11-26T12:00:00Z');

let records: LifeboatRecord[];
let repository: Repository;
beforeEach(() => {
  records = [];
  repository = {
    records: {
      async append(record: { kind: string; source: string; body: unknown }) {
        const id = String(records.length).padStart(64, '0');
        const place = { id, writer: id, sequence: records.length + 1, heads: [] };
        const stored = { ...place, ...record, time: new Date() };
        records.push(stored);
        return stored;
      },
      list: async ({ kind }: { kind?: string } = {}) =>
        records.filter((each) => each.kind === kind),
    },
  } as unknown as Repository;
});

async function round(minutes: number, rows: number, name = 'orders') {
  const time = new Date(startMs + minutes * 60_000).toISOString();
  const moment = { systemId: '1', timeline: 1, lsn: `0/${minutes + 1}`, time };
  const relation = { ...orders, name, kind: 'r', rows, rowsExact: true };
  const counted = { kind: 'snapshot', xmin: 1, xmax: 1, running: [] } as const;
  const tables = [{ ...orders, name, rows, rowsExact: true }];
  const before = records.length;
  const drifts = await recordOnTimer({
    repository,
    source: 'shop',
    catalog: { ...moment, databases: [{ oid: 5, name: 'shop', relations: [relation] }] },
    baseline: {
      ...moment,
      format: 1,
      reason: 'timer',
      wholeFrom: { lsn: '0/1', xid: 1 },
      databases: [{ oid: 5, name: 'shop', moment: { ...moment, counted }, tables }],
    },
    limits: defaultDriftLimits,
    progress: silentProgress,
  });
  return { kinds: records.slice(before).map(({ kind }) => kind), drifts };
}

it('stores names only when they change, and counts by the hour', async () => {
  expect((await round(0, 1000)).kinds).toEqual(['catalog', 'baseline']);
  expect((await round(15, 1010)).kinds).toEqual([]);
  expect((await round(30, 1020)).kinds).toEqual([]);
  expect((await round(60, 1030)).kinds).toEqual(['baseline']);
  expect((await round(75, 1030, 'renamed')).kinds).toEqual(['catalog', 'baseline']);
});

it('tells a fall at once, with the baseline that shows it', async () => {
  await round(0, 1000);
  const { kinds, drifts } = await round(15, 850);
  expect(kinds).toEqual(['baseline', 'drift']);
  expect(drifts).toMatchObject([{ kind: 'rows', from: 1000, to: 850 }]);
  expect(records.at(-1)?.body).toMatchObject({ baseline: records.at(-2)?.id });
  // What was told is not told again.
  expect(await round(30, 850)).toEqual({ kinds: [], drifts: [] });
});

it('what rose and fell between two hours is seen', async () => {
  await round(0, 0);
  expect((await round(15, 5000)).kinds).toEqual(['baseline']);
  expect((await round(30, 0)).drifts).toMatchObject([{ from: 5000, to: 0 }]);
});
