import { sleep } from '../../../core/index.ts';
import type { SqlConnection } from '../sql-connection.ts';
import type { DatabaseMoment } from './counted-moment.ts';

/** Several times as long as the server may leave a commit unwritten (wal_writer_delay is at most 10 s). */
const longestWaitMs = 60_000;
const pauseMs = 100;

/**
 * Whether the log up to the moment is on the server's disk; waits until it is. A transaction that commits with synchronous_commit=off
 * is seen by others before, and a crash takes it back: counts with it in them would never be true again. In no transaction.
 */
export async function isDurable(
  connection: SqlConnection,
  { lsn, counted }: DatabaseMoment,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // What a standby has replayed was written before.
  if (counted.kind === 'replay') return true;
  const deadline = performance.now() + longestWaitMs;
  for (let isAsked = false; ; isAsked = true) {
    const [row] = await connection.rows<{ durable: boolean }>(
      'SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS durable',
      [lsn],
    );
    if (row?.durable) return true;
    if (performance.now() >= deadline) return false;
    // What an open transaction wrote is left in memory until somebody commits behind it: this does.
    if (!isAsked) await connection.rows('SELECT txid_current()');
    await sleep(pauseMs, signal);
  }
}
