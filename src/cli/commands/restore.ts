import { resolve } from 'node:path';
import { holdsFiles, pickNamed } from '../../config/index.ts';
import { formatBytes, formatDuration, LifeboatError } from '../../core/index.ts';
import { restoreToMoment } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { chooseBase, chooseTarget, targetOptions } from '../choose-target.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { type CommandContext, defineCommand, sourceArgument } from '../command.ts';
import { loadConfigured, openConfiguredSource } from '../configured.ts';
import { lookAround, pauseLines, pauseOption } from '../look-around.ts';
import { countOf } from '../output/count.ts';
import { type RestoreFilesValues, restoreFilesOptions, runRestoreFiles } from '../restore-files.ts';
import { inPlaceOptions, runRestoreInPlace } from '../restore-in-place.ts';
import { archivingHint, behindBackupNotes, startCommand } from '../restored-cluster.ts';
import { parseTablespaces } from '../tablespace-option.ts';
import { describeTarget } from '../target.ts';
import { RestoredChecks, validateOption } from '../validate-option.ts';
import { volumeOfSource } from '../volume-target.ts';

export const restore = defineCommand({
  description: `PostgreSQL, with --to: restores a source as it was at a moment into a new folder, beside whatever
there is: a data directory that stock PostgreSQL starts. The server that runs now is never touched.
The folder must be new or empty; one that could not be finished says so by not starting.
Before it is handed over its data is checked, without changing anything: --validate full looks at every page,
row and index, none at nothing. What does not hold is named; the folder stays (exit code 3).
With --pause it stands at the moment, open for reading, and you go on until it is the right one.

PostgreSQL, with --to and --in-place: over the data directory of a stopped server on this host. Only files
and pages that differ are written. Its present state is kept first, in the repository or as --keep-old;
the plan is shown and the source's name asked for. Killed anywhere, the same command goes on.

Files and volumes of Docker, with --target or --in-place alone: restores files of a snapshot, also of one that
stock restic made. A volume is put back where its engine has it now; one that is gone is made anew.
What is there already and right is not written again; an existing file is replaced by another in one
step, after the plan was shown and the target's name typed out. Nothing outside of the target is ever
written. Whatever cannot be restored is named, the rest is restored (exit code 3). Run it again
after an interruption and it goes on.`,
  examples: [
    'restore --to /srv/restored',
    'restore database --to /srv/restored --at "2026-11-21 14:29 UTC"',
    'restore --to /srv/restored --name "before the release" --tablespace 16385=/srv/fast',
    'restore database --to /var/lib/postgresql/18/main --in-place --before-xid 784',
    'restore --to /srv/restored --before-xid 784',
    'restore --to /srv/restored --validate full',
    'restore documents --target /srv/restored',
    'restore --snapshot 4f2a91c0 --path /home/joe --include "*.odt" --target /tmp/joe',
    'restore documents --in-place --dry-run',
    'restore -r rest:https://backup.example.com/host/ --snapshot latest --target /mnt',
  ],
  arguments: [sourceArgument],
  options: {
    to: { flags: '--to <folder>', description: 'new or empty folder for the data directory' },
    ...targetOptions,
    ...inPlaceOptions,
    validate: validateOption,
    pause: pauseOption,
    repository: repositoryOption,
    ...restoreFilesOptions,
  },
  async run({ arguments: [wanted], options }, context) {
    if (options.inPlace && options.to !== undefined && options.target === undefined) {
      return await runRestoreInPlace(wanted, options, context);
    }
    if (options.target !== undefined || options.inPlace) {
      return await restoreFilesOf(wanted, options, context);
    }
    if (options.to === undefined) {
      throw new LifeboatError('usage.invalid', 'no folder to restore to', {
        hint: 'Name a new one: --to FOLDER for PostgreSQL, --target FOLDER for files.',
      });
    }
    const folder = resolve(context.folder, options.to);
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const { source, repository } = opened;
    const target = await chooseTarget(options, opened, context);
    const checks = new RestoredChecks(options.validate, opened, context);
    const begun = performance.now();
    const restored = await restoreToMoment({
      ...(await source.recovery({ repository, target, signal })),
      ...(await chooseBase(options, repository)),
      ...checks.options,
      folder,
      tablespaces: parseTablespaces(options.tablespace, context.folder),
      ...(options.pause
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
    });
    const durationMs = Math.round(performance.now() - begun);
    const { serverVersion } = restored.base.info;
    const start = await startCommand(source, serverVersion, restored, '-o "-p 5433" ');
    const { files, bytes, timeline, notes, account } = restored;
    const reached = formatLsn(restored.reachedLsn);
    const snapshot = restored.base.snapshot.id;
    const behind = behindBackupNotes(target, restored);
    output.report(
      {
        type: 'restore',
        source: source.name,
        folder,
        snapshot,
        reached,
        timeline,
        files,
        bytes,
        durationMs,
        notes: [...behind, ...notes],
        ...(account ? { account } : {}),
        ...checks.record,
      },
      (style) => {
        const { green, yellow, dim } = style;
        return [
          `${green('✓')} restored ${source.name} to ${folder}: ${options.pause ? 'where it stood' : describeTarget(target)}`,
          `  ${countOf(files, 'file')}, ${formatBytes(bytes)}, log replayed up to ${reached}, ${formatDuration(durationMs)}`,
          ...behind.map((note) => `  ${yellow('!')} ${note}`),
          ...(account ? [`  the files belong to ${account}`] : []),
          ...checks.lines(style),
          ...[...notes, archivingHint(folder)].map((note) => dim(`  note: ${note}`)),
          `  next: ${start}    ${dim('# look at it beside the server that runs')}`,
        ].join('\n');
      },
    );
    return checks.exitCode;
  },
});

async function restoreFilesOf(
  wanted: string | undefined,
  options: RestoreFilesValues & {
    readonly repository: string | undefined;
    readonly snapshot: string | undefined;
  },
  context: CommandContext,
): Promise<number> {
  const source = wanted ?? onlySource(context, options);
  const setting = source === undefined ? undefined : sourceSetting(context, source);
  const name = options.repository ?? setting?.repository;
  await using repository = await openChosenRepository(context, name);
  const { snapshot } = options;
  const volume = await volumeOfSource(context, source);
  return await runRestoreFiles(context, options, { repository, source, snapshot, volume });
}

/**
 * A source need not be named when there is only one. Without it `latest` would be the newest of the whole repository, which may be
 * another host's. Whoever names a snapshot or a place knows what is meant.
 */
function onlySource(
  context: CommandContext,
  options: { readonly repository: string | undefined; readonly snapshot: string | undefined },
): string | undefined {
  const isNamed = (options.repository ?? options.snapshot) !== undefined;
  if (isNamed || context.environment.LIFEBOAT_REPOSITORY !== undefined) return undefined;
  const [only, other] = Object.entries(loadConfigured(context).sources);
  return only && holdsFiles(only[1].kind) && other === undefined ? only[0] : undefined;
}

function sourceSetting(
  context: CommandContext,
  wanted: string,
): { readonly repository?: string | undefined } {
  const { sources } = loadConfigured(context);
  const [name, setting] = pickNamed('source', sources, wanted);
  if (holdsFiles(setting.kind)) return setting;
  throw new LifeboatError('usage.invalid', `${name} is no source of files`, {
    hint:
      setting.kind === 'postgres-dump'
        ? `Load it with \`lifeboat extract ${name} --database NAME --into URL\`.`
        : 'Restore it with --to FOLDER; with --in-place beside it, over the data directory there.',
  });
}
