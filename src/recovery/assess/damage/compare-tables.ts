import type { BaselineRecord, BaselineTable } from '../../../sources/index.ts';
import type { ExpectedRows } from '../carried-rows.ts';
import type { TableChange, TableDamage, TableFigures, TablesFound } from './postgres-damage.ts';

/** Tables that are named one by one; `counts` has all. */
export const listedTables = 200;

/** Rows that the log says must be in a table; undefined: it does not tell. */
export type Expected = (database: number, table: BaselineTable) => ExpectedRows | undefined;

/**
 * Every table that is there now or was there at the baseline. A table is found again by its oid, else by its name: one that was dropped
 * and made anew is the same table to those who miss its rows. `now` undefined: the server could not be counted.
 */
export function compareTables(
  before: BaselineRecord | undefined,
  now: BaselineRecord | undefined,
  expected: { readonly of: Expected; readonly isExact: boolean },
): Pick<TablesFound, 'missingDatabases' | 'counts' | 'tables'> {
  const tables: TableDamage[] = [];
  // In another cluster oids mean nothing.
  const isSameCluster = before?.systemId === now?.systemId;
  const former = before?.databases ?? [];
  for (const database of now?.databases ?? []) {
    const then =
      (isSameCluster ? former.find(({ oid }) => oid === database.oid) : undefined) ??
      former.find(({ name }) => name === database.name);
    const left = new Map((then?.tables ?? []).map((table) => [table.oid, table]));
    const takeOut = (find: (each: BaselineTable) => boolean) => {
      const found = [...left.values()].find(find);
      if (found !== undefined) left.delete(found.oid);
      return found;
    };
    const byOid = new Map(
      database.tables.map((table) => [
        table,
        isSameCluster && then?.oid === database.oid
          ? takeOut(({ oid }) => oid === table.oid)
          : undefined,
      ]),
    );
    for (const table of database.tables) {
      const was =
        byOid.get(table) ??
        takeOut(({ schema, name }) => schema === table.schema && name === table.name);
      tables.push(judge(database, was, table, then !== undefined, expected));
    }
    for (const was of left.values()) tables.push(missing(database, was));
  }
  const isThere = (name: string) =>
    now?.databases.some((each) => each.name === name) || now?.unread?.includes(name);
  const gone =
    now === undefined
      ? []
      : former.filter(
          ({ name, oid }) =>
            !isThere(name) && !(isSameCluster && now.databases.some((each) => each.oid === oid)),
        );
  for (const database of gone) {
    for (const was of database.tables) tables.push(missing(database, was));
  }
  if (now === undefined) tables.push(...notRead(former, expected.of));
  else {
    const unread = former.filter(({ name }) => now.unread?.includes(name));
    tables.push(...notRead(unread, () => undefined));
  }
  return {
    missingDatabases: gone.map(({ name }) => name),
    counts: countsOf(tables),
    tables: tables.toSorted(worstFirst).slice(0, listedTables),
  };
}

type Database = { readonly oid: number; readonly name: string };

function judge(
  database: Database,
  was: BaselineTable | undefined,
  table: BaselineTable,
  isComparable: boolean,
  expected: { readonly of: Expected; readonly isExact: boolean },
): TableDamage {
  const wanted = expected.of(database.oid, table);
  const rows = wanted !== undefined && 'rows' in wanted ? wanted.rows : undefined;
  const now = figures(table);
  const isUnexplained =
    expected.isExact && rows !== undefined && now.rowsExact === true && (now.rows ?? 0) < rows;
  return {
    ...nameOf(database, table),
    change: was === undefined ? (isComparable ? 'new' : 'same') : changeOf(was, table),
    ...(was === undefined ? {} : { before: figures(was) }),
    now,
    ...(rows === undefined ? {} : { expectedRows: rows }),
    ...(isUnexplained ? { isUnexplained: true } : {}),
    ...(table.isUnlogged ? { isUnlogged: true } : {}),
  };
}

function changeOf(was: BaselineTable, now: BaselineTable): TableChange {
  if (now.rows === undefined && now.bytes === undefined) return 'not-read';
  if (was.rows !== undefined && now.rows !== undefined && was.rowsExact && now.rowsExact) {
    if (now.rows === was.rows) return 'same';
    if (now.rows === 0) return 'emptied';
    return now.rows < was.rows ? 'fewer' : 'more';
  }
  // An estimate may be old: the size tells more.
  if (was.bytes !== undefined && now.bytes !== undefined && now.bytes !== was.bytes) {
    return now.bytes < was.bytes ? 'fewer' : 'more';
  }
  return 'same';
}

function missing(database: Database, was: BaselineTable): TableDamage {
  return {
    ...nameOf(database, was),
    change: 'missing',
    before: figures(was),
    ...(was.isUnlogged ? { isUnlogged: true } : {}),
  };
}

function notRead(
  databases: BaselineRecord['databases'],
  expected: Expected,
): readonly TableDamage[] {
  return databases.flatMap((database) =>
    database.tables.map((was) => {
      const wanted = expected(database.oid, was);
      const rows = wanted !== undefined && 'rows' in wanted ? { expectedRows: wanted.rows } : {};
      return {
        ...nameOf(database, was),
        change: 'not-read' as const,
        before: figures(was),
        ...rows,
      };
    }),
  );
}

function nameOf({ name: database }: Database, { schema, name, oid }: BaselineTable) {
  return { database, schema, table: name, oid };
}

function figures({ rows, rowsExact, bytes, freshest }: BaselineTable): TableFigures {
  return {
    ...(rows === undefined ? {} : { rows, rowsExact: rowsExact ?? false }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(freshest === undefined ? {} : { freshest }),
  };
}

const order: readonly TableChange[] = [
  'missing',
  'emptied',
  'fewer',
  'not-read',
  'new',
  'more',
  'same',
];

function worstFirst(a: TableDamage, b: TableDamage): number {
  const weight = (each: TableDamage) => (each.isUnexplained ? -1 : order.indexOf(each.change));
  const lost = ({ before, now }: TableDamage) => (before?.rows ?? 0) - (now?.rows ?? 0);
  const size = ({ before, now }: TableDamage) => now?.bytes ?? before?.bytes ?? 0;
  return weight(a) - weight(b) || lost(b) - lost(a) || size(b) - size(a);
}

function countsOf(tables: readonly TableDamage[]): Record<TableChange, number> {
  const counts = { same: 0, missing: 0, new: 0, emptied: 0, fewer: 0, more: 0, 'not-read': 0 };
  for (const { change } of tables) counts[change]++;
  return counts;
}
