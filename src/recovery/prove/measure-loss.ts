import { isLifeboatError } from '../../core/index.ts';
import type { PostgresSource, RecoveryTarget } from '../../sources/index.ts';
import { type Lsn, parseLsn } from '../../wal/index.ts';
import { openSession } from '../rescue/session.ts';
import type { MeasuredLoss } from './proof.ts';

/** Where the log of the live server ends now; undefined when it does not answer, as in a disaster. */
export async function liveEnd(
  source: PostgresSource,
  signal: AbortSignal | undefined,
): Promise<Lsn | undefined> {
  try {
    await using session = await openSession(source.settings.connection, signal);
    const [row] = await session.rows<{ lsn: string | null }>(
      `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
         else pg_current_wal_flush_lsn() end::text as lsn`,
    );
    return typeof row?.lsn === 'string' ? parseLsn(row.lsn) : undefined;
  } catch (error) {
    if (isLifeboatError(error, 'cancelled') || !isLifeboatError(error)) throw error;
    return undefined;
  }
}

/**
 * How much would have been lost, had the live server been lost when the proof began: nothing when all of its log was replayed,
 * else at most what was written since the last commit that came back.
 */
export function measureLoss(seen: {
  readonly target: RecoveryTarget;
  readonly startTime: Date;
  readonly reachedTime: Date;
  readonly reachedLsn: Lsn;
  readonly live: Lsn | undefined;
}): MeasuredLoss | undefined {
  const { target, startTime, reachedTime, reachedLsn, live } = seen;
  if (target.kind !== 'latest') return undefined;
  if (live !== undefined && reachedLsn >= live) return { durationMs: 0, isAtMost: false };
  const durationMs = Math.max(0, startTime.getTime() - reachedTime.getTime());
  return { durationMs, isAtMost: true };
}
