import { silentProgress } from '../../../core/index.ts';
import type { Log, Repository } from '../../../repository/index.ts';
import { timelineStream } from '../../../wal/index.ts';
import { listPostgresSnapshots, readStoredFile } from '../base-backup/stored-backups.ts';
import { historyFileName, parseTimelineHistory } from './timeline-history.ts';

/**
 * Timelines of a log that a recovery began and that were left for good when the recovery was taken back: the cluster is on the former one
 * again. Such a one is a file `0000000N.given-up` beside its history. It is restored by its name only, and no stream goes on with it.
 * Layout: docs/formats/logs.md.
 */
export async function givenUpTimelines(log: Pick<Log, 'fileNames'>): Promise<ReadonlySet<number>> {
  return new Set(
    (await log.fileNames()).flatMap((name) => {
      const match = /^([0-9A-F]{8})\.given-up$/.exec(name);
      return match ? [Number.parseInt(match[1] as string, 16)] : [];
    }),
  );
}

export interface GivenUpTimeline {
  readonly timeline: number;
  /** Its history file, as its server has it: another timeline of the same number is not touched. */
  readonly history: string;
  /** Who took it back, for whoever looks. The same for every repository: marks are compared when they are copied. */
  readonly by: string;
}

/**
 * Marks it, and every timeline of the log that began on it. Returns those that are marked, by number: none where the repository knows
 * nothing of it, but for `isLate`: then it may still come to know it. May be called again. Errors: those of the repository.
 */
export async function giveUpTimeline(
  { repository, source }: { readonly repository: Repository; readonly source: string },
  given: GivenUpTimeline,
  isLate = false,
): Promise<readonly number[]> {
  const { timeline, history, by } = given;
  const log = repository.log(source);
  const name = historyFileName(timeline);
  const known = await log.readFile(name);
  if (known === undefined) {
    if (!isLate && !(await hasBackup(repository, source, given))) return [];
    // From then on no promotion of this cluster takes the number again.
    await log.appendFile(name, Buffer.from(history));
  } else if (Buffer.from(known).toString() !== history) return [];
  const left = [timeline, ...(await timelinesFrom(log, timeline))];
  const before = await givenUpTimelines(log);
  for (const each of left) {
    if (before.has(each)) continue;
    const mark = { format: 1, timeline: each, by };
    await log.appendFile(`${timelineStream(each)}.given-up`, Buffer.from(JSON.stringify(mark)));
  }
  return left;
}

/** A backup on it, not on another timeline of the same number. */
async function hasBackup(
  repository: Repository,
  source: string,
  { timeline, history }: GivenUpTimeline,
): Promise<boolean> {
  const path = `/data/pg_wal/${historyFileName(timeline)}`;
  for (const { snapshot, info } of await listPostgresSnapshots(
    repository,
    source,
    silentProgress,
  )) {
    if (info.timeline !== timeline) continue;
    const stored = await readStoredFile(repository, snapshot, path);
    if (stored && Buffer.from(stored).toString() === history) return true;
  }
  return false;
}

/** Those whose history goes through it. */
async function timelinesFrom(log: Log, timeline: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await log.fileNames()) {
    const match = /^([0-9A-F]{8})\.history$/.exec(name);
    const bytes = match && (await log.readFile(name));
    if (!match || !bytes) continue;
    const history = parseTimelineHistory(Buffer.from(bytes).toString());
    if (history.some((each) => each.timeline === timeline)) {
      found.push(Number.parseInt(match[1] as string, 16));
    }
  }
  return found.toSorted((a, b) => a - b);
}
