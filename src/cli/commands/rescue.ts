import { ExitCode, formatCount, formatDuration, LifeboatError } from '../../core/index.ts';
import { planRescue } from '../../recovery/index.ts';
import { formatLsn, parseLsn } from '../../wal/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { confirmTarget } from '../confirm.ts';
import { nextCommand } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import { describeRescuePlan, verdictText } from '../output/rescue-text.ts';
import { parseXid } from '../target.ts';

export const rescue = defineCommand({
  description: `Puts back the rows that a DELETE (with its cascades) or a TRUNCATE removed, and keeps everything
written since. A private server shows the state just before the transaction; missing rows are
inserted into the live server in one transaction, parents first, and compared before it is
committed. Counts are shown first, then the name of the database must be typed.
Exit code 3: rows that others stand in the way of were saved to files instead.`,
  examples: [
    'rescue --xid 784 --dry-run',
    'rescue --xid 784',
    'rescue database --before 0/16B3748 --yes shop --json',
  ],
  arguments: [sourceArgument],
  options: {
    xid: { flags: '--xid <xid>', description: 'the transaction, as find-loss names it' },
    before: { flags: '--before <lsn>', description: 'the same by the position of its commit' },
    dryRun: { flags: '--dry-run', description: 'only count; change nothing' },
    yes: { flags: '--yes <name>', description: 'name of the database, instead of typing it' },
  },
  async run({ arguments: [wanted], options }, context) {
    const selection = selectTransaction(options.xid, options.before);
    await using opened = await openConfiguredSource(context, wanted, 'rescue');
    const { output, signal } = context;
    const { source, repository } = opened;
    await using prepared = await planRescue({
      repository,
      source,
      selection,
      signal,
      progress: output.progress,
    });
    const { plan } = prepared;
    const next = nextCommand(context, opened);
    output.report({ type: 'rescue-plan', ...plan }, (style) => describeRescuePlan(plan, style));
    if (plan.rowsToPutBack === 0 && plan.references.every((each) => each.toPutBack === 0)) {
      output.say(({ green }) => green('There is nothing to put back.'));
      return plan.rowsInConflict > 0 ? ExitCode.partlyDone : ExitCode.ok;
    }
    if (options.dryRun) {
      output.say(
        ({ bold, dim }) =>
          `${dim('A dry run: nothing was changed.')}\n  next: ${bold(next('rescue', `--xid ${plan.xid}`))}`,
      );
      return ExitCode.ok;
    }
    await confirmTarget(context, { what: 'database', name: plan.database, yes: options.yes });
    const outcome = await prepared.run();
    output.report({ type: 'rescue', ...outcome }, ({ green, yellow, dim }) =>
      [
        `${green('✓')} ${countOf(outcome.rowsPutBack, 'row')} put back into ${outcome.database} in one transaction ${dim(`(${formatDuration(outcome.durationMs)})`)}`,
        ...outcome.references
          .filter((each) => each.putBack > 0)
          .map(
            (each) =>
              `  ${countOf(each.putBack, 'reference')} of ${each.table} point where they did`,
          ),
        ...outcome.warnings.map((each) => yellow(`  ${each}`)),
        ...outcome.conflicts.map((each) =>
          yellow(
            `  ${formatCount(each.rows)} rows of ${each.table} were not put back (${verdictText(each.reason)}): ${each.path}`,
          ),
        ),
        '  Rows written since were kept.',
        dim(`  next: ${next('backup', '')}    # a fresh base after the incident`),
      ].join('\n'),
    );
    return outcome.rowsInConflict === 0 ? ExitCode.ok : ExitCode.partlyDone;
  },
});

function selectTransaction(xid: string | undefined, before: string | undefined) {
  if ((xid === undefined) === (before === undefined)) {
    throw new LifeboatError('usage.invalid', 'which transaction is meant?', {
      hint: 'Give either --xid N or --before LSN, as `lifeboat find-loss` shows them.',
    });
  }
  if (xid !== undefined) return { xid: parseXid(xid) };
  return { commitLsn: formatLsn(parseLsn(before as string)) };
}
