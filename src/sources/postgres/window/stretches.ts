import { type Progress, throwIfAborted } from '../../../core/index.ts';
import { isDamage, type Repository } from '../../../repository/index.ts';
import { lsn } from '../../../wal/index.ts';
import { type BackupSnapshot, backupSnapshotsOf } from '../restore/backup-snapshot.ts';
import { knownPaths } from '../restore/reaches.ts';
import { pathPasses, type TimelinePath, timelineAt } from '../restore/timeline-path.ts';
import { WalHoldings } from '../restore/wal-holdings.ts';
import { readWalTail } from '../restore/wal-tail.ts';
import type { Stretch, WindowBase } from './promised-window.ts';

/** Bases that one unbroken log joins, the first one first. `holdings` has the WAL of the last one too. */
export interface JoinedBases {
  readonly path: TimelinePath;
  readonly end: bigint;
  readonly holdings: WalHoldings;
  readonly backups: readonly BackupSnapshot[];
}

/**
 * Every unbroken stretch of a source's log in the repository, along every timeline that anything is known of: a base that lies before a
 * switch belongs to the stretches of both ways.
 */
export async function listStretches(request: {
  readonly repository: Repository;
  readonly source: string;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}): Promise<readonly Stretch[]> {
  const { repository, source, signal, progress } = request;
  const log = repository.log(source);
  const newestFirst = await backupSnapshotsOf(repository, source, progress);
  const wal = await WalHoldings.of([log], signal);
  const paths = await knownPaths(log, wal, newestFirst);
  const joined = joinBases(newestFirst, paths, (backup) => wal.withSnapshot(repository, backup));
  const stretches: Stretch[] = [];
  for (const each of joined) {
    throwIfAborted(signal);
    stretches.push(await describe(each, signal));
  }
  return stretches;
}

/** Groups bases by where the log after them ends. */
export function joinBases(
  newestFirst: readonly BackupSnapshot[],
  paths: readonly TimelinePath[],
  holdingsOf: (backup: BackupSnapshot) => WalHoldings,
): readonly JoinedBases[] {
  const groups = new Map<string, JoinedBases>();
  for (const backup of newestFirst.toReversed()) {
    const holdings = holdingsOf(backup);
    for (const path of pathsOf(backup, paths)) {
      const end = holdings.endOnPath(path, backup.startLsn, backup.info.segmentSizeBytes);
      const key = `${timelineAt(path, end - 1n)} ${end}`;
      const group = groups.get(key);
      if (group?.backups.includes(backup)) continue;
      groups.set(key, { path, end, holdings, backups: [...(group?.backups ?? []), backup] });
    }
  }
  return [...groups.values()];
}

/** What the rule looks at in a base. */
export function windowBase({ snapshot, info, startLsn, stopLsn }: BackupSnapshot): WindowBase {
  const { timeline, stopTime } = info;
  return { id: snapshot.id, timeline, startLsn, stopLsn, stopMs: Date.parse(stopTime) };
}

/** All that lead through a base; its own timeline alone when no history names it. */
function pathsOf({ info, stopLsn }: BackupSnapshot, paths: readonly TimelinePath[]) {
  const passing = paths.filter((path) => pathPasses(path, info.timeline, stopLsn));
  const own = { timeline: info.timeline, begin: lsn(0n), end: lsn(0xffff_ffff_ffff_ffffn) };
  return passing.length > 0 ? passing : [[own]];
}

async function describe(
  { path, end, holdings, backups }: JoinedBases,
  signal: AbortSignal | undefined,
): Promise<Stretch> {
  const bases = backups.map(windowBase);
  const backup = backups.at(-1) as BackupSnapshot;
  try {
    const range = { backup, path, end, holdings };
    const { lastCommitMs } = await readWalTail(range, backup.startLsn, true, signal);
    return { path, end, bases, lastCommitMs };
  } catch (error) {
    // What cannot be read says nothing of its age.
    if (!isDamage(error)) throw error;
    return { path, end, bases, lastCommitMs: undefined, isUnclear: true };
  }
}
