import { formatCount } from '../../core/index.ts';
import type { LossSuspect, LossTable } from '../../recovery/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

const titles: Record<LossSuspect['kind'], string> = {
  'drop-database': 'DROP DATABASE',
  'drop-schema': 'DROP SCHEMA',
  'drop-table': 'DROP TABLE',
  truncate: 'TRUNCATE',
  delete: 'DELETE',
  'mass-update': 'UPDATE of many rows',
};

const verbs: Record<LossTable['action'], string> = {
  dropped: 'dropped with the table',
  truncated: 'truncated',
  deleted: 'deleted',
  updated: 'overwritten',
};

/** One suspect for people: what, when, which transaction, which rows, and what to type next. */
export function describeSuspect(
  suspect: LossSuspect,
  rescued: Date | undefined,
  next: (command: string, rest: string) => string,
  style: Style,
): string {
  const { bold, dim, red, yellow } = style;
  const { severity } = suspect;
  const colour = severity === 'critical' || severity === 'high' ? red : yellow;
  const when = formatMoment(new Date(suspect.commitTime), { ms: true });
  const lines = [
    `${colour('●')} ${bold(titles[suspect.kind])}  ${when}  transaction ${bold(String(suspect.xid))}  ${colour(severity)}`,
    ...suspect.tables.map((table) => `    ${describeTable(table, style)}`),
    ...suspect.databases.map(
      ({ name, oid }) =>
        `    database ${name === null ? `with the oid ${oid}` : printable(name)} is gone`,
    ),
  ];
  if (!suspect.certain) {
    lines.push(dim('    The log leaves something open here: counts may be too low.'));
  }
  const look = next('open', `--before-xid ${suspect.xid}`);
  if (suspect.own) {
    lines.push(
      style.green(`    no loss: Lifeboat removed that one itself, in run ${suspect.own.run}`),
    );
  } else if (rescued) {
    lines.push(style.green(`    rescued ${formatMoment(rescued)}: its rows were put back`));
  } else if (suspect.action === 'rescue') {
    lines.push(`    next: ${bold(next('rescue', `--xid ${suspect.xid} --dry-run`))}`);
    lines.push(`      or: ${look}    ${dim(`# the state just before it, ${suspect.target.lsn}`)}`);
  } else if (suspect.recoverable) {
    lines.push(dim(`    ${suspect.reason}`));
    lines.push(
      `    next: ${bold(look)}    ${dim(`# the state just before it, ${suspect.target.lsn}`)}`,
    );
    lines.push(`      or: ${next('restore', `--to FOLDER --before-xid ${suspect.xid}`)}`);
  } else {
    lines.push(yellow(`    cannot be undone from this repository: ${suspect.reason}`));
  }
  return lines.join('\n');
}

function tableName({ schema, name, filenode, oid }: LossTable): string {
  if (name === null) return `a table without a name (oid ${oid ?? '?'}, file ${filenode ?? '?'})`;
  return schema === null || schema === 'public' ? name : `${schema}.${name}`;
}

function describeTable(table: LossTable, { dim }: Style): string {
  const database = table.database === null ? '' : `${table.database}: `;
  const name = printable(`${database}${tableName(table)}`);
  if (table.rows === null) return `${name}: ${verbs[table.action]}, number of rows not known`;
  const rows = `${countOf(table.rows, 'row')} ${verbs[table.action]}`;
  const source =
    table.rowsSource === 'wal'
      ? 'counted in the log'
      : `as counted ${table.rowsTime ? formatMoment(new Date(table.rowsTime)) : 'before'}`;
  const before =
    table.rowsBefore !== null && table.rowsBefore > 0
      ? `, of about ${formatCount(table.rowsBefore)}`
      : '';
  return `${name}: ${rows} ${dim(`(${source}${before})`)}`;
}
