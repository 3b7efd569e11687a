import { LifeboatError, type Progress } from '../../../core/index.ts';
import type { Log, Repository } from '../../../repository/index.ts';
import { formatLsn, lsn, timelineStream } from '../../../wal/index.ts';
import type { RecoveryTarget } from '../backup-info.ts';
import type { SpoolReader } from '../stream/spool-reader.ts';
import { type BackupSnapshot, backupSnapshotsOf } from './backup-snapshot.ts';
import { outsideWindow } from './outside-window.ts';
import { type HistoryFiles, historyFiles, walOfSpool } from './spool-wal.ts';
import { pathPasses, readTimelinePath, type TimelinePath, timelineAt } from './timeline-path.ts';
import { WalHoldings } from './wal-holdings.ts';
import { readWalTail } from './wal-tail.ts';

/** How far one snapshot and the log after it lead. */
export interface Reach {
  readonly backup: BackupSnapshot;
  readonly path: TimelinePath;
  /** Last timeline of the path. */
  readonly timeline: number;
  /** With the snapshot's own WAL. */
  readonly holdings: WalHoldings;
  /** End of the unbroken log. */
  readonly end: bigint;
}

/** Where the replay stops. */
export type ReplayStop =
  /** After the last whole record, which begins at `lastRecord`. */
  | { readonly kind: 'end'; readonly lastRecord: bigint }
  | { readonly kind: 'lsn'; readonly lsn: bigint; readonly inclusive: boolean }
  | { readonly kind: 'time'; readonly time: Date }
  | { readonly kind: 'consistent' };

export interface RecoveryPlan extends Reach {
  readonly stop: ReplayStop;
  readonly histories: HistoryFiles;
}

export interface RecoveryRequest {
  readonly repository: Repository;
  readonly source: string;
  readonly target: RecoveryTarget;
  /** Full id of the snapshot to start from. Default: the newest that fits. */
  readonly base?: string;
  /** A spool that survived: it holds WAL that the repository does not have yet. */
  readonly spool?: SpoolReader;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * Chooses the snapshot to start from, the timeline, and where to stop, and makes sure that the log leads there
 * without a hole. Errors: `repository.snapshot-missing`, `target.outside-window`, `log.gap`.
 */
export async function planRecovery(request: RecoveryRequest): Promise<RecoveryPlan> {
  const { repository, source, target, signal } = request;
  const log = repository.log(source);
  const histories = historyFiles(log, request.spool);
  const reaches = await findReaches(request, log, histories);
  for (const reach of reaches) {
    const found = await stopWithin(reach, target, signal);
    if (found) return { ...found, histories };
    // `latest` and `snapshot-end` mean the newest snapshot; another one would be a different request.
    if (target.kind === 'latest' || target.kind === 'snapshot-end') break;
  }
  throw await outsideWindow(reaches, target, signal);
}

/** How far each snapshot of the source leads together with the log after it, the newest first. */
export async function listReaches(
  request: Omit<RecoveryRequest, 'target' | 'base'>,
): Promise<readonly Reach[]> {
  const log = request.repository.log(request.source);
  return await findReaches(request, log, historyFiles(log, request.spool));
}

/** One reach per snapshot, the newest first. */
async function findReaches(
  request: Omit<RecoveryRequest, 'target'>,
  log: Log,
  histories: HistoryFiles,
): Promise<readonly Reach[]> {
  const { repository, source, base, spool, signal } = request;
  const all = await backupSnapshotsOf(repository, source, request.progress);
  const backups = base === undefined ? all : all.filter(({ snapshot }) => snapshot.id === base);
  if (backups.length === 0) {
    throw new LifeboatError(
      'repository.snapshot-missing',
      base === undefined
        ? `there is no snapshot of the source ${source} in the repository`
        : `snapshot ${base} is none of the source ${source}`,
      { hint: 'List what there is with "lifeboat points".', context: { source } },
    );
  }
  const wal = await WalHoldings.of([log, ...(spool ? [walOfSpool(spool, log)] : [])], signal);
  const paths = await knownPaths(histories, wal, backups);
  return backups.map((backup) => reachOf(repository, backup, wal, paths));
}

/** The paths to all timelines that anything is known of, the newest timeline first. */
async function knownPaths(
  log: HistoryFiles,
  wal: WalHoldings,
  backups: readonly BackupSnapshot[],
): Promise<readonly TimelinePath[]> {
  const timelines = new Set(backups.map(({ info }) => info.timeline));
  for (const stream of wal.streams()) timelines.add(Number.parseInt(stream, 16));
  for (const name of await log.fileNames()) {
    const match = /^([0-9A-F]{8})\.history$/.exec(name);
    if (match) timelines.add(Number.parseInt(match[1] as string, 16));
  }
  const paths: TimelinePath[] = [];
  for (const timeline of [...timelines].toSorted((a, b) => b - a)) {
    const path = await readTimelinePath(log, timeline);
    if (path) paths.push(path);
  }
  return paths;
}

function reachOf(
  repository: Repository,
  backup: BackupSnapshot,
  wal: WalHoldings,
  paths: readonly TimelinePath[],
): Reach {
  const { info, startLsn, stopLsn } = backup;
  const holdings = wal.withSnapshot(repository, backup);
  const own: TimelinePath = [{ timeline: info.timeline, begin: lsn(0n), end: lsn(lastPosition) }];
  for (const path of paths) {
    if (!pathPasses(path, info.timeline, stopLsn)) continue;
    const last = path.at(-1) as TimelinePath[number];
    const end = holdings.endOnPath(path, startLsn, info.segmentSizeBytes);
    // A timeline of which only the history is known leads nowhere.
    const isReached = end > last.begin && holdings.streams().has(timelineStream(last.timeline));
    if (isReached) return { backup, path, timeline: last.timeline, holdings, end };
  }
  const end = holdings.endOnPath(own, startLsn, info.segmentSizeBytes);
  return { backup, path: own, timeline: info.timeline, holdings, end };
}

const lastPosition = 0xffff_ffff_ffff_ffffn;

type Found = Reach & { readonly stop: ReplayStop };

/** Where to stop when the target lies within the reach, else undefined. */
async function stopWithin(
  reach: Reach,
  target: RecoveryTarget,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
  const { backup, end, path } = reach;
  if (end < backup.stopLsn) return undefined;
  switch (target.kind) {
    case 'snapshot-end':
      return { ...endingOn(reach, backup.info.timeline), stop: { kind: 'consistent' } };
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
