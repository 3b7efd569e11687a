import {
  flaggedTag,
  incompleteTag,
  type Repository,
  type Snapshot,
} from '../../../repository/index.ts';
import {
  type ComparedFile,
  type ComparedTotals,
  type CompareOptions,
  compareWithSnapshot,
  formerFigures,
  judgeBackup,
} from '../../../sources/index.ts';
import type { ChangedFiles, FilesFound } from './files-damage.ts';
import { commonEnding, signsOf } from './files-signs.ts';
import type { PartWork } from './part-runner.ts';
import { examineSample, type FilesSample, Sample } from './sample-files.ts';

const examples = 10;
/** Files that are read. */
const sampled = 64;
/** Of the time of the part, for comparing names and sizes. */
const comparedShare = 0.75;

/** What a snapshot is compared with when the newest one is flagged: it may hold the damage already. */
export function chooseSnapshot(snapshots: readonly Snapshot[]): Snapshot | undefined {
  const isWhole = ({ tags }: Snapshot) => !tags.includes(incompleteTag);
  const isSound = ({ tags }: Snapshot) => !tags.includes(flaggedTag);
  return (
    snapshots.find((each) => isWhole(each) && isSound(each)) ??
    snapshots.find(isSound) ??
    snapshots[0]
  );
}

/** Where the files are that a snapshot is of. */
export type LiveFiles = Pick<CompareOptions, 'paths' | 'moved' | 'oneFileSystem'>;

/** The files as they are, against a snapshot (newest first: those of the source). Reads a few of those that differ. */
export async function lookAtFiles(
  request: {
    /** Of the source. */
    readonly name: string;
    readonly live: LiveFiles;
    readonly repository: Repository;
    readonly snapshots: readonly Snapshot[];
    readonly snapshot: Snapshot;
  },
  part: PartWork,
): Promise<FilesFound> {
  const { name, live, repository, snapshot, snapshots } = request;
  const missing = new Changes();
  const changed = new Changes();
  const added = new Changes();
  const task = `compare ${name}`;
  part.progress({ type: 'begin', task, title: 'comparing files' });
  const total = snapshot.summary?.filesTotal;
  const totals = await compareWithSnapshot({
    repository,
    snapshot,
    ...live,
    untilMs: performance.now() + part.leftMs() * comparedShare,
    signal: part.signal,
    onFile: (file) => {
      if (file.kind === 'missing') missing.add(file, file.node?.sizeBytes ?? 0);
      else if (file.kind === 'added') added.add(file, file.bytes ?? 0);
      // Of files that were only touched, some are read: somebody may have set their times back.
      else if (file.kind === 'touched') changed.sample.show(file);
      else changed.add(file, file.bytes ?? 0);
    },
    onProgress: (done) =>
      part.progress({
        type: 'progress',
        task,
        done,
        unit: 'files',
        ...(total === undefined ? {} : { total }),
      }),
  }).finally(() => part.progress({ type: 'end', task }));
  tellGaps(totals, part);
  const ending = commonEnding(added.ends, added.files);
  const sample = await sampleOf({ repository, changed, missing, ending }, part);
  const reasons = judgeBackup(
    {
      filesTotal: totals.now.files,
      filesChanged: changed.files,
      bytesTotal: totals.now.bytes,
      bytesAdded: changed.bytes + added.bytes,
      // As much as is random among the few that were read does not compress.
      bytesAddedPacked: (changed.bytes + added.bytes) * (isScrambled(sample) ? 1 : 0.4),
      entriesGone: missing.files,
    },
    totals.isWhole ? formerFigures(snapshots, live) : [],
  );
  return {
    snapshot: { id: snapshot.id, time: snapshot.time.toISOString() },
    before: totals.before,
    now: totals.now,
    missingPaths: totals.missingPaths,
    missing: missing.told(),
    changed: changed.told(),
    added: added.told(),
    same: totals.same,
    sampled: sample,
    signs: signsOf({
      totals,
      missing: missing.files,
      changed: changed.files,
      added: added.files,
      sample,
      ending,
      reasons,
    }),
    isWhole: totals.isWhole,
  };
}

function isScrambled({ files, random, wereRandom }: FilesSample): boolean {
  return random - wereRandom > files / 2;
}

function tellGaps({ unreadable, isWhole }: ComparedTotals, { gaps }: PartWork): void {
  if (!isWhole) gaps.push('the rest of the files: the time was up');
  for (const [code, all] of Map.groupBy(unreadable, (each) => each.code)) {
    const more = all.length > 1 ? ` and ${all.length - 1} more` : '';
    gaps.push(`${all[0]?.path}${more}: ${code}`);
  }
}

/** Files with a new ending too: an encrypted copy stands where the original was. */
async function sampleOf(
  {
    repository,
    changed,
    missing,
    ending,
  }: {
    readonly repository: Repository;
    readonly changed: Changes;
    readonly missing: Changes;
    readonly ending: string | undefined;
  },
  part: PartWork,
): Promise<FilesSample> {
  const suffix = ending === undefined ? undefined : Buffer.from(ending).toString('latin1');
  const renamed =
    suffix === undefined
      ? []
      : missing.sample.kept.map((file) => ({ ...file, path: file.path + suffix }));
  const untilMs = performance.now() + part.leftMs() * 0.8;
  const files = [...changed.sample.kept, ...renamed];
  return await examineSample(files, { repository, untilMs, signal: part.signal });
}

/** Files that changed in one way: counted, some named, some kept to be read. */
class Changes {
  files = 0;
  bytes = 0;
  readonly sample = new Sample(sampled);
  /** How many end in what. */
  readonly ends = new Map<string, number>();
  readonly #examples: string[] = [];
  #newestMs = Number.NEGATIVE_INFINITY;

  add(file: ComparedFile, bytes: number): void {
    this.files++;
    this.bytes += bytes;
    this.sample.show(file);
    if (this.#examples.length < examples) this.#examples.push(file.shown);
    if (file.changedMs !== undefined) this.#newestMs = Math.max(this.#newestMs, file.changedMs);
    const end = /\.[^./]{1,20}$/.exec(file.shown)?.[0];
    if (end !== undefined && (this.ends.has(end) || this.ends.size < 1000)) {
      this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    }
  }

  told(): ChangedFiles {
    const isDate = Math.abs(this.#newestMs) < 8.64e15;
    return {
      files: this.files,
      bytes: this.bytes,
      examples: this.#examples,
      ...(isDate ? { newest: new Date(this.#newestMs).toISOString() } : {}),
    };
  }
}
