import type { Suspect, SuspectTable } from '../../wal/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf, formatCount } from './count.ts';
import type { Style } from './style.ts';

const titles: Record<Suspect['kind'], string> = {
  'drop-database': 'DROP DATABASE',
  'drop-schema': 'DROP SCHEMA',
  'drop-table': 'DROP TABLE',
  truncate: 'TRUNCATE',
  delete: 'DELETE',
  'mass-update': 'UPDATE of many rows',
};

const verbs: Record<SuspectTable['action'], string> = {
  dropped: 'dropped with the table',
  truncated: 'truncated',
  deleted: 'deleted',
  updated: 'overwritten',
};

/** One suspect for people: what, when, which transaction, which rows, and what to type next. */
export function describeSuspect(suspect: Suspect, argument: string, style: Style): string {
  const { bold, dim, red, yellow } = style;
  const { severity } = suspect;
  const colour = severity === 'critical' || severity === 'high' ? red : yellow;
  const when = formatMoment(new Date(suspect.commitTime), { ms: true });
  const lines = [
    `${colour('●')} ${bold(titles[suspect.kind])}  ${when}  transaction ${bold(String(suspect.xid))}  ${colour(severity)}`,
    ...suspect.tables.map((table) => `    ${describeTable(table, style)}`),
    ...suspect.databases.map(
      ({ name, oid }) => `    database ${name ?? `with the oid ${oid}`} is gone`,
    ),
  ];
  if (!suspect.certain) {
    lines.push(dim('    The log leaves something open here: counts may be too low.'));
  }
  const xid = `--xid ${suspect.xid}`;
  if (suspect.kind === 'delete' || suspect.kind === 'truncate') {
    lines.push(`    next: lifeboat rescue ${argument}${xid} --dry-run`);
  }
  lines.push(
    `    ${suspect.kind === 'delete' || suspect.kind === 'truncate' ? '  or:' : 'next:'} lifeboat open ${argument}--before-xid ${suspect.xid}    ${dim(`the state just before it, ${suspect.target.lsn}`)}`,
  );
  return lines.join('\n');
}

export function suspectTitle(suspect: Suspect): string {
  return titles[suspect.kind];
}

export function tableName({ schema, name, filenode, oid }: SuspectTable): string {
  if (name === null) return `unknown table (oid ${oid ?? '?'}, file ${filenode ?? '?'})`;
  return schema === null || schema === 'public' ? name : `${schema}.${name}`;
}

function describeTable(table: SuspectTable, { dim }: Style): string {
  const name = `${table.database === null ? '' : `${table.database}: `}${tableName(table)}`;
  if (table.rows === null) return `${name}: ${verbs[table.action]}, number of rows not known`;
  const rows = `${countOf(table.rows, 'row')} ${verbs[table.action]}`;
  const source =
    table.rowsSource === 'wal' ? 'counted in the log' : 'as of the last record of row counts';
  const before =
    table.rowsBefore !== null && table.rowsBefore > 0
      ? `, of about ${formatCount(table.rowsBefore)}`
      : '';
  return `${name}: ${rows} ${dim(`(${source}${before})`)}`;
}
