import { formatCount, formatDuration } from '../../core/index.ts';
import { countOf } from '../output/count.ts';
import type { Style } from '../output/style.ts';
import type { TableComparison } from './row-ledger.ts';

/** What the demo came to; also the JSON record `demo`. */
export interface DemoSummary {
  /** True when every row of every table is as it should be and the true transaction was found. */
  readonly ok: boolean;
  readonly durationMs: number;
  readonly postgres: string;
  readonly rowsBefore: number;
  readonly rowsDestroyed: number;
  readonly rowsRescued: number;
  /** Orders placed from the first moment of streaming to the end, all of which must be there. */
  readonly ordersMeanwhile: number;
  readonly xid: number;
  readonly xidFound: number;
  /** The longest that a confirmed commit was not yet safe. */
  readonly rpoMs: { readonly databaseHostLost: number; readonly bothHostsLost: number };
  /** From the accident's commit to the rescue's, with looking and the dry run. */
  readonly rtoMs: number;
  readonly tables: readonly TableComparison[];
}

export function describeSummary(summary: DemoSummary, style: Style): string {
  const { bold, dim, green, red } = style;
  const { rpoMs, rtoMs, tables } = summary;
  const differing = tables.reduce(
    (sum, each) => sum + each.missing + each.changed + each.unexpected,
    0,
  );
  const verdict = summary.ok
    ? green(bold('Every row is back, and nothing written since was lost.'))
    : red(
        bold(
          `Not as it should be: ${countOf(differing, 'row')} off, or the wrong transaction found.`,
        ),
      );
  const fact = (name: string, value: string, remark: string) =>
    `  ${name.padEnd(24)} ${bold(value.padStart(8))}   ${dim(remark)}`;
  return [
    '',
    dim(
      `  ${'table'.padEnd(13)}${'rows'.padStart(10)}   ${'should be'.padEnd(16)}   ${'is'.padEnd(16)}`,
    ),
    ...tables.map((table) => describeTable(table, style)),
    '',
    `  ${verdict}`,
    '',
    fact(
      'rows destroyed',
      formatCount(summary.rowsDestroyed),
      `rescued: ${formatCount(summary.rowsRescued)}`,
    ),
    fact(
      'orders placed meanwhile',
      formatCount(summary.ordersMeanwhile),
      summary.ok ? 'all kept' : '',
    ),
    fact(
      'RTO, measured',
      formatDuration(rtoMs),
      'from the accident to the last row back, with looking and a dry run',
    ),
    fact(
      'RPO, measured',
      formatDuration(rpoMs.databaseHostLost),
      "had the database's host been lost",
    ),
    fact('', formatDuration(rpoMs.bothHostsLost), "had Lifeboat's host been lost with it"),
    fact('whole demo', formatDuration(summary.durationMs), ''),
    '',
  ].join('\n');
}

function describeTable(table: TableComparison, { green, red, dim }: Style): string {
  const { missing, changed, unexpected } = table;
  const same = missing + changed + unexpected === 0;
  const mark = same ? green('✓') : red('✗');
  const line = `  ${table.table.padEnd(13)}${formatCount(table.rowsFound).padStart(10)}   ${dim(table.checksumExpected)}   ${dim(table.checksumFound)} ${mark}`;
  return same
    ? line
    : `${line} ${red(`${missing} missing, ${changed} changed, ${unexpected} too many`)}`;
}
