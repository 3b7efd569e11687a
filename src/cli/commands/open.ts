import { once } from 'node:events';
import { ExitCode, isLifeboatError } from '../../core/index.ts';
import { openScratch, type RecoveryTarget, type ScratchServer } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { chooseBase, chooseTarget, targetOptions } from '../choose-target.ts';
import { type CommandContext, defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { GoBack, lookAround, pauseLines, pauseOption } from '../look-around.ts';
import { describeServer } from '../open-server.ts';
import { describeTarget } from '../target.ts';

export const open = defineCommand({
  description: `Starts a private server on a copy of the source as it was at a moment and prints how to
connect. It listens on a Unix socket only, has no archive, no subscriptions and no network,
and goes away with all its data on Ctrl-C. The server that runs now is not touched.

With --pause it stands at the moment, open for reading only: look, and say "next" for one transaction more,
"next 5m", "back 5m", "to 14:29:05", until it is the right one; "accept" opens it for writing.`,
  examples: [
    'open --at "2026-11-21 14:29 UTC"',
    'open --before-xid 784',
    'open --at 14:29 --pause',
    'open database --at "10 minutes ago" --json',
  ],
  arguments: [sourceArgument],
  options: { ...targetOptions, pause: pauseOption },
  async run({ arguments: [wanted], options }, context) {
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const { source, repository } = opened;
    const base = await chooseBase(options, repository);
    const lines = options.pause ? pauseLines(context) : undefined;
    const openAt = async (target: RecoveryTarget) =>
      await openScratch({
        ...(await source.recovery({ repository, target, signal })),
        ...base,
        ...(lines ? { look: lookAround({ context, source, target, lines, canGoBack: true }) } : {}),
        progress: output.progress,
      });
    await using scratch = await opening(
      openAt,
      await chooseTarget(options, opened, context),
      context,
    );
    if (!scratch) return ExitCode.ok;
    const { withoutNetwork, target } = scratch;
    const described = describeServer(scratch, source.settings.connection.database, false);
    const reached = formatLsn(scratch.reachedLsn);
    output.report(
      { type: 'open', source: source.name, ...described.record, reached, withoutNetwork },
      ({ green, bold, dim }) =>
        [
          `${green('✓')} ${source.name} as of ${options.pause ? 'where it stood' : describeTarget(target)} ${dim(`(replayed up to ${reached})`)}`,
          '',
          `    ${bold(described.psql)}`,
          `    ${described.url}`,
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

/** Opens copies until one is taken; undefined when the last one was given up by a word. */
async function opening(
  openAt: (target: RecoveryTarget) => Promise<ScratchServer>,
  first: RecoveryTarget,
  { signal }: CommandContext,
): Promise<(ScratchServer & { readonly target: RecoveryTarget }) | undefined> {
  for (let target = first; ; ) {
    try {
      return Object.assign(await openAt(target), { target });
    } catch (error) {
      if (error instanceof GoBack) target = error.target;
      else if (isLifeboatError(error, 'cancelled') && !signal.aborted) return undefined;
      else throw error;
    }
  }
}
