import type { Configuration } from '../../config/index.ts';
import {
  ExitCode,
  formatBytes,
  formatDuration,
  isLifeboatError,
  LifeboatError,
  type Progress,
} from '../../core/index.ts';
import { createPlatforms } from '../../platforms/index.ts';
import { recordServiceBaselines } from '../../recovery/index.ts';
import {
  type AnySource,
  type BackupSummary,
  describeDrift,
  type Source,
} from '../../sources/index.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import {
  loadConfigured,
  type OpenedSource,
  openAnySource,
  otherRepositories,
} from '../configured.ts';
import { keepConfiguration } from '../keep-configuration.ts';
import { formatMoment } from '../moment.ts';
import { nextCommand, programName } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import { printable } from '../output/printable.ts';
import type { Style } from '../output/style.ts';
import { lockWait, waitOption } from '../quantity-options.ts';

export const backup = defineCommand({
  description: `Stores a snapshot of a source, of several, or of all. PostgreSQL: a base backup over the
replication protocol, a complete data directory that stock restic restores and stock PostgreSQL
starts, page checksums verified on the way. Files, and volumes of Docker: every kind of entry with all its attributes;
what did not change since the last backup is not read again. Only what is new takes room. Exit
code 3: a snapshot is stored, but something about it must be known, or one of several failed.`,
  examples: ['backup', 'backup database uploads', 'backup --all --wait 30m --json'],
  arguments: [
    {
      name: '[sources...]',
      description: 'names of sources; may be left out when there is only one',
    },
  ],
  options: {
    all: { flags: '--all', description: 'every source of the configuration' },
    wait: waitOption,
  },
  async run({ arguments: given, options }, context) {
    const configuration = loadConfigured(context);
    const names = chosenNames(
      configuration,
      given.filter((each) => each !== undefined),
      options.all,
    );
    let worst: number = ExitCode.ok;
    let stored = 0;
    for (const name of names) {
      try {
        const isWhole = await backupOne(context, name, lockWait(options.wait));
        stored++;
        if (!isWhole) worst = ExitCode.partlyDone;
      } catch (error) {
        // The others are backed up all the same.
        const isTheEnd = names.length === 1 || isLifeboatError(error, 'cancelled', 'bug');
        if (isTheEnd || !isLifeboatError(error)) throw error;
        const { code, message, hint } = error;
        const record = { type: 'backup-failed', source: name, code, message, hint };
        context.output.report(record, (style) => describeFailure(name as string, error, style));
        worst = ExitCode.partlyDone;
      }
    }
    if (stored === 0) return ExitCode.failed;
    await keepConfiguration(context, configuration);
    return worst;
  },
});

/** Undefined stands for the only one there is. */
function chosenNames(
  { sources }: Configuration,
  given: readonly string[],
  all: boolean | undefined,
): readonly (string | undefined)[] {
  if (!all) return given.length === 0 ? [undefined] : [...new Set(given)];
  if (given.length > 0) {
    throw new LifeboatError('usage.invalid', 'sources are named, and --all is given', {
      hint: 'Give one of the two.',
    });
  }
  const names = Object.keys(sources);
  return names.length === 0 ? [undefined] : names;
}

/** False when something about the snapshot must be known. */
async function backupOne(
  context: CommandContext,
  name: string | undefined,
  waiting: { readonly lockWaitMs?: number },
): Promise<boolean> {
  await using opened = await openAnySource(context, name);
  const { output, signal } = context;
  const { source, repository } = opened;
  const told = new Set<string>();
  const progress: Progress = (event) => {
    if (event.type === 'warning') told.add(event.message);
    output.progress(event);
  };
  await using others = new AsyncDisposableStack();
  const alsoTo = otherRepositories(context, opened.configuration, source.name, others);
  const summary = await source.backup({
    repository,
    ...(alsoTo.length > 0 ? { alsoTo } : {}),
    signal,
    progress,
    isWatched: output.isWatched,
    ...waiting,
  });
  // Some sources tell at once, some in the end.
  for (const message of summary.warnings) if (!told.has(message)) output.warn(message);
  for (const reason of summary.flagged ?? [])
    output.warn(`flagged: ${reason}`, flaggedHint(summary));
  const next = nextCommand(context, opened);
  for (const each of summary.drift ?? []) {
    output.warn(
      `${printable(describeDrift(each, formatMoment))}; nobody announced it`,
      `What looks like a loss: \`${next('baseline', '')}\` names the commands that answer it.`,
    );
  }
  output.report({ type: 'backup', kind: source.kind, ...summary }, (style) =>
    describeBackup(context, opened, summary, style),
  );
  const platforms = createPlatforms({ environment: context.environment });
  const about = { configuration: opened.configuration, platforms, repository, source: source.name };
  const { snapshot } = summary;
  await recordServiceBaselines({ ...about, snapshot, signal, progress: output.progress });
  if (source.kind === 'postgres' || opened.configuration.services.length > 0) {
    const { measureAfterBackup } = await import('../measure-after-backup.ts');
    await measureAfterBackup(context, { ...about, snapshot }, source);
  }
  // The backup is stored; a server that does not answer this question does not change that.
  const unstreamed = await (source as Source).log?.streamWarning(signal).catch(() => undefined);
  if (unstreamed) {
    output.warn(unstreamed, `Run \`${programName(context.environment)} serve\`, always.`);
  }
  return summary.warnings.length === 0;
}

function flaggedHint({ snapshot }: BackupSummary): string {
  return `The snapshot is stored. Until one that is not flagged is newer, \`forget\` keeps all that are not. If the change was meant: \`lifeboat tag ${snapshot.slice(0, 8)} --remove lifeboat:flagged\`.`;
}

function describeBackup(
  context: CommandContext,
  opened: OpenedSource<AnySource>,
  summary: BackupSummary,
  { green, yellow, dim }: Style,
): string {
  const { snapshot, source, bytesTotal, filesTotal, durationMs, bytesNew, bytesStored, warnings } =
    summary;
  const { elsewhere = [] } = summary;
  return [
    `${green('✓')} snapshot ${snapshot.slice(0, 8)} of ${source}: ${formatBytes(bytesTotal)} in ${countOf(filesTotal, 'file')}, ${formatDuration(durationMs)}`,
    dim(`  new ${formatBytes(bytesNew)}, stored ${formatBytes(bytesStored)}`),
    ...elsewhere.flatMap((each) =>
      'snapshot' in each
        ? [dim(`  also in ${each.repository}: snapshot ${each.snapshot.slice(0, 8)}`)]
        : [],
    ),
    ...(warnings.length > 0
      ? [yellow(`  stored, but with ${countOf(warnings.length, 'warning')}`)]
      : []),
    dim(`  next: ${nextCommand(context, opened)('points', '')}    # what can be restored`),
  ].join('\n');
}

function describeFailure(name: string, error: LifeboatError, { red, dim }: Style): string {
  const line = `${red('✗')} ${name}: ${error.message} ${dim(`[${error.code}]`)}`;
  return error.hint === undefined ? line : `${line}\n    ${error.hint}`;
}
