import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ExitCode, formatDuration, LifeboatError } from '../core/index.ts';
import {
  incompleteTag,
  isCheckpoint,
  type Repository,
  type Snapshot,
} from '../repository/index.ts';
import {
  type OverwritePolicy,
  overwritePolicies,
  parseOwnerMapping,
  type RestoreFilesOptions,
  type RestoreFilesResult,
  restoreFiles,
} from '../sources/index.ts';
import type { CommandContext, OptionValues } from './command.ts';
import { confirmTarget } from './confirm.ts';
import { chooseTarget } from './files-target.ts';
import { formatMoment } from './moment.ts';
import { countOf } from './output/count.ts';
import { describeCounts, describeLeftOut, describeProblems } from './output/restored-files-text.ts';
import { namedSnapshots } from './snapshot-options.ts';
import type { VolumeOfSource } from './volume-target.ts';

/** Options of `restore` that concern files. */
export const restoreFilesOptions = {
  target: { flags: '-t, --target <folder>', description: 'files: folder to restore into' },
  inPlace: {
    flags: '--in-place',
    description:
      'files: to where they were when they were backed up; PostgreSQL: over the data directory of --to',
  },
  path: {
    flags: '--path <path>',
    description: 'files: only this folder of the snapshot, or this file',
  },
  include: {
    flags: '--include <pattern>',
    description: 'files: only what matches, as in .gitignore; may be repeated',
    repeatable: true,
  },
  exclude: {
    flags: '--exclude <pattern>',
    description: 'files: not what matches, as in .gitignore; may be repeated',
    repeatable: true,
  },
  overwrite: {
    flags: '--overwrite <policy>',
    description: `files that exist: ${overwritePolicies.join(', ')}; default: if-changed`,
  },
  verifyExisting: {
    flags: '--verify-existing',
    description: 'files: compare existing ones by content, not by size and time',
  },
  delete: {
    flags: '--delete',
    description:
      'files: delete from the target what the snapshot lacks, but not what the backup leaves out by its excludes',
  },
  deleteExcluded: {
    flags: '--delete-excluded',
    description: 'files: with --delete, also what the backup leaves out by its excludes',
  },
  ownerMap: {
    flags: '--owner-map <from:to>',
    description: 'files: another owner, by number or name; "none" for whoever restores; repeatable',
    repeatable: true,
  },
  groupMap: {
    flags: '--group-map <from:to>',
    description: 'files: another group, as --owner-map; may be repeated',
    repeatable: true,
  },
  full: { flags: '--full', description: 'files: write runs of zeros instead of leaving holes' },
  verify: { flags: '--verify', description: 'files: read everything back from the disk' },
  ignoreSpace: { flags: '--ignore-space', description: 'files: begin although room may be short' },
  skipSync: {
    flags: '--skip-sync',
    description: 'files: do not wait until everything is on the disk',
  },
  dryRun: { flags: '-n, --dry-run', description: 'files, in place: only say what would be done' },
  yes: { flags: '--yes <name>', description: 'confirm changes of what exists in a script' },
} as const;

export type RestoreFilesValues = OptionValues<typeof restoreFilesOptions>;

/** Restores files by the options of the command line. Resolves with the exit code. */
export async function runRestoreFiles(
  context: CommandContext,
  values: RestoreFilesValues,
  chosen: {
    readonly repository: Repository;
    readonly source: string | undefined;
    readonly snapshot: string | undefined;
    /** What the source is, when it is one. */
    readonly volume?: VolumeOfSource | undefined;
  },
): Promise<number> {
  const { output, signal } = context;
  const { repository } = chosen;
  if (values.deleteExcluded && !values.delete) {
    throw new LifeboatError('usage.invalid', '--delete-excluded is given without --delete', {
      hint: 'Give both to delete what the snapshot lacks and what its excludes leave out.',
    });
  }
  const filter = chosen.source === undefined ? {} : { sources: [chosen.source] };
  const wanted = [chosen.snapshot ?? 'latest'];
  const [snapshot] = await namedSnapshots(repository, wanted, filter, context);
  judgeLacking(snapshot as Snapshot, values.delete ?? false, context);
  if (values.inPlace) judgeHost(snapshot as Snapshot, values, chosen.snapshot, context);
  const { volume } = chosen;
  const place = await chooseTarget(context, values, repository, snapshot as Snapshot, volume);
  const options: RestoreFilesOptions = {
    repository,
    snapshot: snapshot as Snapshot,
    target: place.target,
    path: place.path,
    isFolderItself: place.isFolderItself,
    includes: values.include,
    excludes: values.exclude,
    overwrite: overwriteOf(values.overwrite),
    verifyExisting: values.verifyExisting,
    verify: values.verify,
    isInPlace: values.inPlace,
    deleteExtra: values.delete,
    deleteLeftOut: values.deleteExcluded,
    owners: parseOwnerMapping(values.ownerMap ?? [], values.groupMap ?? []),
    sparse: !values.full,
    ignoreSpace: values.ignoreSpace,
    sync: !values.skipSync,
    progress: output.progress,
    signal,
  };
  const plan = (await needsPlan(values, options.target))
    ? await restoreFiles({ ...options, isPlan: true })
    : undefined;
  if (plan !== undefined) {
    reportPlan(context, plan);
    if (values.dryRun) return plan.problemsTotal > 0 ? ExitCode.partlyDone : ExitCode.ok;
    const { replacedFiles, replacedOthers, deletedEntries } = plan.counts;
    if (replacedFiles + replacedOthers + deletedEntries > 0 || values.inPlace) {
      const what = chosen.source === undefined ? 'target folder' : 'source';
      const name = chosen.source ?? options.target;
      await confirmTarget(context, { what, name, yes: values.yes });
    }
  }
  const begun = performance.now();
  const target = place.make === undefined ? options.target : await place.make();
  const result = await restoreFiles({ ...options, target });
  tellNothing(context, values, result);
  return reportResult(context, result, Math.round(performance.now() - begun));
}

/** What would be changed is shown before anything that exists is. An empty target needs none. */
async function needsPlan(values: RestoreFilesValues, target: string): Promise<boolean> {
  if (values.dryRun || values.inPlace) return true;
  return (await readdir(target).catch(() => [])).length > 0;
}

/** A pattern that means nothing is a mistake more often than not. */
function tellNothing(
  { output }: CommandContext,
  { include, exclude }: RestoreFilesValues,
  { counts, problemsTotal }: RestoreFilesResult,
): void {
  const { newFiles, replacedFiles, sameFiles, keptEntries, folders, otherEntries } = counts;
  const all = newFiles + replacedFiles + sameFiles + keptEntries + folders + otherEntries;
  if (all + problemsTotal > 0 || (include ?? exclude) === undefined) return;
  output.warn(
    'nothing in the snapshot is meant by --include and --exclude',
    'They are patterns over paths below what is restored. `lifeboat ls` shows what there is.',
  );
}

function overwriteOf(text: string | undefined): OverwritePolicy | undefined {
  if (text === undefined) return undefined;
  const policy = overwritePolicies.find((each) => each === text);
  if (policy !== undefined) return policy;
  throw new LifeboatError('usage.invalid', `${JSON.stringify(text)} is no overwrite policy`, {
    hint: `It is one of ${overwritePolicies.join(', ')}.`,
  });
}

function reportPlan({ output }: CommandContext, plan: RestoreFilesResult): void {
  const { counts, problems, problemsTotal, target, snapshot } = plan;
  const record = { snapshot: snapshot.id, target, ...counts, problems, problemsTotal };
  output.report({ type: 'restore-plan', ...record }, (style) => {
    const deleted = counts.deletedPaths.map((path) => style.yellow(`  delete ${path}`));
    const unnamed = counts.deletedEntries - counts.deletedPaths.length;
    if (unnamed > 0)
      deleted.push(style.yellow(`  and ${countOf(unnamed, 'more entry', 'more entries')}`));
    return [
      `a restore of ${describeSnapshot(snapshot)} to ${target} would write:`,
      ...describeCounts(counts),
      ...deleted,
      ...describeLeftOut(counts, style),
      ...describeProblems(plan, style),
    ].join('\n');
  });
}

/** Of when and of which host: `latest` of a repository that several hosts share may be another's. */
function describeSnapshot({ id, time, hostname, paths }: Snapshot): string {
  return `snapshot ${id.slice(0, 8)} of ${formatMoment(time)} (${hostname}:${paths.join(', ')})`;
}

/** What a backup had not reached or could not read is missing in its snapshot, which is no reason to delete it. */
function judgeLacking(snapshot: Snapshot, isDeleting: boolean, { output }: CommandContext) {
  const isPartial = isCheckpoint(snapshot);
  if (!isPartial && !snapshot.tags.includes(incompleteTag)) return;
  const why = isPartial
    ? 'is a checkpoint of an interrupted backup: files are missing in it'
    : 'lacks what could not be read when it was taken';
  const fact = `snapshot ${snapshot.id.slice(0, 8)} ${why}`;
  if (isDeleting) {
    throw new LifeboatError('usage.invalid', fact, {
      hint: 'With --delete all of that would be deleted here. Leave it out, or restore another snapshot.',
    });
  }
  output.warn(fact, '`lifeboat snapshots` shows which are checkpoints or incomplete.');
}

/** `latest` of a source whose name another host uses as well may be of that one. */
function judgeHost(
  snapshot: Snapshot,
  values: RestoreFilesValues,
  wanted: string | undefined,
  { output }: CommandContext,
): void {
  if (snapshot.hostname === hostname()) return;
  const fact = `snapshot ${snapshot.id.slice(0, 8)} was taken on the host ${snapshot.hostname}; this is ${hostname()}`;
  if (values.delete && wanted === undefined) {
    throw new LifeboatError('usage.invalid', fact, {
      hint: 'What this host has and that one lacks would be deleted. If this is meant, name the snapshot with --snapshot.',
    });
  }
  output.warn(fact, '`lifeboat snapshots` shows those of this host; --snapshot names one.');
}

function reportResult(
  { output }: CommandContext,
  result: RestoreFilesResult,
  durationMs: number,
): number {
  const { counts, problems, problemsTotal, attributeProblems, target, snapshot, isOnDisk } = result;
  const isWhole = problemsTotal === 0 && attributeProblems.length === 0;
  const { deletedPaths: _, leftOutPaths: __, ...numbers } = counts;
  output.report(
    {
      type: 'restored-files',
      snapshot: snapshot.id,
      target,
      ...numbers,
      problems,
      problemsTotal,
      attributeProblems,
      isOnDisk,
      durationMs,
    },
    (style) =>
      [
        `${isWhole ? style.green('✓') : style.yellow('!')} restored ${describeSnapshot(snapshot)} to ${target}, ${formatDuration(durationMs)}`,
        ...describeCounts(counts),
        isOnDisk
          ? '  on disk    all of it: a loss of power takes nothing'
          : style.dim('  on disk    in a while, when the system writes it: --skip-sync was given'),
        ...describeProblems(result, style),
      ].join('\n'),
  );
  return isWhole ? ExitCode.ok : ExitCode.partlyDone;
}
