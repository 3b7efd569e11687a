import { expect, it } from 'vitest';
import { baselineAt } from '../../../../test/support/baseline-at.ts';
import type { BaselineRecord, BaselineTable } from './baseline-record.ts';
import type { Drift } from './drift.ts';
import { rowsAreBack } from './rows-are-back.ts';

const fallMs = Date.parse('2026-11-26T12:00:00Z');
const fall: Drift = {
  kind: 'rows',
  database: 'shop',
  schema: 'public',
  table: 'orders',
  from: 5000,
  to: 100,
  fromTime: new Date(fallMs - 900_000).toISOString(),
  toTime: new Date(fallMs).toISOString(),
};

function at(minutes: number, change: Partial<BaselineTable>, more: Partial<BaselineRecord> = {}) {
  const table = { oid: 1, filenode: 1, schema: 'public', name: 'orders', rowsExact: true };
  return { ...baselineAt(fallMs + minutes * 60_000, [{ ...table, ...change }]), ...more };
}
const isBack = (baselines: readonly BaselineRecord[], change: Partial<Drift> = {}) =>
  rowsAreBack({ ...fall, ...change }, baselines, { dropAtMost: 0.1 });

it('is over from the first count on that is as high as before, but for what no fall is told of', () => {
  expect(isBack([at(0, { rows: 5000 })])).toBe(false);
  expect(isBack([at(15, { rows: 4499 })])).toBe(false);
  expect(isBack([at(15, { rows: 4500 })])).toBe(true);
  expect(isBack([at(15, { rows: 4500 }), at(30, { rows: 4000 })])).toBe(true);
  expect(isBack([])).toBe(false);
});

it('is not over by few rows of a small table, by estimates, or by another table', () => {
  expect(isBack([at(15, { rows: 5 })], { from: 40, to: 0 })).toBe(false);
  expect(isBack([at(15, { rows: 5000, rowsExact: false })])).toBe(false);
  expect(isBack([at(15, { rows: 5000, name: 'orders_old' })])).toBe(false);
});

it('is not over by what was counted along a timeline, or of a cluster, that is not there now', () => {
  const recovered = at(15, { rows: 5000 }, { timeline: 2 });
  expect(isBack([recovered])).toBe(true);
  expect(isBack([recovered, at(30, { rows: 100 })])).toBe(false);
  expect(isBack([at(15, { rows: 5000 }, { systemId: '2' }), at(30, { rows: 100 })])).toBe(false);
});

it('takes a table that was gone by its rows, one too large to count by its size, and writing by neither', () => {
  const there = [at(15, { rows: 5000, rowsExact: false, bytes: 100 })];
  expect(isBack(there, { kind: 'gone', to: 0 })).toBe(true);
  expect(isBack(there, { kind: 'size', from: 110 })).toBe(true);
  expect(isBack(there, { kind: 'size', from: 200 })).toBe(false);
  expect(isBack(there, { kind: 'deletions', from: 1, to: 4900 })).toBe(false);
  expect(isBack(there, { kind: 'stale', from: 1, to: 4900 })).toBe(false);
});
