import { LifeboatError } from '../../../core/index.ts';
import { formatLsn, lsn } from '../../../wal/index.ts';
import type { RecoveryTarget } from '../backup-info.ts';
import { lastPosition, type Reach } from './reaches.ts';
import type { ReplayStop } from './recovery-plan.ts';
import { type TimelinePath, timelineAt } from './timeline-path.ts';
import { readWalTail } from './wal-tail.ts';

/** A target that the log itself need not be searched for. */
export type PlainTarget = Exclude<RecoveryTarget, { readonly kind: 'xid' | 'name' }>;

export type Found = Reach & { readonly stop: ReplayStop };

/** Where to stop when the target lies within the reach, else undefined. */
export async function stopWithin(
  reach: Reach,
  target: PlainTarget,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
  const { backup, end, path } = reach;
  if (end < backup.stopLsn) return undefined;
  switch (target.kind) {
    case 'snapshot-end': {
      const found = await atEnd(endingOn(reach, backup.info.timeline), signal);
      // PostgreSQL notices behind a record that it is consistent, and stops at the next; there must be one.
      return found.stop.lastRecord < backup.stopLsn
        ? found
        : { ...found, stop: { kind: 'consistent' } };
    }
    case 'latest':
      await refuseHole(reach);
      return await atEnd(reach, signal);
    case 'lsn': {
      if (target.lsn < backup.stopLsn || target.lsn > end) return undefined;
      const found = await atEnd(endingOn(reach, timelineAt(path, target.lsn)), signal);
      // PostgreSQL stops at a record that begins at the target or behind it; there must be one.
      return target.lsn > found.stop.lastRecord ? found : { ...found, stop: target };
    }
    case 'time':
      return await stopAtTime(reach, target.time, signal);
  }
}

/** The first timeline of the path on which something was committed after the time is where the replay stops. */
async function stopAtTime(
  reach: Reach,
  time: Date,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
  const { backup, path } = reach;
  const timeMs = time.getTime();
  if (timeMs < Date.parse(backup.info.stopTime)) return undefined;
  let lastMs: number | undefined;
  for (const span of path) {
    if (span.end <= backup.stopLsn) continue;
    const end = span.end < reach.end ? span.end : reach.end;
    const tail = await readWalTail({ ...reach, end }, backup.startLsn, true, signal);
    lastMs = tail.lastCommitMs ?? lastMs;
    if ((lastMs ?? timeMs) > timeMs) {
      return { ...endingOn(reach, span.timeline), stop: { kind: 'time', time } };
    }
  }
  // The last commit itself; dates have milliseconds, commits microseconds.
  return timeMs - (lastMs ?? 0) < 1 ? await atEnd(reach, signal) : undefined;
}

/**
 * The reach with `timeline` as its last: a replay that stops on an earlier timeline than its last would begin a new one with a
 * history that goes backwards.
 */
function endingOn(reach: Reach, timeline: number): Reach {
  if (timeline === reach.timeline) return reach;
  const index = reach.path.findIndex((span) => span.timeline === timeline);
  const last = reach.path[index] as TimelinePath[number];
  const path = [...reach.path.slice(0, index), { ...last, end: lsn(lastPosition) }];
  const { backup, holdings } = reach;
  const end = holdings.endOnPath(path, backup.startLsn, backup.info.segmentSizeBytes);
  return { ...reach, path, timeline, end };
}

async function atEnd(reach: Reach, signal: AbortSignal | undefined) {
  const tail = await readWalTail(reach, reach.backup.startLsn, false, signal);
  const lastRecord = tail.lastRecord ?? reach.backup.startLsn;
  return { ...reach, stop: { kind: 'end', lastRecord } as const };
}

/** `latest` must not silently mean "before the hole". */
async function refuseHole(reach: Reach): Promise<void> {
  const { holdings, path, end, backup } = reach;
  if (!holdings.holdsBeyond(path, end)) return;
  const { segmentSizeBytes } = backup.info;
  const hole = await holdings.readPath(path, end, end + 1n, segmentSizeBytes).then(
    () => undefined,
    (error: LifeboatError) => error,
  );
  throw new LifeboatError('log.gap', hole?.message ?? `the log has a hole at ${formatLsn(end)}`, {
    hint: `To restore everything before the gap, ask for the position ${formatLsn(end)}; to get what came after it, a newer snapshot is needed.`,
    context: { lsn: formatLsn(end), ...hole?.context },
  });
}
