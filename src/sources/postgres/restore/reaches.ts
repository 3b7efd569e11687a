import { LifeboatError, type Progress } from '../../../core/index.ts';
import { LocalLocation, type Log, type Repository } from '../../../repository/index.ts';
import { lsn, timelineStream } from '../../../wal/index.ts';
import { givenUpTimelines } from '../stream/given-up.ts';
import type { SpoolReader } from '../stream/spool-reader.ts';
import { type BackupSnapshot, backupSnapshotsOf } from './backup-snapshot.ts';
import { type HistoryFiles, historyFiles, walOfSpool } from './spool-wal.ts';
import { pathPasses, readTimelinePath, type TimelinePath } from './timeline-path.ts';
import { WalHoldings } from './wal-holdings.ts';

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
  /** The repository lies on this host. */
  readonly isNear: boolean;
}

export interface ReachRequest {
  readonly repository: Repository;
  readonly source: string;
  /** Full id of the only snapshot that counts. */
  readonly base?: string;
  /** Along the history of this timeline. Default: the newest one that the source's log follows and that was not given up. */
  readonly timeline?: number;
  /** A spool that survived: it holds WAL that the repository does not have yet. */
  readonly spool?: SpoolReader;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** All that is known of a source: its snapshots, its WAL, and which timelines lead where. */
export interface KnownLog {
  readonly repository: Repository;
  /** The newest first. */
  readonly backups: readonly BackupSnapshot[];
  readonly wal: WalHoldings;
  /** The newest timeline first. */
  readonly paths: readonly TimelinePath[];
  readonly histories: HistoryFiles;
  /** Snapshots of timelines that were given up, the newest first: no part of `backups`. Empty where the request names what counts. */
  readonly givenUp: readonly BackupSnapshot[];
}

/** How far each snapshot of the source leads together with the log after it, the newest first. */
export async function listReaches(request: ReachRequest): Promise<readonly Reach[]> {
  return furthestReaches(await readKnownLog(request));
}

/**
 * What was given up counts where it is named: the timeline, or a snapshot of it. A snapshot from before leads along what goes on.
 * Errors: `repository.snapshot-missing`.
 */
export async function readKnownLog(request: ReachRequest): Promise<KnownLog> {
  const { repository, source, base, timeline, spool, signal } = request;
  const log: Log = repository.log(source);
  const histories = historyFiles(log, spool);
  const all = await backupSnapshotsOf(repository, source, request.progress);
  const marked = await givenUpTimelines(log);
  const named = timeline ?? all.find(({ snapshot }) => snapshot.id === base)?.info.timeline ?? 0;
  const left = marked.has(named) ? new Set<number>() : marked;
  const wal = await WalHoldings.of([log, ...(spool ? [walOfSpool(spool, log)] : [])], signal);
  const paths = (await knownPaths(histories, wal, all)).filter((path) => {
    const { timeline: last } = path.at(-1) as TimelinePath[number];
    return !left.has(last);
  });
  // The beginning of one that was given up is part of what was recovered from it by its name.
  const goesOn = ({ info, stopLsn }: BackupSnapshot) =>
    !left.has(info.timeline) || paths.some((path) => pathPasses(path, info.timeline, stopLsn));
  const givenUp = all.filter((backup) => !goesOn(backup));
  const backups = all.filter((backup) =>
    base === undefined ? goesOn(backup) : backup.snapshot.id === base,
  );
  if (backups.length === 0) {
    throw new LifeboatError(
      'repository.snapshot-missing',
      base === undefined
        ? `there is no snapshot of the source ${source} in the repository${onlyGivenUp(givenUp)}`
        : `snapshot ${base} is none of the source ${source}`,
      { hint: 'List what there is with "lifeboat points".', context: { source } },
    );
  }
  return { repository, backups, wal, paths, histories, givenUp };
}

function onlyGivenUp(givenUp: readonly BackupSnapshot[]): string {
  const [newest] = givenUp;
  if (newest === undefined) return '';
  return ` but of timelines that were given up; they are restored by their name (--timeline ${newest.info.timeline})`;
}

/** One reach per snapshot, along the newest timeline that the log after it leads to. */
export function furthestReaches(known: KnownLog): readonly Reach[] {
  return known.backups.map((backup) => furthestReach(known, backup));
}

/** How far the snapshot leads along a path that it lies on. */
export function reachAlong(known: KnownLog, backup: BackupSnapshot, path: TimelinePath): Reach {
  const { info, startLsn } = backup;
  const holdings = known.wal.withSnapshot(known.repository, backup);
  const end = holdings.endOnPath(path, startLsn, info.segmentSizeBytes);
  const { timeline } = path.at(-1) as TimelinePath[number];
  const isNear = known.repository.location instanceof LocalLocation;
  return { backup, path, timeline, holdings, end, isNear };
}

/** True when the reach gets onto its last timeline. One of which only the history is known leads nowhere. */
export function isReached({ path, timeline, holdings, end }: Reach): boolean {
  const last = path.at(-1) as TimelinePath[number];
  return end > last.begin && holdings.streams().has(timelineStream(timeline));
}

/** The timelines of which there is a snapshot, log or history, the newest first. */
export async function knownPaths(
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
    // Without its history, what came before it cannot be told.
    else if (backups.some(({ info }) => info.timeline === timeline)) paths.push(alone(timeline));
  }
  return paths;
}

function furthestReach(known: KnownLog, backup: BackupSnapshot): Reach {
  const { info, stopLsn } = backup;
  for (const path of known.paths) {
    if (!pathPasses(path, info.timeline, stopLsn)) continue;
    const reach = reachAlong(known, backup, path);
    if (isReached(reach)) return reach;
  }
  return reachAlong(known, backup, alone(info.timeline));
}

/** As if there had been no other timeline. */
function alone(timeline: number): TimelinePath {
  return [{ timeline, begin: lsn(0n), end: lsn(lastPosition) }];
}

export const lastPosition = 0xffff_ffff_ffff_ffffn;
