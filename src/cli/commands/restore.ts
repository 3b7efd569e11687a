import { resolve } from 'node:path';
import { ExitCode, formatBytes, formatDuration, LifeboatError } from '../../core/index.ts';
import { findServerPrograms, restoreToMoment } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { chooseBase, chooseTarget, targetOptions } from '../choose-target.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { quoteArgument } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import { describeTarget } from '../target.ts';

export const restore = defineCommand({
  description: `Restores a source as it was at a moment into a new folder, beside whatever there is: a data
directory that stock PostgreSQL starts. The server that runs now is never touched. The folder
must be new or empty; one that could not be finished says so by not starting.`,
  examples: [
    'restore --to /srv/restored',
    'restore database --to /srv/restored --at "2026-11-21 14:29 UTC"',
    'restore --to /srv/restored --before-xid 784',
  ],
  arguments: [sourceArgument],
  options: {
    to: { flags: '--to <folder>', description: 'new or empty folder for the data directory' },
    ...targetOptions,
  },
  async run({ arguments: [wanted], options }, context) {
    if (options.to === undefined) {
      throw new LifeboatError('usage.invalid', 'no folder to restore to', {
        hint: 'Name a new one: --to FOLDER.',
      });
    }
    const folder = resolve(context.folder, options.to);
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const { source, repository } = opened;
    const target = await chooseTarget(options, opened, context);
    const begun = performance.now();
    const restored = await restoreToMoment({
      ...(await source.recovery({ repository, target, signal })),
      ...(await chooseBase(options.snapshot, repository)),
      folder,
      progress: output.progress,
    });
    const durationMs = Math.round(performance.now() - begun);
    // The pg_ctl of that major version, where it can be found: the first on PATH is often another one.
    const configuredFolder = source.settings.programsFolder;
    const programs = await findServerPrograms(
      Math.floor(restored.base.info.serverVersion / 10_000),
      configuredFolder ? { configuredFolder } : {},
    ).catch(() => undefined);
    const start = `${quoteArgument(programs?.pgCtl ?? 'pg_ctl')} -D ${quoteArgument(folder)} -o "-p 5433" start`;
    const { files, bytes, timeline, notes, account } = restored;
    const reached = formatLsn(restored.reachedLsn);
    const snapshot = restored.base.snapshot.id;
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
        notes,
        ...(account ? { account } : {}),
      },
      ({ green, dim }) =>
        [
          `${green('✓')} restored ${source.name} to ${folder}: ${describeTarget(target)}`,
          `  ${countOf(files, 'file')}, ${formatBytes(bytes)}, log replayed up to ${reached}, ${formatDuration(durationMs)}`,
          ...(account ? [`  the files belong to ${account}`] : []),
          ...notes.map((note) => dim(`  note: ${note}`)),
          `  next: ${account ? `runuser -u ${account} -- ` : ''}${start}    ${dim('# look at it beside the server that runs')}`,
        ].join('\n'),
    );
    return ExitCode.ok;
  },
});
