import { once } from 'node:events';
import { ExitCode } from '../../core/index.ts';
import { openScratch } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { chooseBase, chooseTarget, targetOptions } from '../choose-target.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { describeTarget } from '../target.ts';

export const open = defineCommand({
  description: `Starts a private server on a copy of the source as it was at a moment and prints how to
connect. It listens on a Unix socket only, has no archive, no subscriptions and no network,
and goes away with all its data on Ctrl-C. The server that runs now is not touched.`,
  examples: [
    'open --at "2026-11-21 14:29 UTC"',
    'open --before-xid 784',
    'open database --at "10 minutes ago" --json',
  ],
  arguments: [sourceArgument],
  options: targetOptions,
  async run({ arguments: [wanted], options }, context) {
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const { source, repository } = opened;
    const target = await chooseTarget(options, opened, context);
    await using scratch = await openScratch({
      ...(await source.recovery({ repository, target, signal })),
      ...(await chooseBase(options, repository)),
      progress: output.progress,
    });
    const { socketFolder, port, user, withoutNetwork } = scratch;
    const database = source.settings.connection.database;
    const url = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(socketFolder)}`;
    const psql = `psql "host=${socketFolder} port=${port} user=${user} dbname=${database}"`;
    output.report(
      {
        type: 'open',
        source: source.name,
        url,
        socketFolder,
        port,
        user,
        database,
        reached: formatLsn(scratch.reachedLsn),
        withoutNetwork,
      },
      ({ green, bold, dim }) =>
        [
          `${green('✓')} ${source.name} as of ${describeTarget(target)} ${dim(`(replayed up to ${formatLsn(scratch.reachedLsn)})`)}`,
          '',
          `    ${bold(psql)}`,
          `    ${url}`,
          '',
          dim(
            '  A copy: what you change here changes nothing else. Ctrl-C stops it and removes it.',
          ),
        ].join('\n'),
    );
    if (!signal.aborted) await once(signal, 'abort');
    output.say(({ dim }) => dim('removing the copy'));
    return ExitCode.ok;
  },
});
