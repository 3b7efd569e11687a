import { isLifeboatError } from '../../../core/index.ts';
import type { CatalogRelation } from '../backup-info.ts';
import type { SqlConnection } from '../sql-connection.ts';
import type { FreshColumn } from './fresh-columns.ts';

export interface Measurable {
  readonly relation: CatalogRelation;
  readonly pages: number;
}

/** What was found out about one table. */
export interface TableMeasure {
  /** Exact; absent when there was no time to count. */
  readonly rows?: number;
  /** With its indexes and TOAST. */
  readonly bytes?: number;
  /** The newest value of the column; absent when there is none. */
  readonly freshest?: { readonly column: string; readonly timeMs: number };
}

/** A size, or the newest value of an indexed column, takes a moment even of a large table. */
const quickMs = 1000;
/** Of the year 10,000: what is stored has four digits. */
const endOfTimeMs = Date.UTC(10_000, 0, 1);

/**
 * Exact numbers of rows, sizes and newest timestamps by oid, all as of the connection's open REPEATABLE READ transaction;
 * small tables first. Tables are counted until `deadline` (performance.now()); of later ones there is only what is quickly known.
 * A table that cannot be read (locked, row security), or is another by now (dropped, truncated, rewritten, renamed), is left out.
 */
export async function measureTables(
  connection: SqlConnection,
  tables: readonly Measurable[],
  freshColumns: ReadonlyMap<number, FreshColumn>,
  deadline: number,
): Promise<ReadonlyMap<number, TableMeasure>> {
  const measures = new Map<number, TableMeasure>();
  let isOutOfTime = false;
  for (const { relation } of [...tables].sort((a, b) => a.pages - b.pages)) {
    const fresh = freshColumns.get(relation.oid);
    const leftMs = Math.floor(deadline - performance.now());
    const counted =
      leftMs > 0 && !isOutOfTime && (await count(connection, relation, fresh, leftMs));
    isOutOfTime ||= performance.now() >= deadline;
    const measure = counted || (await measureQuickly(connection, relation, fresh));
    if (measure) measures.set(relation.oid, measure);
  }
  return measures;
}

interface Row {
  readonly rows?: string;
  readonly bytes: string;
  readonly freshest?: number | null;
  /** Of the table that was read. */
  readonly oid: number | null;
  readonly filenode: number | null;
}

async function count(
  connection: SqlConnection,
  relation: CatalogRelation,
  fresh: FreshColumn | undefined,
  timeoutMs: number,
): Promise<TableMeasure | false | undefined> {
  const freshest = fresh ? `, ${newest(fresh)}` : '';
  const row = await readOne(
    connection,
    `SELECT count(*) AS rows, pg_total_relation_size(${relation.oid}) AS bytes${freshest}, ${identityOf(relation)} FROM ONLY ${nameOf(relation)}`,
    timeoutMs,
  );
  return row && isSame(row, relation) && { ...measured(row, fresh), rows: Number(row.rows) };
}

async function measureQuickly(
  connection: SqlConnection,
  relation: CatalogRelation,
  fresh: FreshColumn | undefined,
): Promise<TableMeasure | false | undefined> {
  const freshest = fresh?.isIndexed
    ? `, (SELECT ${newest(fresh)} FROM ONLY ${nameOf(relation)})`
    : '';
  const sql = `SELECT pg_total_relation_size(${relation.oid}) AS bytes${freshest}, ${identityOf(relation)}`;
  const row = await readOne(connection, sql, quickMs);
  return row && isSame(row, relation) && measured(row, fresh);
}

/**
 * A name leads to what has it now, and a table that was truncated or rewritten since the snapshot looks empty in it: no rows of the
 * snapshot are in the new file. Asked when the statement holds the lock on the table, with which neither can happen any more.
 */
function identityOf(relation: CatalogRelation): string {
  const found = `to_regclass('${nameOf(relation).replaceAll("'", "''")}')`;
  return `${found}::oid AS oid, pg_relation_filenode(${found}) AS filenode`;
}

/** `relation` is as the snapshot saw it. */
function isSame({ oid, filenode }: Row, relation: CatalogRelation): boolean {
  return oid === relation.oid && filenode === relation.filenode;
}

function measured(row: Row, fresh: FreshColumn | undefined): TableMeasure {
  const bytes = Number(row.bytes);
  if (!fresh || typeof row.freshest !== 'number') return { bytes };
  const timeMs = Math.round(row.freshest * 1000);
  if (timeMs < 0 || timeMs >= endOfTimeMs) return { bytes };
  return { bytes, freshest: { column: fresh.column, timeMs } };
}

/** 'infinity' is no time at which anything was written. A timestamp without a zone counts as UTC. */
function newest({ column }: FreshColumn): string {
  const name = quoted(column);
  return `extract(epoch FROM max(${name}) FILTER (WHERE isfinite(${name})))::float8 AS freshest`;
}

async function readOne(
  connection: SqlConnection,
  sql: string,
  timeoutMs: number,
): Promise<Row | undefined> {
  try {
    // Going back to the savepoint releases the table's lock at once: DDL must not wait for the other tables.
    const results = await connection.script<Row>(
      `SAVEPOINT measured; SET LOCAL statement_timeout = ${timeoutMs}; ${sql}; ROLLBACK TO SAVEPOINT measured`,
    );
    return results.flat()[0];
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    await connection.script('ROLLBACK TO SAVEPOINT measured');
    return undefined;
  }
}

function nameOf({ schema, name }: CatalogRelation): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
