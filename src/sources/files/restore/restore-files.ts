import { closeSync, readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import {
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
} from '../../../core/index.ts';
import type { BlobId, Repository, Snapshot } from '../../../repository/index.ts';
import { AttributeWriter } from './attributes.ts';
import { bringToDisk } from './bring-to-disk.ts';
import { chooseEntry } from './choose-entry.ts';
import type { RestoreCounts } from './counts.ts';
import { leftOutSetup } from './left-out.ts';
import type { RestoreSetup } from './messages.ts';
import type { OverwritePolicy } from './overwrite.ts';
import { keepOwners, type OwnerMapping } from './owner-map.ts';
import { type AttributeProblem, Problems, type RestoreProblem } from './problems.ts';
import { RestoreRun } from './restore-run.ts';
import { assertOutsideRepository, assertRoom, openTarget, sparedFolder } from './target-folder.ts';
import { machineBases, wholeFolders } from './whole-folders.ts';

export interface RestoreFilesOptions {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  /** A folder of the snapshot whose contents go to the target, or one file; default: everything. */
  readonly path?: string | undefined;
  readonly target: string;
  /** The target becomes that folder, with its owner, mode, times. Default: it keeps its own. */
  readonly isFolderItself?: boolean | undefined;
  /** Patterns in gitignore's style over paths below what is restored. Without includes everything is. */
  readonly includes?: readonly string[] | undefined;
  readonly excludes?: readonly string[] | undefined;
  /** Default: if-changed. */
  readonly overwrite?: OverwritePolicy | undefined;
  /** Compares existing files by content instead of size and time. */
  readonly verifyExisting?: boolean | undefined;
  /** Reads every file back from the disk. */
  readonly verify?: boolean | undefined;
  /** Deletes what the snapshot lacks, within what is selected. */
  readonly deleteExtra?: boolean | undefined;
  /** With that, also what the backup would have left out: that it is not in the snapshot says nothing about it. */
  readonly deleteLeftOut?: boolean | undefined;
  readonly owners?: OwnerMapping | undefined;
  /** Runs of zeros become holes. Default: true. */
  readonly sparse?: boolean | undefined;
  readonly ignoreSpace?: boolean | undefined;
  /** Waits until all of it is on the disk, so that a loss of power right after takes nothing. Default: true. */
  readonly sync?: boolean | undefined;
  /**
   * The target is where the files were: what leads to them is how this machine is set up. Links on the way (`/home` to another disk) are
   * neither replaced nor followed, and folders on the way that exist keep their attributes.
   */
  readonly isInPlace?: boolean | undefined;
  /** Only looks and counts. */
  readonly isPlan?: boolean | undefined;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoreFilesResult {
  readonly snapshot: Snapshot;
  readonly target: string;
  readonly counts: RestoreCounts;
  /** Entries that are not as they should be; all others are. The first thousand. */
  readonly problems: readonly RestoreProblem[];
  readonly problemsTotal: number;
  /** What could not be set, mostly for want of rights. Contents are whole. */
  readonly attributeProblems: readonly AttributeProblem[];
  /** A loss of power takes nothing of it. */
  readonly isOnDisk: boolean;
}

/**
 * Puts files of a snapshot into a folder, and nothing outside of it: neither names in the snapshot nor symbolic links in the
 * target, whenever they appear, lead anywhere else. What is there already and right is not written again, so a run
 * that was cut short is continued by running it again. An existing file is replaced by another in one step. Whatever
 * cannot be restored is named, the rest is restored. Errors: `disk.full`, `target.unsafe`, `usage.invalid`, `location.*`.
 */
export async function restoreFiles(options: RestoreFilesOptions): Promise<RestoreFilesResult> {
  const { repository, snapshot, isPlan = false, signal, progress = silentProgress } = options;
  assertPossible();
  const target = resolve(options.target);
  assertOutsideRepository(target, repository.location);
  const entry = await chooseEntry(repository, snapshot, options.path);
  const includes = entry.only === undefined ? (options.includes ?? []) : [entry.only];
  const excludes = options.excludes ?? [];
  const isFiltered = includes.length > 0 || excludes.length > 0;
  const totalBytes = entry.isWhole && !isFiltered ? snapshot.summary?.bytesTotal : undefined;
  const opened = openTarget(target, isPlan);
  try {
    const checksRoom = !isPlan && opened.isEmpty && !options.ignoreSpace;
    if (checksRoom && totalBytes !== undefined) assertRoom(target, totalBytes);
    const whole =
      options.deleteExtra || options.isInPlace
        ? await wholeFolders(repository, snapshot, options.path)
        : [];
    const setup: RestoreSetup = {
      isPlan,
      targetFd: opened.fd,
      overwrite: options.overwrite ?? 'if-changed',
      verifyExisting: options.verifyExisting ?? false,
      verifyWritten: options.verify ?? false,
      deleteWithin: options.deleteExtra ? whole : [],
      wayStaysOutside: options.isInPlace ? whole : undefined,
      leftOut:
        options.deleteExtra && !options.deleteLeftOut
          ? leftOutSetup(snapshot, await machineBases(repository, snapshot, entry.folder))
          : undefined,
      sparse: options.sparse ?? true,
      includes,
      excludes,
      owners: options.owners ?? keepOwners,
      account: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, umask: umask() },
      run: Date.now().toString(36),
      spared: sparedFolder(repository.location),
      maxOpenFolders: maxOpenFolders(),
    };
    const module = new URL(`./restore-reader${extname(import.meta.url)}`, import.meta.url);
    await using threads = await repository.startReaders({ module, setup, signal });
    const run = new RestoreRun({
      threads,
      tree: entry.tree as BlobId,
      title: isPlan ? 'comparing with the target' : 'restoring files',
      totalBytes,
      isTargetFresh: opened.fd === undefined,
      isTargetEmpty: opened.isEmpty,
      isWhole: includes.length === 0,
      progress,
      signal,
    });
    const { counts, ...found } = await run.run().catch((error) => {
      throw isLifeboatError(error) ? describeEnd(error) : error;
    });
    const problems = new Problems();
    problems.addAll(found.problems);
    if (options.isFolderItself && !isPlan && opened.fd !== undefined) {
      await finishTarget(opened.fd, options, setup, problems);
    }
    const isOnDisk = !isPlan && (options.sync ?? true);
    if (isOnDisk && opened.fd !== undefined) {
      await bringToDisk({ path: target, fd: opened.fd }, progress);
    }
    const { named, total, attributes } = problems.list();
    return {
      snapshot,
      target,
      counts,
      problems: named,
      problemsTotal: total,
      attributeProblems: attributes,
      isOnDisk,
    };
  } finally {
    if (opened.fd !== undefined) closeSync(opened.fd);
  }
}

/** Last: what is written into a folder changes its times. */
async function finishTarget(
  fd: number,
  { repository, snapshot, path = '' }: RestoreFilesOptions,
  setup: RestoreSetup,
  problems: Problems,
): Promise<void> {
  const node = await repository.findNode(snapshot.tree, path);
  if (node?.type !== 'dir') return;
  const folder = { fd, prefix: Buffer.from(`/proc/self/fd/${fd}/`) };
  new AttributeWriter(setup).finish(folder, Buffer.from('.'), node, '/', problems);
}

function assertPossible(): void {
  if (process.platform === 'linux') return;
  throw new LifeboatError('usage.invalid', 'files can be restored on Linux only', {
    hint: 'Use `lifeboat dump --archive tar`, or stock restic, which reads the same repository.',
  });
}

function umask(): number {
  // Reading it by process.umask() would change it for a moment.
  const line = /^Umask:\s*([0-7]+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number.parseInt(line?.[1] ?? '777', 8);
}

/** Each thread keeps some open, and opens some more for a batch. */
function maxOpenFolders(): number {
  const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return Math.max(8, Math.min(256, Math.floor(Number(line?.[1] ?? 256) / 16) - 32));
}

function describeEnd(error: LifeboatError): LifeboatError {
  if (error.code !== 'disk.full') return error;
  return new LifeboatError('disk.full', error.message, {
    hint: 'Make room and run the same command again: it goes on from there. Until then large files may be cut short; the others are whole or not there.',
    cause: error,
  });
}
