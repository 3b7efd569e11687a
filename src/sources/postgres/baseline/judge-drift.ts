import type { BaselineDatabase, BaselineRecord, BaselineTable } from './baseline-record.ts';
import type { Drift, DriftKind, DriftLimits } from './drift.ts';
import { matchesTable } from './drift.ts';
import { judgeDeletions, judgeRows, judgeSize, judgeStaleness } from './judge-table.ts';

/** One table at one baseline. */
export interface TableState {
  readonly timeMs: number;
  readonly table: BaselineTable;
}

/** From when on a table's past counts: what was before was announced, or acknowledged. */
export type QuietUntil = (table: Pick<Drift, 'database' | 'schema' | 'table'>) => number;

/** Worst first: of one table only the first that holds is told. */
const judges = [judgeRows, judgeDeletions, judgeSize, judgeStaleness];

/** Fewer rows of a table that is gone are no loss to speak of. */
const fewRows = 10;

/**
 * What in the newest baseline looks like a loss, against those before it (oldest first, of the same cluster). A table is
 * judged by its own history only.
 */
export function judgeDrift(
  now: BaselineRecord,
  before: readonly BaselineRecord[],
  limits: DriftLimits,
  quietUntil: QuietUntil,
): readonly Drift[] {
  const nowMs = Date.parse(now.time);
  return [...histories(before, now)].flatMap(([name, history]) => {
    const [database = '', schema = '', table = ''] = JSON.parse(name) as string[];
    const where = { database, schema, table };
    if (limits.ignore.some((pattern) => matchesTable(pattern, where))) return [];
    const quietMs = quietUntil(where);
    const heard = history.filter(({ timeMs }) => timeMs >= quietMs);
    const last = heard.at(-1);
    if (quietMs > nowMs || last === undefined) return [];
    const make = (
      kind: DriftKind,
      change: Pick<Drift, 'from' | 'to'>,
      from: TableState,
    ): Drift => ({
      kind,
      ...where,
      ...change,
      fromTime: new Date(from.timeMs).toISOString(),
      toTime: now.time,
    });
    const seen = current(now, where);
    if (seen === 'not read') return [];
    if (seen === undefined) return gone(last, make);
    const state = { timeMs: nowMs, table: seen };
    for (const judge of judges) {
      const found = judge(state, heard, limits);
      if (found === undefined) continue;
      const drift = make(found.kind, found, found.reference);
      return [found.column === undefined ? drift : { ...drift, column: found.column }];
    }
    return [];
  });
}

function gone(
  last: TableState,
  make: (kind: DriftKind, change: Pick<Drift, 'from' | 'to'>, from: TableState) => Drift,
): Drift[] {
  const rows = last.table.rows ?? 0;
  return rows < fewRows ? [] : [make('gone', { from: rows, to: 0 }, last)];
}

/** The states of every table that is there now or was at the last baseline, under its newest name, oldest first. */
function histories(
  before: readonly BaselineRecord[],
  now: BaselineRecord,
): ReadonlyMap<string, readonly TableState[]> {
  const found = new Map<string, TableState[]>();
  const names = new Map<string, string>();
  for (const { database, table } of [now, before.at(-1)].flatMap((each) => tablesOf(each))) {
    const name = JSON.stringify([database.name, table.schema, table.name]);
    if (names.has(`${database.oid}/${table.oid}`)) continue;
    names.set(`${database.oid}/${table.oid}`, name);
    if (!found.has(name)) found.set(name, []);
  }
  for (const baseline of before) {
    for (const { database, table } of tablesOf(baseline)) {
      const name =
        names.get(`${database.oid}/${table.oid}`) ??
        JSON.stringify([database.name, table.schema, table.name]);
      found.get(name)?.push({ timeMs: Date.parse(baseline.time), table });
    }
  }
  return found;
}

function tablesOf(baseline: BaselineRecord | undefined) {
  return (baseline?.databases ?? []).flatMap((database) =>
    database.tables.map((table) => ({ database, table })),
  );
}

function current(
  now: BaselineRecord,
  where: { readonly database: string; readonly schema: string; readonly table: string },
): BaselineTable | 'not read' | undefined {
  const database = now.databases.find(({ name }) => name === where.database);
  if (database === undefined) {
    return now.unread?.includes(where.database) ? 'not read' : undefined;
  }
  return byName(database, where);
}

function byName(
  { tables }: BaselineDatabase,
  { schema, table }: { readonly schema: string; readonly table: string },
): BaselineTable | undefined {
  return tables.find((each) => each.schema === schema && each.name === table);
}
