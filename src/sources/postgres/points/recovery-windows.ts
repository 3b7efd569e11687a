import { isLifeboatError, type Progress } from '../../../core/index.ts';
import type { Repository, SnapshotId } from '../../../repository/index.ts';
import { formatLsn, segmentName } from '../../../wal/index.ts';
import type { BackupSnapshot } from '../restore/backup-snapshot.ts';
import { reachesAlong } from '../restore/choose-timeline.ts';
import { furthestReaches, isReached, type Reach, readKnownLog } from '../restore/reaches.ts';
import { type TimelineSpan, timelineAt } from '../restore/timeline-path.ts';
import { readWalTail } from '../restore/wal-tail.ts';
import { givenUpTimelines } from '../stream/given-up.ts';
import type { SpoolReader } from '../stream/spool-reader.ts';

/** An unbroken span of time to any moment of which the source can be restored. Positions as text. */
export interface RecoveryWindow {
  readonly from: Date;
  readonly fromLsn: string;
  /** Time of the last commit; `from` when there was none since. */
  readonly to: Date;
  readonly toLsn: string;
  readonly timeline: number;
  /** Where it leaves an older timeline for the next one. */
  readonly forks?: readonly { readonly timeline: number; readonly lsn: string }[];
  /** Snapshots that lie in it, the oldest first. */
  readonly snapshots: readonly SnapshotId[];
  /** Set when the log goes on behind a hole: the first segment that is missing. */
  readonly missingSegment?: string;
}

/** A span of time between two windows in which nothing can be restored. Positions as text. */
export interface RecoveryGap {
  readonly from: Date;
  readonly to: Date;
  readonly fromLsn: string;
  readonly toLsn: string;
  /** It lies before what is promised: the log there was given up on purpose. */
  readonly isExpected: boolean;
}

export interface PointSnapshot {
  readonly id: SnapshotId;
  readonly time: Date;
  readonly lsn: string;
  readonly timeline: number;
  /** Of the cluster. */
  readonly systemId: string;
  readonly serverVersion: number;
  readonly bytesTotal: number;
  readonly damagedPages: number;
  /** Of a timeline that was given up when a recovery was taken back: it is restored by its name, and lies in no window. */
  readonly isGivenUp?: true;
}

export interface RecoveryPoints {
  /** The newest first. */
  readonly snapshots: readonly PointSnapshot[];
  /** The newest first. Between two windows nothing can be restored. */
  readonly windows: readonly RecoveryWindow[];
  /** Along timelines that were given up when a recovery was taken back: what they took is restored by naming them. The newest first. */
  readonly givenUp: readonly RecoveryWindow[];
}

interface PointsRequest {
  readonly repository: Repository;
  readonly source: string;
  readonly spool?: SpoolReader;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/** What can be restored: the snapshots of a source and the windows that they and the log allow. */
export async function listRecoveryPoints(request: PointsRequest): Promise<RecoveryPoints> {
  const known = await readKnownLog(request).catch((error) => {
    if (isLifeboatError(error, 'repository.snapshot-missing')) return undefined;
    throw error;
  });
  if (known === undefined) return { snapshots: [], windows: [], givenUp: [] };
  const reaches = furthestReaches(known);
  const windows: RecoveryWindow[] = [];
  for (const group of sameEnds(reaches)) windows.push(await describeWindow(group, request.signal));
  const snapshots = known.backups.map(describeSnapshot);
  const givenUp = known.givenUp.map((backup) => ({
    ...describeSnapshot(backup),
    isGivenUp: true as const,
  }));
  return { snapshots: [...snapshots, ...givenUp], windows, givenUp: await windowsLeft(request) };
}

async function windowsLeft(request: PointsRequest): Promise<readonly RecoveryWindow[]> {
  const marked = await givenUpTimelines(request.repository.log(request.source));
  const windows: RecoveryWindow[] = [];
  for (const timeline of [...marked].toSorted((a, b) => b - a)) {
    const known = await readKnownLog({ ...request, timeline });
    const path = known.paths.find((each) => each.at(-1)?.timeline === timeline);
    const reaches = path ? reachesAlong(known, path).filter(isReached) : [];
    const [newest] = sameEnds(reaches);
    if (newest) windows.push(await describeWindow(newest, request.signal));
  }
  return windows;
}

/** What was promised of a source, against what there is. */
export interface RecoveryPromise {
  /** Any moment of so long stays restorable. */
  readonly spanMs: number;
  readonly from: Date;
  /** Whether what there is goes back so far; a young source has no such past. */
  readonly isReached: boolean;
}

/** Counted from the newest moment there is. */
export function judgePromise(
  windows: readonly RecoveryWindow[],
  spanMs: number,
): RecoveryPromise | undefined {
  const [newest] = windows;
  if (newest === undefined) return undefined;
  const from = new Date(newest.to.getTime() - spanMs);
  return { spanMs, from, isReached: windows.some((each) => each.from <= from && each.to >= from) };
}

/**
 * What lies between windows, by the `from` of the newer one, the newest first. Where a server went another way windows may overlap: then
 * nothing lies between. `promiseMs`: how long any moment is promised to stay.
 */
export function gapsBetween(
  windows: readonly RecoveryWindow[],
  promiseMs?: number,
): readonly RecoveryGap[] {
  const promisedFrom =
    promiseMs === undefined ? undefined : (windows[0]?.to.getTime() ?? 0) - promiseMs;
  return windows.slice(1).flatMap((older, index) => {
    const newer = windows[index] as RecoveryWindow;
    if (newer.from <= older.to) return [];
    return {
      from: older.to,
      to: newer.from,
      fromLsn: older.toLsn,
      toLsn: newer.fromLsn,
      isExpected: promisedFrom !== undefined && newer.from.getTime() <= promisedFrom,
    };
  });
}

/** Snapshots that one unbroken log joins lead to the same end on the same timeline. */
function sameEnds(reaches: readonly Reach[]): readonly (readonly Reach[])[] {
  const groups = Map.groupBy(reaches, ({ timeline, end }) => `${timeline} ${end}`);
  return [...groups.values()];
}

async function describeWindow(
  group: readonly Reach[],
  signal: AbortSignal | undefined,
): Promise<RecoveryWindow> {
  const oldestFirst = group.toSorted((a, b) => (a.backup.stopLsn < b.backup.stopLsn ? -1 : 1));
  const oldest = oldestFirst[0] as Reach;
  const newest = oldestFirst.at(-1) as Reach;
  const { holdings, path, end, timeline } = newest;
  const { segmentSizeBytes } = newest.backup.info;
  const forks = path.slice(0, -1).filter((span) => span.end >= oldest.backup.stopLsn);
  const tail = await readWalTail(newest, newest.backup.startLsn, true, signal);
  const stopMs = Date.parse(newest.backup.info.stopTime);
  return {
    from: new Date(oldest.backup.info.stopTime),
    fromLsn: formatLsn(oldest.backup.stopLsn),
    to: new Date(Math.max(stopMs, Math.floor(tail.lastCommitMs ?? 0))),
    toLsn: formatLsn(end),
    timeline,
    ...(forks.length > 0 ? { forks: forks.map(describeFork) } : {}),
    snapshots: oldestFirst.map(({ backup }) => backup.snapshot.id),
    ...(holdings.holdsBeyond(path, end)
      ? { missingSegment: segmentName(timelineAt(path, end), end, segmentSizeBytes) }
      : {}),
  };
}

function describeFork({ timeline, end }: TimelineSpan) {
  return { timeline, lsn: formatLsn(end) };
}

function describeSnapshot({ snapshot, info }: BackupSnapshot): PointSnapshot {
  return {
    id: snapshot.id,
    time: new Date(info.stopTime),
    lsn: info.stopLsn,
    timeline: info.timeline,
    systemId: info.systemId,
    serverVersion: info.serverVersion,
    bytesTotal: info.bytesTotal,
    damagedPages: info.damagedPages.length,
  };
}
