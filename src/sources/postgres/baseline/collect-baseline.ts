import type { CatalogRecord } from '../backup-info.ts';
import {
  type CollectCatalogOptions,
  collectCatalog,
  holdsUserRows,
  type MeasuredDatabase,
} from '../catalog/collect-catalog.ts';
import { lowerHalf } from '../catalog/counted-moment.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectSql } from '../sql-connection.ts';
import type { BaselineDatabase, BaselineRecord, BaselineTable } from './baseline-record.ts';

type Options = Omit<CollectCatalogOptions, 'countRows' | 'onMeasured'>;

/** What the names in the cluster mean now, and how much is in its tables, of the same moment per database. */
export async function collectBaseline(
  settings: ConnectionSettings,
  reason: BaselineRecord['reason'],
  options: Options,
): Promise<{ readonly catalog: CatalogRecord; readonly baseline: BaselineRecord }> {
  const wholeFrom = await lastCheckpoint(settings, options.signal);
  const databases: BaselineDatabase[] = [];
  const unread: string[] = [];
  const { onUnreadable } = options;
  const catalog = await collectCatalog(settings, {
    ...options,
    countRows: true,
    ...(onUnreadable
      ? {
          onUnreadable(database, error) {
            unread.push(database);
            onUnreadable(database, error);
          },
        }
      : {}),
    onMeasured: (measured) => databases.push(describe(measured)),
  });
  const { systemId, timeline, lsn, time } = catalog;
  const baseline = {
    format: 1,
    systemId,
    timeline,
    lsn,
    time,
    reason,
    wholeFrom,
    ...(unread.length > 0 ? { unread } : {}),
    databases,
  } as const;
  return { catalog, baseline };
}

/** Ids from the next one of a checkpoint on were given out behind the position where its redo begins. */
async function lastCheckpoint(settings: ConnectionSettings, signal: AbortSignal | undefined) {
  await using connection = await connectSql(settings, signal ? { signal } : {});
  const [row] = await connection.rows<{ lsn: string; xid: string }>(
    'SELECT redo_lsn::text AS lsn, next_xid AS xid FROM pg_control_checkpoint()',
  );
  const { lsn = '', xid = '' } = row ?? {};
  return { lsn, xid: lowerHalf(xid.slice(xid.indexOf(':') + 1)) };
}

function describe({ oid, name, moment, found, measures }: MeasuredDatabase): BaselineDatabase {
  const tables = found.filter(holdsUserRows).map((each): BaselineTable => {
    const { relation, estimatedRows, isUnlogged, deletedRows } = each;
    const { rows, bytes, freshest } = measures.get(relation.oid) ?? {};
    const known = rows ?? estimatedRows;
    return {
      oid: relation.oid,
      filenode: relation.filenode,
      ...(relation.tablespace === undefined ? {} : { tablespace: relation.tablespace }),
      schema: relation.schema,
      name: relation.name,
      ...(known === undefined ? {} : { rows: known, rowsExact: rows !== undefined }),
      ...(bytes === undefined ? {} : { bytes }),
      ...(freshest ? { freshest: describeFreshest(freshest) } : {}),
      deletedRows,
      ...(isUnlogged ? { isUnlogged: true } : {}),
    };
  });
  return { oid, name, moment, tables };
}

function describeFreshest({
  column,
  timeMs,
}: {
  readonly column: string;
  readonly timeMs: number;
}) {
  return { column, time: new Date(timeMs).toISOString() };
}
