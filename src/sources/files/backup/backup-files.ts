import { lstatSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  cancelled,
  fileError,
  formatBytes,
  formatCount,
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
  sleep,
  throwIfAborted,
} from '../../../core/index.ts';
import {
  type BackupWriter,
  flaggedTag,
  incompleteTag,
  isCheckpoint,
  type NewSnapshot,
  nameBytes,
  type Repository,
  type SnapshotId,
} from '../../../repository/index.ts';
import { judgeBackup } from '../../anomaly/judge-backup.ts';
import type { BackupSummary } from '../../source.ts';
import {
  absolutePatterns,
  cacheMark,
  type LeftOutRules,
  type PresenceMark,
  storedRules,
} from '../left-out-rules.ts';
import { BackupMeter } from './backup-meter.ts';
import { shownPath } from './byte-path.ts';
import { Checkpoints } from './checkpoints.ts';
import { chooseParents } from './choose-parents.ts';
import type { Counts } from './counts.ts';
import type { EntryRules } from './entry-rules.ts';
import { figuresOf, formerFigures } from './former-figures.ts';
import { outermost } from './scan-tree.ts';
import { SteadyPaths } from './steady-paths.ts';
import { TreeCrew } from './tree-crew.ts';
import { untilAborted } from './until-aborted.ts';
import type { WantedNames } from './worker-messages.ts';

export interface BackupFilesOptions {
  readonly repository: Repository;
  /** The source's name in the configuration. */
  readonly source: string;
  /** Files and folders; relative ones are taken from the current folder. */
  readonly paths: readonly string[];
  /** Patterns as in a .gitignore; those that begin with `/` are paths of the machine. */
  readonly excludes?: readonly string[];
  /** Files with such patterns, one a line. */
  readonly excludeFiles?: readonly string[];
  /** Names of files whose presence excludes everything beside them. */
  readonly excludeIfPresent?: readonly PresenceMark[];
  /** Folders with a CACHEDIR.TAG are left out. */
  readonly excludeCaches?: boolean;
  readonly oneFileSystem?: boolean;
  /** The files are a copy that is made anew for each backup: one has changed when its content has. */
  readonly isCopy?: boolean;
  readonly excludeLargerThanBytes?: number | undefined;
  /** Stores times of access, which change with every reading. Default: not, as restic. */
  readonly withAtime?: boolean;
  readonly tags?: readonly string[];
  /** How content is cut: fast, or as restic does, to share chunks with it. Default: gear. */
  readonly chunker?: 'gear' | 'rabin' | undefined;
  /** How long to wait for a lock that another program holds. Default: not at all. */
  readonly lockWaitMs?: number | undefined;
  /** How often what is stored so far is kept for a next run, should this one be interrupted. Default 5 minutes. */
  readonly checkpointEveryMs?: number;
  /** Threads that read. Default: one per processor, between 2 and 8. */
  readonly readers?: number;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** Somebody is there to see the progress: a first backup counts what there is while it runs, so that it can say how much is left. */
  readonly isWatched?: boolean | undefined;
}

export interface FilesBackupSummary extends BackupSummary {
  readonly parent: SnapshotId | undefined;
  readonly counts: Counts;
}

/** How often a file is read again that changes meanwhile. */
const rereads = 3;
const checkpointEveryMs = 5 * 60_000;
/** How long a cancelled backup may take to keep what it has stored. */
const lastCheckpointMs = 60_000;
/** More are counted, not listed. */
const maxWarnings = 1000;
const task = 'files-backup';

/**
 * One snapshot of files and folders. What cannot be read is left out and told in `warnings`; a file that changes each time
 * it is read is stored and told as well. Errors: `file.unreadable` when nothing of what was asked for is there,
 * `repository.*`, `location.*`, `cancelled`.
 */
export async function backupFiles(options: BackupFilesOptions): Promise<FilesBackupSummary> {
  const { source, progress = silentProgress } = options;
  progress({ type: 'begin', task, title: `backup of ${source}` });
  let summary = 'failed';
  try {
    // Another program that locks at the very same moment undoes an early start: then all begins anew, in the usual order.
    const done =
      (await run(options, progress, { early: true })) ??
      ((await run(options, progress, { early: false })) as FilesBackupSummary);
    const files = done.filesTotal === 1 ? 'file' : 'files';
    summary = `${formatCount(done.filesTotal)} ${files}, ${formatBytes(done.bytesTotal)}, ${formatBytes(done.bytesStored)} stored`;
    return done;
  } catch (error) {
    if (isLifeboatError(error, 'cancelled')) summary = 'interrupted';
    throw error;
  } finally {
    progress({ type: 'end', task, summary });
  }
}

/** Undefined when an early start counts for nothing. */
async function run(
  options: BackupFilesOptions,
  progress: Progress,
  { early }: { readonly early: boolean },
): Promise<FilesBackupSummary | undefined> {
  const { repository, source, signal } = options;
  const begun = new Date();
  const paths = [...new Set(options.paths.map((path) => resolve(path)))].sort();
  requireAny(paths);
  const steady = new SteadyPaths(paths);
  const aborting = signal === undefined ? {} : { signal };
  const leftOut = leftOutRules(options);
  // A restore must know what is not in the snapshot by intention.
  const excludes = storedRules(leftOut);
  const rules = rulesOf(leftOut, options, paths);
  const warnings = new WarningList(progress);
  let isIncomplete = false;
  // Threads take a while to start: that goes on while the repository is locked and its index is read.
  await using crew = new TreeCrew({
    rules,
    workers: options.readers,
    readTree: (id) =>
      repository.readBlob('tree', id, signal).catch((error: unknown) => {
        if (!signal?.aborted) warnings.addOnce(formerTreeProblem(error));
        return undefined;
      }),
    onWarning: (path, problem, isStored) => {
      warnings.add(`${shownPath(path)}: ${problem}`);
      isIncomplete ||= !isStored;
    },
  });
  // Cancelling leaves time for a last checkpoint, which needs the writer.
  const hardStop = new AbortController();
  let isUnderWay = false;
  // One signal serves many backups, one after the other: those that are over hear nothing of it.
  const over = new AbortController();
  using listening = new DisposableStack();
  listening.defer(() => over.abort());
  const listenOnce = { once: true, signal: over.signal };
  signal?.addEventListener('abort', () => isUnderWay || hardStop.abort(signal.reason), listenOnce);
  await using writer = await repository.startBackup({
    progress,
    signal: hardStop.signal,
    early,
    ...(options.lockWaitMs === undefined ? {} : { lockWaitMs: options.lockWaitMs }),
  });
  // Under the lock: nobody removes what these name.
  const snapshots = await repository.snapshots({ ...aborting, progress });
  const parents = chooseParents(snapshots, paths);
  const whole = parents.find((each) => !isCheckpoint(each));
  throwIfAborted(signal);
  isUnderWay = true;
  crew.begin(writer);
  const snapshot = (): Omit<NewSnapshot, 'tree'> => ({
    time: begun,
    paths,
    tags: options.tags ?? [],
    ...(whole === undefined ? {} : { parent: whole.id }),
    ...(excludes.length > 0 ? { excludes } : {}),
    changes: crew.counts,
    filesTotal: crew.counts.filesTotal,
    bytesTotal: crew.counts.bytesTotal,
  });
  const everyMs = options.checkpointEveryMs ?? checkpointEveryMs;
  const checkpoints = new Checkpoints({
    crew,
    writer,
    everyMs,
    progress,
    signal: hardStop.signal,
    parents,
    snapshot,
  });
  using _meter = new BackupMeter({
    task,
    progress,
    counts: () => ({ ...crew.counts, bytesUnderWay: crew.bytesUnderWay }),
    formerBytes: whole?.summary?.bytesTotal,
    scan: options.isWatched
      ? { paths: outermost(paths).map((path) => nameBytes(path).toString('latin1')), rules }
      : undefined,
  });
  try {
    const wanted = paths.includes('/') ? undefined : wantedNames(paths);
    const saving = crew.save({ path: '', parents: parents.map(({ tree }) => tree), wanted });
    const tree = await untilAborted(Promise.race([saving, lost(writer)]), signal);
    if (tree === undefined) {
      throw new LifeboatError('file.unreadable', 'the root folder cannot be read');
    }
    await checkpoints.end();
    // All is read: an interruption leaves time to publish it.
    signal?.addEventListener(
      'abort',
      () => {
        progress({ type: 'note', message: 'interrupted: all is read, and is being published' });
        const timer = setTimeout(() => hardStop.abort(signal.reason), lastCheckpointMs);
        listening.defer(() => clearTimeout(timer));
      },
      listenOnce,
    );
    await crew.finish();
    for (const path of steady.changed()) {
      const problem = 'was removed or exchanged meanwhile, or is out of reach';
      warnings.add(`${path}: ${problem}; what was not reached is missing`);
      isIncomplete = true;
    }
    const { counts } = crew;
    const flagged = judgeBackup(
      figuresOf(counts, writer),
      formerFigures(snapshots, { ...options, paths }),
    );
    const { tags, ...rest } = snapshot();
    const marks = [
      ...(flagged.length > 0 ? [flaggedTag] : []),
      ...(isIncomplete ? [incompleteTag] : []),
    ];
    const id = await writer.publishSnapshot({ ...rest, tree, tags: [...tags, ...marks] });
    await checkpoints.removeAll();
    const { bytesNew, bytesStored } = writer.totals();
    return {
      source,
      snapshot: id,
      parent: whole?.id,
      counts,
      bytesTotal: counts.bytesTotal,
      bytesNew,
      bytesStored,
      filesTotal: counts.filesTotal,
      durationMs: Date.now() - begun.getTime(),
      warnings: [...writer.warnings, ...warnings.list()],
      ...(flagged.length > 0 ? { flagged } : {}),
    };
  } catch (error) {
    if (signal?.aborted) {
      const message = 'interrupted: keeping what is stored so far, for a minute at most';
      progress({ type: 'note', message });
      const timeIsUp = sleep(lastCheckpointMs, hardStop.signal).catch(() => {});
      await Promise.race([checkpoints.saveLast(), timeIsUp]);
      hardStop.abort(signal.reason);
      await checkpoints.end();
      throw interrupted(signal, checkpoints.describeKept());
    }
    const isLost = await writer.started.then(
      () => false,
      () => true,
    );
    if (early && isLost) return undefined;
    writer.throwIfFailed();
    throw error;
  } finally {
    hardStop.abort(signal?.reason);
    await checkpoints.end();
  }
}

function formerTreeProblem(error: unknown): string {
  const problem = error instanceof Error ? error.message : String(error);
  return `a folder of a former snapshot cannot be read: ${problem}; what is in it is read again. Run \`lifeboat check --read-data\`, and \`lifeboat repair packs\` for the packs it names`;
}

function interrupted(signal: AbortSignal, hint: string): LifeboatError {
  const { message, context } = cancelled(signal);
  return new LifeboatError('cancelled', message, { hint, context });
}

/** Settles only when an early start counts for nothing: what reads does not notice by itself. */
async function lost({ started }: BackupWriter): Promise<never> {
  await started;
  return await new Promise<never>(() => {});
}

function requireAny(paths: readonly string[]): void {
  if (paths.length === 0)
    throw new LifeboatError('file.unreadable', 'no path was given to back up');
  let problem: unknown;
  const isThere = (path: string) => {
    try {
      return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
      problem ??= error;
      return false;
    }
  };
  if (paths.some(isThere)) return;
  if (problem !== undefined) {
    throw fileError(problem, `nothing can be reached to back up: ${paths.join(', ')}`);
  }
  throw new LifeboatError('file.unreadable', `nothing is there to back up: ${paths.join(', ')}`, {
    hint: 'Check the paths; is a disk not mounted?',
  });
}

function leftOutRules(options: BackupFilesOptions): LeftOutRules {
  const listed = (options.excludeFiles ?? []).flatMap(readPatterns);
  return {
    patterns: [...listed, ...(options.excludes ?? [])],
    presenceMarks: [
      ...(options.excludeIfPresent ?? []),
      ...(options.excludeCaches ? [cacheMark] : []),
    ],
    maxFileBytes: options.excludeLargerThanBytes,
  };
}

function rulesOf(
  leftOut: LeftOutRules,
  options: BackupFilesOptions,
  paths: readonly string[],
): EntryRules {
  return {
    ...leftOut,
    patterns: absolutePatterns(leftOut.patterns, paths),
    oneFileSystem: options.oneFileSystem ?? false,
    isCopy: options.isCopy ?? false,
    withAtime: options.withAtime ?? false,
    rereads,
    rabinPolynomial: options.chunker === 'rabin' ? options.repository.chunkerPolynomial : undefined,
  };
}

function readPatterns(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch (error) {
    throw fileError(error, `could not read the patterns in ${file}`);
  }
}

function wantedNames(paths: readonly string[]): WantedNames {
  const root: { [name: string]: WantedNames } = {};
  for (const path of paths) {
    let at = root;
    const names = nameBytes(path)
      .toString('latin1')
      .split('/')
      .filter((name) => name !== '');
    for (const [number, name] of names.entries()) {
      const known = at[name];
      // A folder that is wanted whole needs no more names.
      if (known !== undefined && Object.keys(known).length === 0) break;
      const next = known ?? {};
      at[name] = next;
      at = next as { [name: string]: WantedNames };
      if (number === names.length - 1) for (const each of Object.keys(at)) delete at[each];
    }
  }
  return root;
}

class WarningList {
  readonly #progress: Progress;
  readonly #list: string[] = [];
  #more = 0;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  add(message: string): void {
    if (this.#list.length >= maxWarnings) {
      this.#more++;
      return;
    }
    this.#list.push(message);
    this.#progress({ type: 'warning', message });
  }

  /** Packs hold many trees, and each is asked for by several threads. */
  addOnce(message: string): void {
    if (!this.#list.includes(message)) this.add(message);
  }

  list(): readonly string[] {
    return this.#more === 0 ? this.#list : [...this.#list, `and ${this.#more} more`];
  }
}
