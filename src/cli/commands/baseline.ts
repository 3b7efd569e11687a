import { ExitCode, formatBytes, formatCount, formatDuration } from '../../core/index.ts';
import {
  type BaselineRecord,
  type BaselineTable,
  listBaselines,
  matchesTable,
  outstandingDrift,
} from '../../sources/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { formatMoment } from '../moment.ts';
import { nextCommand } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import { describeDriftLines } from '../output/drift-text.ts';
import { printable } from '../output/printable.ts';
import type { Style } from '../output/style.ts';
import { textTable } from '../output/text-table.ts';

const dayMs = 86_400_000;
const shortestHours = 5 / 60;

export const baseline = defineCommand({
  description: `Shows how much is in every table: rows, size, the newest value of its timestamp column and the rows
deleted in an hour, as the last baseline has them, and how the rows changed within the day before.
A baseline is recorded at every backup, and by \`serve\` every 15 minutes. Below that, what
looks like a loss and nobody has announced. Asks nothing of the server.`,
  examples: ['baseline', 'baseline database --table "orders*"', 'baseline --json'],
  arguments: [sourceArgument],
  options: {
    table: {
      flags: '--table <name>',
      description: 'only these: orders, public.orders, "shop.*.*"',
    },
  },
  async run({ arguments: [wanted], options }, context) {
    await using opened = await openConfiguredSource(context, wanted, 'look');
    const { output } = context;
    const { source, repository } = opened;
    const all = (await listBaselines(repository, source.name, output.progress)).map(
      (each) => each.baseline,
    );
    const now = all.at(-1);
    const next = nextCommand(context, opened);
    if (now === undefined) {
      output.report({ type: 'baseline', source: source.name, tables: 0 }, ({ yellow }) =>
        [
          yellow(`There is no baseline of ${source.name} yet.`),
          `  next: ${next('backup', '')}    # or \`serve\`, which records one at once`,
        ].join('\n'),
      );
      return ExitCode.ok;
    }
    const before = earlier(all, now);
    const rows = tableRows(now, before, options.table);
    const drift = await outstandingDrift(repository, source.name);
    for (const row of rows) output.report({ type: 'baseline-table', source: source.name, ...row });
    for (const each of drift) output.report({ type: 'drift', source: source.name, ...each });
    const { time, lsn, reason, unread = [] } = now;
    const about = { source: source.name, time, lsn, reason, unread, tables: rows.length };
    output.report(
      { type: 'baseline', ...about, comparedWith: before?.time, drift: drift.length },
      (style) =>
        [
          `${style.bold(source.name)} at ${formatMoment(new Date(time))} ${style.dim(`(${reason}${before ? `; changes since ${formatMoment(new Date(before.time))}` : ''})`)}`,
          rows.length === 0 ? style.dim('  no tables') : describeTables(rows, style),
          ...unread.map((each) =>
            style.yellow(`  ! database ${printable(each)} could not be read`),
          ),
          ...describeDriftLines(drift, next, style),
        ].join('\n'),
    );
    return ExitCode.ok;
  },
});

interface TableRow extends Omit<BaselineTable, 'filenode' | 'tablespace'> {
  readonly database: string;
  /** Rows more than at the baseline compared with; absent where one of them is not exact. */
  readonly change?: number;
  /** Absent where the two lie too close together to speak of a rate. */
  readonly deletedPerHour?: number;
}

/** The oldest of the day before, or the last one. */
function earlier(all: readonly BaselineRecord[], now: BaselineRecord): BaselineRecord | undefined {
  const former = all.filter((each) => each !== now && each.systemId === now.systemId);
  const sinceMs = Date.parse(now.time) - dayMs;
  return former.find(({ time }) => Date.parse(time) >= sinceMs) ?? former.at(-1);
}

function tableRows(
  now: BaselineRecord,
  before: BaselineRecord | undefined,
  pattern: string | undefined,
): readonly TableRow[] {
  const hours = before ? (Date.parse(now.time) - Date.parse(before.time)) / 3_600_000 : 0;
  return now.databases.flatMap((database) => {
    const former = before?.databases.find(({ oid }) => oid === database.oid);
    return database.tables.flatMap((each): TableRow[] => {
      const where = { database: database.name, schema: each.schema, table: each.name };
      if (pattern !== undefined && !matchesTable(pattern, where)) return [];
      const old = former?.tables.find(({ oid }) => oid === each.oid);
      const deleted = (each.deletedRows ?? 0) - (old?.deletedRows ?? 0);
      const { filenode: _, tablespace: __, ...rest } = each;
      return [
        {
          database: database.name,
          ...rest,
          ...(each.rowsExact && old?.rowsExact
            ? { change: (each.rows ?? 0) - (old.rows ?? 0) }
            : {}),
          ...(old && hours >= shortestHours && deleted >= 0
            ? { deletedPerHour: Math.round(deleted / hours) }
            : {}),
        },
      ];
    });
  });
}

function describeTables(rows: readonly TableRow[], style: Style): string {
  const columns = [
    { title: 'TABLE', shrinks: true },
    { title: 'ROWS', align: 'right' },
    { title: 'CHANGE', align: 'right' },
    { title: 'DELETED/H', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'NEWEST' },
  ] as const;
  const now = Date.now();
  const cells = rows.map((row) => [
    printable(`${row.database}.${row.schema}.${row.name}`),
    row.rows === undefined ? '' : `${row.rowsExact ? '' : '~'}${formatCount(row.rows)}`,
    row.change ? `${row.change > 0 ? '+' : '-'}${formatCount(Math.abs(row.change))}` : '',
    row.deletedPerHour ? formatCount(row.deletedPerHour) : '',
    row.bytes === undefined ? '' : formatBytes(row.bytes),
    row.freshest ? describeNewest(row.freshest, now) : '',
  ]);
  const estimated = rows.some(({ rows: count, rowsExact }) => count !== undefined && !rowsExact);
  const table = textTable(columns, cells, style);
  const many = countOf(rows.length, 'table');
  return estimated ? `${table}\n${style.dim(`${many}; ~ is an estimate of the server`)}` : table;
}

function describeNewest(
  { column, time }: { readonly column: string; readonly time: string },
  nowMs: number,
): string {
  const ageMs = nowMs - Date.parse(time);
  const age = ageMs < 0 ? 'to come' : `${formatDuration(ageMs)} ago`;
  return `${age} (${printable(column)})`;
}
