import { isLifeboatError, type LifeboatError } from '../../../core/index.ts';
import type { CatalogDatabase, CatalogRecord } from '../backup-info.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectSql, type SqlConnection } from '../sql-connection.ts';
import { type DatabaseMoment, readCountedMoment, replayPosition } from './counted-moment.ts';
import { isDurable } from './durable-moment.ts';
import { freshColumns } from './fresh-columns.ts';
import { measureTables, type TableMeasure } from './measure-tables.ts';
import { type FoundRelation, readRelations } from './read-relations.ts';

export interface CollectCatalogOptions {
  readonly signal?: AbortSignal;
  /** False: estimates only. */
  readonly countRows: boolean;
  /** For counting, over all databases. What does not fit is estimated. Default 60 s. */
  readonly countBudgetMs?: number;
  /** A database that could not be read; the others are. */
  readonly onUnreadable?: (database: string, error: LifeboatError) => void;
  /** What else was seen of a database, in the same transaction as its names. */
  readonly onMeasured?: (measured: MeasuredDatabase) => void;
}

export interface MeasuredDatabase {
  readonly oid: number;
  readonly name: string;
  readonly moment: DatabaseMoment;
  readonly found: readonly FoundRelation[];
  /** By oid, of tables whose rows are a user's. */
  readonly measures: ReadonlyMap<number, TableMeasure>;
}

const defaultCountBudgetMs = 60_000;

/**
 * What the names in the cluster mean now: every relation of every database that takes connections (templates aside:
 * being connected to one would make CREATE DATABASE fail), and how many rows its tables have.
 */
export async function collectCatalog(
  settings: ConnectionSettings,
  options: CollectCatalogOptions,
): Promise<CatalogRecord> {
  const { signal } = options;
  const budgetMs = options.countRows ? (options.countBudgetMs ?? defaultCountBudgetMs) : 0;
  const deadline = performance.now() + budgetMs;
  await using connection = await connectSql(settings, signal ? { signal } : {});
  const cluster = await readCluster(connection);
  const names = await connection.rows<{ oid: number; datname: string }>(
    // -2: its DROP was interrupted; nothing connects to what is left.
    'SELECT oid, datname FROM pg_catalog.pg_database WHERE datallowconn AND datconnlimit <> -2 AND NOT datistemplate ORDER BY oid',
  );
  const databases: CatalogDatabase[] = [];
  for (const { oid, datname } of names) {
    try {
      const measured = await readDatabase(
        connection.settings,
        { oid, name: datname },
        deadline,
        options,
      );
      databases.push({ oid, name: datname, relations: relationsOf(measured) });
      options.onMeasured?.(measured);
    } catch (error) {
      if (!isLifeboatError(error) || signal?.aborted || !options.onUnreadable) throw error;
      options.onUnreadable(datname, error);
    }
  }
  return { ...cluster, time: new Date().toISOString(), databases };
}

async function readCluster(connection: SqlConnection) {
  const [row] = await connection.rows<{ system: string; timeline: string; lsn: string }>(`
    SELECT system_identifier::text AS system,
      CASE WHEN pg_is_in_recovery() THEN lpad(to_hex(timeline_id), 8, '0')
        ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_lsn() END::text AS lsn
    FROM pg_control_system(), pg_control_checkpoint()`);
  const { system = '', timeline = '', lsn = '' } = row ?? {};
  return { systemId: system, timeline: Number.parseInt(timeline, 16), lsn };
}

async function readDatabase(
  settings: ConnectionSettings,
  { oid, name }: { readonly oid: number; readonly name: string },
  deadline: number,
  { signal, countRows }: CollectCatalogOptions,
): Promise<MeasuredDatabase> {
  const aborting = signal ? { signal } : {};
  await using connection = await connectSql(settings, { database: name, ...aborting });
  const replayed = await replayPosition(connection);
  // Guards against settings that would make names or counts mean something else.
  await connection.script(
    "SET search_path = pg_catalog; SET standard_conforming_strings = on; SET row_security = off; SET lock_timeout = '1s'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
  );
  const moment = await readCountedMoment(connection, replayed);
  const found = await readRelations(connection);
  const measures = countRows
    ? await measureTables(
        connection,
        found.filter((each) => each.readable && holdsUserRows(each)),
        await freshColumns(connection),
        deadline,
      )
    : new Map<number, TableMeasure>();
  if (measures.size === 0) return { oid, name, moment, found, measures };
  await connection.script('COMMIT');
  const isKept = await isDurable(connection, moment, signal);
  return { oid, name, moment, found, measures: isKept ? measures : new Map() };
}

function relationsOf({ found, measures }: MeasuredDatabase): CatalogDatabase['relations'] {
  return found.map(({ relation, estimatedRows }) => {
    const exact = measures.get(relation.oid)?.rows;
    if (exact !== undefined) return { ...relation, rows: exact, rowsExact: true };
    return estimatedRows === undefined
      ? relation
      : { ...relation, rows: estimatedRows, rowsExact: false };
  });
}

/** A table or materialized view of a user, whether or not we may read it. */
export function holdsUserRows({ relation }: FoundRelation): boolean {
  const system = ['pg_catalog', 'information_schema', 'pg_toast'].includes(relation.schema);
  return !system && (relation.kind === 'r' || relation.kind === 'm');
}
