import { isLifeboatError } from '../../core/index.ts';
import { type PostgresSource, preferPrimary, type RecoveryTarget } from '../../sources/index.ts';
import { type Lsn, parseLsn } from '../../wal/index.ts';
import { openSession } from '../rescue/session.ts';
import type { MeasuredLoss } from './proof.ts';

export interface LogEnd {
  readonly lsn: Lsn;
  readonly timeline: number;
}

/**
 * Where the log of the live primary ends now; undefined when none answers, as in a disaster. What a standby has says nothing: it
 * may be far behind.
 */
export async function liveEnd(
  source: PostgresSource,
  signal: AbortSignal | undefined,
): Promise<LogEnd | undefined> {
  try {
    await using session = await openSession(preferPrimary(source.settings.connection), signal);
    const [row] = await session.rows<{ lsn: string; segment: string }>(
      `select lsn::text, pg_walfile_name(lsn) as segment
       from (select case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn() end as lsn) as log
       where lsn is not null`,
    );
    if (row === undefined) return undefined;
    return { lsn: parseLsn(row.lsn), timeline: Number.parseInt(row.segment.slice(0, 8), 16) };
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
  readonly reached: LogEnd;
  readonly live: LogEnd | undefined;
}): MeasuredLoss | undefined {
  const { target, startTime, reachedTime, reached, live } = seen;
  if (target.kind !== 'latest') return undefined;
  const isWhole = reached.timeline === live?.timeline && reached.lsn >= live.lsn;
  if (isWhole) return { durationMs: 0, isAtMost: false };
  const durationMs = Math.max(0, startTime.getTime() - reachedTime.getTime());
  return { durationMs, isAtMost: true };
}
