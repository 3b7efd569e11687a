import { type CountedMoment, parseLsn } from '../../../wal/index.ts';
import type { SqlConnection } from '../sql-connection.ts';

/** When the rows of a database were counted, so exactly that the log can carry the counts on. */
export interface DatabaseMoment {
  /** ISO 8601. */
  readonly time: string;
  /** Everything that the counts contain was committed before this position. */
  readonly lsn: string;
  readonly counted: CountedMoment;
}

interface Row {
  readonly time: Date;
  readonly in_recovery: boolean;
  readonly snapshot: string;
  readonly lsn: string;
}

/** Where replay is, as text; undefined on a primary. Asked before the transaction begins that counts. */
export async function replayPosition(connection: SqlConnection): Promise<string | undefined> {
  const [row] = await connection.rows<{ lsn: string | null }>(
    'SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END AS lsn',
  );
  return row?.lsn ?? undefined;
}

/**
 * The moment that the connection's REPEATABLE READ transaction sees; this must be its first query. The position is read when
 * the snapshot is there already: a transaction that is visible has written its COMMIT before.
 */
export async function readCountedMoment(
  connection: SqlConnection,
  replayedBefore: string | undefined,
): Promise<DatabaseMoment> {
  const [row] = await connection.rows<Row>(`
    SELECT clock_timestamp() AS time, pg_is_in_recovery() AS in_recovery,
      pg_current_snapshot()::text AS snapshot,
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        ELSE pg_current_wal_insert_lsn() END::text AS lsn`);
  const { time, snapshot, lsn, in_recovery } = row as Row;
  const counted: CountedMoment = in_recovery
    ? // A snapshot of a standby does not name what was running, but commits become visible there in their order.
      { kind: 'replay', from: position(replayedBefore ?? lsn), to: position(lsn) }
    : { kind: 'snapshot', ...parseSnapshot(snapshot) };
  return { time: time.toISOString(), lsn, counted };
}

/** `xmin:xmax:running,running`, with 64-bit ids of which the log has the lower half. */
function parseSnapshot(text: string) {
  const [xmin = '', xmax = '', running = ''] = text.split(':');
  const ids = running === '' ? [] : running.split(',');
  return { xmin: lowerHalf(xmin), xmax: lowerHalf(xmax), running: ids.map(lowerHalf) };
}

export function lowerHalf(xid: string): number {
  return Number(BigInt.asUintN(32, BigInt(xid)));
}

function position(text: string): number {
  return Number(parseLsn(text));
}
