import { isLifeboatError, type LifeboatError } from '../../../core/index.ts';
import type { CatalogDatabase, CatalogRecord } from '../backup-info.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectSql, type SqlConnection } from '../sql-connection.ts';
import { type Countable, countRows } from './count-rows.ts';
import { readRelations } from './read-relations.ts';

export interface CollectCatalogOptions {
  readonly signal?: AbortSignal;
  /** False: estimates only. */
  readonly countRows: boolean;
  /** For counting, over all databases. What does not fit is estimated. Default 60 s. */
  readonly countBudgetMs?: number;
  /** A database that could not be read; the others are. */
  readonly onUnreadable?: (database: string, error: LifeboatError) => void;
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
    'SELECT oid, datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY oid',
  );
  const databases: CatalogDatabase[] = [];
  for (const { oid, datname } of names) {
    try {
      databases.push({
        oid,
        name: datname,
        ...(await readDatabase(settings, datname, deadline, signal)),
      });
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
  database: string,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Pick<CatalogDatabase, 'relations'>> {
  await using connection = await connectSql(settings, { database, ...(signal ? { signal } : {}) });
  // Guards against a search_path or row security that would make names or counts mean something else.
  await connection.script(
    "SET search_path = pg_catalog; SET row_security = off; SET lock_timeout = '1s'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
  );
  const found = await readRelations(connection);
  const counts = await countRows(connection, found.filter(isCountable), deadline);
  return {
    relations: found.map(({ relation, estimatedRows }) => {
      const exact = counts.get(relation.oid);
      if (exact !== undefined) return { ...relation, rows: exact, rowsExact: true };
      return estimatedRows === undefined
        ? relation
        : { ...relation, rows: estimatedRows, rowsExact: false };
    }),
  };
}

function isCountable({ relation, readable }: Countable & { readable: boolean }): boolean {
  const system = ['pg_catalog', 'information_schema', 'pg_toast'].includes(relation.schema);
  return readable && !system && (relation.kind === 'r' || relation.kind === 'm');
}
