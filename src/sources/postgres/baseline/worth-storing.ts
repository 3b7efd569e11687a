import { isDeepStrictEqual } from 'node:util';
import type { CatalogRecord } from '../backup-info.ts';
import type { BaselineRecord, BaselineTable } from './baseline-record.ts';

/** An hour, less what a round of the timer may come early. */
const longestMs = 55 * 60_000;
/** A change is notable from a tenth on, unless it is one of a few rows or bytes. */
const notableShare = 0.1;
const fewRows = 50;
const fewRowsOfEmptied = 10;
const fewBytes = 16 * 2 ** 20;

/** Whether every name means the same in both: moment and row counts aside, which baselines tell. */
export function meansTheSame(one: CatalogRecord, other: CatalogRecord): boolean {
  return isDeepStrictEqual(meaningOf(one), meaningOf(other));
}

function meaningOf({ systemId, timeline, databases }: CatalogRecord) {
  const byOid = (a: { readonly oid: number }, b: { readonly oid: number }) => a.oid - b.oid;
  const names = databases.toSorted(byOid).map(({ oid, name, relations }) => ({
    oid,
    name,
    relations: relations.toSorted(byOid).map(({ rows: _, rowsExact: __, ...meaning }) => meaning),
  }));
  return { systemId, timeline, names };
}

/**
 * Whether a baseline tells more than the last stored one (`last`). What is passed over differs from a stored one by little, so
 * that no fall can hide between two of them.
 */
export function isWorthStoring(now: BaselineRecord, last: BaselineRecord | undefined): boolean {
  if (last === undefined) return true;
  const age = Date.parse(now.time) - Date.parse(last.time);
  if (age < 0 || age >= longestMs) return true;
  if (now.systemId !== last.systemId || now.timeline !== last.timeline) return true;
  if (!isDeepStrictEqual(now.unread, last.unread)) return true;
  const before = tablesOf(last);
  const after = tablesOf(now);
  return (
    before.size !== after.size ||
    [...after].some(([key, table]) => {
      const former = before.get(key);
      return former === undefined || isNotable(former, table);
    })
  );
}

function isNotable(former: BaselineTable, table: BaselineTable): boolean {
  return (
    former.schema !== table.schema ||
    former.name !== table.name ||
    former.filenode !== table.filenode ||
    former.freshest?.column !== table.freshest?.column ||
    isLarge(former.rows, table.rows, isEmptyIn(former, table) ? fewRowsOfEmptied : fewRows) ||
    isLarge(former.bytes, table.bytes, fewBytes)
  );
}

function isEmptyIn(...tables: readonly BaselineTable[]): boolean {
  return tables.some(({ rows }) => rows === 0);
}

function isLarge(from: number | undefined, to: number | undefined, few: number): boolean {
  if (from === undefined || to === undefined) return from !== to;
  const change = Math.abs(to - from);
  return change >= few && change > notableShare * Math.max(from, to);
}

function tablesOf(baseline: BaselineRecord): ReadonlyMap<string, BaselineTable> {
  const tables = baseline.databases.flatMap(({ oid, tables }) =>
    tables.map((table) => [`${oid}/${table.oid}`, table] as const),
  );
  return new Map(tables);
}
