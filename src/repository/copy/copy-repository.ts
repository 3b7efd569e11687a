import { isLifeboatError, LifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import { dependableIndex, listPacks } from '../index/dependable-index.ts';
import { loadIndex } from '../index/index-reader.ts';
import { type LockOptions, RepositoryLock } from '../lock/repository-lock.ts';
import { copyLogs } from '../log/copy-logs.ts';
import { copyRecords } from '../record/copy-records.ts';
import type { CopiedSnapshot, CopyOptions, CopyReport } from './copy.ts';
import type { CopySide } from './copy-side.ts';
import { CopyTally } from './copy-tally.ts';
import { selectSnapshots } from './select-snapshots.ts';
import { SnapshotCopier } from './snapshot-copier.ts';

/**
 * Brings everything of one repository to another: snapshots with their trees and blobs, logs, records. What is there already
 * is not copied again. Each kind of file is durable before the first that points to it. Killed at any moment, the destination is
 * sound, and the next copy goes on.
 */
export async function copyRepository(
  sides: { readonly from: CopySide; readonly to: CopySide },
  options: CopyOptions,
): Promise<CopyReport> {
  const { from, to } = sides;
  const { signal, progress = silentProgress, dryRun = false, select = () => true } = options;
  refuseImpossible(from, to);
  // Backups may go on beside a copy on both sides; a prune may not.
  const { lockWaitMs: waitMs } = options;
  const lockOptions = { exclusive: false, operation: 'copy', waitMs, signal, progress };
  await using _source = await lockSource(from, lockOptions);
  await using lock = await RepositoryLock.acquire(to.access, lockOptions);
  const tally = new CopyTally(progress);
  const onBad = (problem: string) => tally.problem(problem);
  const {
    chosen,
    present,
    known: there,
  } = await selectSnapshots({ from, to, select, onBad, signal });
  // After the snapshots were listed: the log that comes along reaches at least to the end of each.
  await copyBeside(sides, { dryRun, signal, progress, tally });
  const snapshots: CopiedSnapshot[] = [];
  if (chosen.length > 0) {
    const listing = listPacks(to.access, signal);
    const loaded = await loadIndex(to.access, undefined, signal);
    const { blobs: known, warnings } = await dependableIndex({
      access: to.access,
      loaded,
      listing,
      signal,
      progress,
    });
    for (const warning of warnings) tally.toldProblem(`the destination: ${warning}`);
    await using copier = new SnapshotCopier({
      from,
      to,
      lock,
      source: await loadIndex(from.access, undefined, signal),
      known,
      there,
      tally,
      dryRun,
      signal,
      progress,
    });
    snapshots.push(...(await copier.copy(chosen)));
    // What was written while the packs were on their way.
    if (!dryRun) await copyBeside(sides, { dryRun, signal, progress, tally });
  }
  return tally.report({ dryRun, snapshots, snapshotsPresent: present });
}

/** Undefined where nothing can be written, such as a disk mounted read-only: what is left of a repository must be copied too. */
async function lockSource(
  { access }: CopySide,
  options: LockOptions,
): Promise<RepositoryLock | undefined> {
  try {
    return await RepositoryLock.acquire(access, options);
  } catch (error) {
    if (!isLifeboatError(error, 'location.refused')) throw error;
    options.progress?.({
      type: 'warning',
      message: `the source cannot be locked, because it takes no file: ${error.message}`,
      hint: 'Nobody may prune it until the copy has ended.',
    });
    return undefined;
  }
}

/** Logs, then the records, which may speak of them. */
async function copyBeside(
  { from, to }: { readonly from: CopySide; readonly to: CopySide },
  options: {
    readonly dryRun: boolean;
    readonly signal: AbortSignal | undefined;
    readonly progress: Progress;
    readonly tally: CopyTally;
  },
): Promise<void> {
  const { dryRun, signal, progress, tally } = options;
  const task = 'copy logs';
  let done = 0;
  let total = 0;
  progress({ type: 'begin', task, title: 'copying logs and records' });
  const tell = () => progress({ type: 'progress', task, done, total, unit: 'segments' });
  await copyLogs({
    from: from.logs,
    to: to.logs,
    dryRun,
    signal,
    onPlanned: (items) => {
      total += items;
      tell();
    },
    onCopied: (bytes) => {
      done++;
      tally.logPart(bytes);
      tell();
    },
    onProblem: (problem) => tally.problem(problem),
  });
  const onProblem = (problem: string) => tally.problem(problem);
  tally.records(await copyRecords({ from: from.access, to: to.access, dryRun, signal, onProblem }));
  progress({ type: 'end', task });
}

function refuseImpossible(from: CopySide, to: CopySide): void {
  if (from.id === to.id) {
    throw new LifeboatError('usage.invalid', 'both names lead to the same repository', {
      hint: 'A copy protects only when it lies somewhere else.',
    });
  }
  if (to.access.version !== 2) {
    throw new LifeboatError('repository.unsupported', 'the destination has format version 1', {
      hint: 'It can be read. To write to it, run `restic migrate upgrade_repo_v2` first.',
    });
  }
}
