import { ExitCode, formatBytes, LifeboatError } from '../../core/index.ts';
import { findLoss, type LossReport, logOf, type RescueRecord } from '../../recovery/index.ts';
import type { Repository } from '../../repository/index.ts';
import type { PostgresSource } from '../../sources/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { parseMoment } from '../moment.ts';
import { nextCommand } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import type { Style } from '../output/style.ts';
import { describeSuspect } from '../output/suspect-text.ts';

export const findLossCommand = defineCommand({
  description: `Reads the stored log and lists the transactions that may have destroyed data (DELETE, TRUNCATE,
DROP, UPDATE of many rows), the worst first: transaction id, time, tables, rows, and the
position just before each. What was rolled back is not listed. Asks nothing of the server.`,
  examples: [
    'find-loss',
    'find-loss --since "2 hours ago" --until 14:30',
    'find-loss database --min-rows 1 --json',
  ],
  arguments: [sourceArgument],
  options: {
    since: { flags: '--since <moment>', description: 'only what was committed at or after it' },
    until: { flags: '--until <moment>', description: 'only what was committed at or before it' },
    minRows: {
      flags: '--min-rows <count>',
      description: 'report a DELETE from so many rows of a table on (default 100)',
    },
  },
  async run({ arguments: [wanted], options }, context) {
    const now = new Date();
    const since = options.since === undefined ? undefined : parseMoment(options.since, now);
    const until = options.until === undefined ? undefined : parseMoment(options.until, now);
    const minRows = options.minRows === undefined ? undefined : parseRows(options.minRows);
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const report = await findLoss({
      ...(await logOf(opened, { signal, progress: output.progress })),
      ...(since ? { since } : {}),
      ...(until ? { until } : {}),
      ...(minRows === undefined ? {} : { minRows }),
    });
    const next = nextCommand(context, opened);
    const rescues = await finishedRescues(opened);
    for (const suspect of report.suspects) {
      const rescued = rescues.get(suspect.commitLsn);
      output.report(
        { type: 'suspect', source: report.source, ...suspect, ...(rescued ? { rescued } : {}) },
        (style) => `${describeSuspect(suspect, rescued, next, style)}\n`,
      );
    }
    const { suspects, ...searched } = report;
    output.report({ type: 'find-loss', suspects: suspects.length, ...searched }, (style) =>
      summary(report, next, style),
    );
    return ExitCode.ok;
  },
});

function summary(
  report: LossReport,
  next: ReturnType<typeof nextCommand>,
  { bold, dim, yellow }: Style,
): string {
  const { suspects, searched, notSearched, transactions } = report;
  const bytes = searched.reduce((sum, span) => sum + span.bytes, 0);
  const spans = searched.map(({ fromLsn, toLsn }) => `${fromLsn} to ${toLsn}`).join(', ');
  const none =
    transactions === 0
      ? 'Nothing is known: the log that is here holds no transaction of that time.'
      : 'No transaction in the log looks as if it had destroyed data.';
  const head =
    suspects.length === 0 ? none : `${countOf(suspects.length, 'suspect')}, the worst first.`;
  const lines = [
    bold(head),
    dim(
      `  searched ${formatBytes(bytes)} of log, ${countOf(transactions, 'transaction')}: ${spans || 'nothing'}`,
    ),
    ...notSearched.map((each) => (suspects.length === 0 ? yellow : dim)(`  not searched: ${each}`)),
  ];
  if (suspects.length === 0 && transactions === 0) {
    lines.push(`  next: ${next('points', '')}    # from when to when there is a log`);
  } else if (suspects.length === 0) {
    lines.push(`  next: ${next('find-loss', '--min-rows 1')}    # small deletions too`);
  }
  return lines.join('\n');
}

/** When rescues that are done were done, by the commit of what they undid. */
async function finishedRescues({
  source,
  repository,
}: {
  readonly source: PostgresSource;
  readonly repository: Repository;
}): Promise<ReadonlyMap<string, Date>> {
  const records = await repository.records.list({ kind: 'rescue', source: source.name });
  return new Map(
    records.flatMap(({ time, body }) => {
      const { phase, plan, outcome } = body as RescueRecord;
      return phase === 'done' && outcome?.rowsInConflict === 0 ? [[plan.commitLsn, time]] : [];
    }),
  );
}

function parseRows(text: string): number {
  const rows = Number(text);
  if (/^\d{1,12}$/.test(text) && rows >= 1) return rows;
  throw new LifeboatError(
    'usage.invalid',
    `--min-rows: expected a number from 1 on, got ${JSON.stringify(text)}`,
    {
      hint: '1 reports every deleted row.',
    },
  );
}
