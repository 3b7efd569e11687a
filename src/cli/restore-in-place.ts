import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { ExitCode, formatBytes, formatDuration, LifeboatError } from '../core/index.ts';
import {
  type InPlacePlan,
  type Keeping,
  planInPlace,
  type RecoveryTarget,
  type RestoredInPlace,
  restoreInPlace,
} from '../sources/index.ts';
import { formatLsn } from '../wal/index.ts';
import { chooseBase, chooseTarget, type targetOptions } from './choose-target.ts';
import type { CommandContext, OptionValues } from './command.ts';
import { openConfiguredSource } from './configured.ts';
import { confirmTarget } from './confirm.ts';
import { lookAround, pauseLines } from './look-around.ts';
import { formatMoment } from './moment.ts';
import { countOf } from './output/count.ts';
import { archivingHint, behindBackupNotes, startCommand } from './restored-cluster.ts';
import { parseTablespaces, tablespaceOption } from './tablespace-option.ts';
import { describeTarget } from './target.ts';
import { RestoredChecks } from './validate-option.ts';

/** Options of `restore` that concern a data directory that exists. */
export const inPlaceOptions = {
  keepOld: {
    flags: '--keep-old <folder>',
    description:
      'PostgreSQL in place: rename the old data directory instead of the safety snapshot',
  },
  skipSafetySnapshot: {
    flags: '--skip-safety-snapshot',
    description: 'PostgreSQL in place: keep nothing of the present state',
  },
  allowOtherCluster: {
    flags: '--allow-other-cluster',
    description: 'PostgreSQL in place: also over a data directory of another cluster',
  },
  tablespace: tablespaceOption,
} as const;

type Values = OptionValues<typeof inPlaceOptions> &
  OptionValues<typeof targetOptions> & {
    readonly to: string | undefined;
    readonly yes: string | undefined;
    readonly dryRun: boolean | undefined;
    readonly pause: boolean | undefined;
    readonly validate: string | undefined;
  };

/** Restores a source over a data directory, after its name was typed out. Resolves with the exit code. */
export async function runRestoreInPlace(
  wanted: string | undefined,
  values: Values,
  context: CommandContext,
): Promise<number> {
  const folder = resolve(context.folder, values.to ?? '');
  await using opened = await openConfiguredSource(context, wanted);
  const { output, signal } = context;
  const { source, repository } = opened;
  const target = await chooseTarget(values, opened, context);
  const keep = keepingOf(values, context);
  const checks = new RestoredChecks(values.validate, opened, context);
  const options = {
    ...(await source.recovery({ repository, target, signal })),
    ...(await chooseBase(values, repository)),
    ...checks.options,
    folder,
    keep,
    allowOtherCluster: values.allowOtherCluster ?? false,
    tablespaces: parseTablespaces(values.tablespace, context.folder),
    ...(values.pause
      ? {
          look: lookAround({
            context,
            source,
            target,
            lines: pauseLines(context),
            canGoBack: false,
          }),
        }
      : {}),
    progress: output.progress,
  };
  const plan = await planInPlace(options);
  reportPlan(context, source.name, plan, target, keep);
  if (values.dryRun) return ExitCode.ok;
  await confirmTarget(context, { what: 'source', name: source.name, yes: values.yes });
  const begun = performance.now();
  const restored = await restoreInPlace(options);
  const { serverVersion } = restored.base.info;
  const start = await startCommand(source, serverVersion, restored, '');
  reportRestored(context, source.name, restored, target, {
    durationMs: Math.round(performance.now() - begun),
    start,
    checks,
  });
  return checks.exitCode;
}

function keepingOf(values: Values, { folder }: CommandContext): Keeping {
  const { keepOld, skipSafetySnapshot } = values;
  if (keepOld !== undefined && skipSafetySnapshot) {
    throw new LifeboatError(
      'usage.invalid',
      '--keep-old and --skip-safety-snapshot exclude each other',
      {
        hint: 'Give only one of them.',
      },
    );
  }
  if (keepOld !== undefined) return { kind: 'folder', folder: resolve(folder, keepOld) };
  return skipSafetySnapshot ? { kind: 'nothing' } : { kind: 'snapshot' };
}

function reportPlan(
  { output }: CommandContext,
  source: string,
  { cluster, recovery, linked, begunFor }: InPlacePlan,
  target: RecoveryTarget,
  keep: Keeping,
): void {
  const { folder, unfinished } = cluster;
  const { snapshot, info } = recovery.backup;
  const record = {
    type: 'restore-plan',
    source,
    host: hostname(),
    folder,
    linked,
    snapshot: snapshot.id,
    timeline: recovery.timeline,
    keep: unfinished ? 'kept before' : keep.kind,
    goesOn: unfinished !== undefined,
    ...(begunFor === undefined ? {} : { begunFor }),
  };
  output.report(record, ({ bold, yellow, dim }) =>
    [
      `a restore of ${bold(source)} in place, on ${bold(hostname())}:`,
      `  over     ${folder}`,
      ...linked.map((each) => `           ${each}, where a link leads`),
      `  to       ${describeTarget(target)}`,
      ...(begunFor === undefined
        ? []
        : [yellow(`  it was begun for another moment: ${begunFor} goes on to that one`)]),
      `  from     snapshot ${snapshot.id.slice(0, 8)} of ${formatMoment(new Date(info.stopTime))}, and the log along timeline ${recovery.timeline}`,
      unfinished
        ? `  keeps    ${unfinished.kept ?? 'nothing'}: it goes on with what was begun at ${formatMoment(new Date(unfinished.begun))}`
        : `  keeps    ${describeKeeping(keep)}`,
      ...(keep.kind === 'nothing' && !unfinished
        ? [yellow('  what is there now and not in the repository is lost')]
        : []),
      dim('  until it is done, the folder does not start as a server'),
    ].join('\n'),
  );
}

function describeKeeping(keep: Keeping): string {
  if (keep.kind === 'folder') return `the present data directory as ${keep.folder}`;
  if (keep.kind === 'nothing') return 'nothing of the present state';
  return 'the present state as a snapshot of files in the repository';
}

function reportRestored(
  { output }: CommandContext,
  source: string,
  restored: RestoredInPlace,
  target: RecoveryTarget,
  {
    durationMs,
    start,
    checks,
  }: { readonly durationMs: number; readonly start: string; readonly checks: RestoredChecks },
): void {
  const { folder, files, bytes, sameFiles, newFiles, removedEntries, writtenBytes } = restored;
  const { kept, timeline, notes, account } = restored;
  const reached = formatLsn(restored.reachedLsn);
  const behind = behindBackupNotes(target, restored);
  const record = {
    type: 'restore',
    source,
    folder,
    snapshot: restored.base.snapshot.id,
    reached,
    timeline,
    files,
    bytes,
    sameFiles,
    newFiles,
    removedEntries,
    writtenBytes,
    durationMs,
    notes: [...behind, ...notes],
    account,
    ...(kept === undefined ? {} : { kept }),
    ...checks.record,
  };
  output.report(record, (style) => {
    const { green, yellow, dim } = style;
    return [
      `${green('✓')} restored ${source} in ${folder}: ${describeTarget(target)}`,
      `  ${countOf(files, 'file')}, ${formatBytes(bytes)}: ${sameFiles} were right, ${newFiles} were missing, ${countOf(removedEntries, 'entry', 'entries')} removed, ${formatBytes(writtenBytes)} written`,
      `  log replayed up to ${reached}, ${formatDuration(durationMs)}`,
      ...behind.map((note) => `  ${yellow('!')} ${note}`),
      ...(kept === undefined ? [] : [`  the state before: ${describeKept(kept)}`]),
      ...checks.lines(style),
      ...[...notes, archivingHint(folder)].map((note) => dim(`  note: ${note}`)),
      `  next: ${start}`,
    ].join('\n');
  });
}

function describeKept(kept: string): string {
  if (kept.startsWith('/')) return kept;
  return `snapshot ${kept.slice(0, 8)}; lifeboat restore --snapshot ${kept.slice(0, 8)} --target FOLDER brings it back`;
}
