import { formatBytes, formatCount, formatDuration } from '../../core/index.ts';
import {
  type DamageReport,
  describeChanges,
  type FilesDamage,
  foundOf,
  type PostgresDamage,
  type TableDamage,
} from '../../recovery/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import { prose } from './prose.ts';
import type { Style } from './style.ts';
import { textTable } from './text-table.ts';

const shownTables = 20;
const shownSessions = 10;
const shownLines = 5;

/** Figures behind the findings, source by source. */
export function detailLines(report: DamageReport, style: Style): readonly string[] {
  return [
    ...report.sources.flatMap((source) =>
      'files' in source ? filesLines(source, style) : postgresLines(source, style),
    ),
    ...serviceLines(report, style),
    ...hostLines(report, style),
  ];
}

function postgresLines(damage: PostgresDamage, style: Style): readonly string[] {
  const { dim } = style;
  const lines: string[] = [];
  const tables = foundOf(damage.tables);
  if (tables !== undefined) {
    const changed = tables.tables.filter(({ change }) => change !== 'same');
    const since = tables.baseline ? formatMoment(new Date(tables.baseline.time)) : 'nothing';
    const counts = Object.entries(tables.counts)
      .filter(([, count]) => count > 0)
      .map(([change, count]) => `${formatCount(count)} ${change}`);
    lines.push(`  ${damage.name}: tables against ${since}: ${counts.join(', ') || 'none'}`);
    if (changed.length > 0) lines.push(indented(tableTable(changed.slice(0, shownTables), style)));
  }
  const integrity = foundOf(damage.integrity);
  for (const { title, looked, problems, verdict } of integrity?.checks ?? []) {
    const outcome = verdict === 'failed' ? countOf(problems.length, 'problem') : verdict;
    lines.push(`  ${damage.name}: ${title}: ${outcome} ${dim(`(${looked})`)}`);
  }
  const sessions = foundOf(damage.sessions);
  if (sessions !== undefined) {
    lines.push(
      `  ${damage.name}: ${countOf(sessions.total, 'session')}, ${formatCount(sessions.writing)} with a transaction that writes`,
    );
    const busy = sessions.sessions.filter(({ isWriting, state }) => isWriting || state !== 'idle');
    for (const { pid, user, database, application, state, query } of busy.slice(0, shownSessions)) {
      // One that only connects has neither user nor query.
      const who = [String(pid), user, database, application].filter((each) => each !== '');
      const what = query === '' ? '' : `: ${printable(query)}`;
      lines.push(dim(`      ${printable(who.join(' '))}: ${state}${what}`));
    }
  }
  const replication = foundOf(damage.replication);
  for (const { name, isActive, walStatus = '', heldBytes = 0 } of replication?.slots ?? []) {
    const state = isActive ? 'in use' : 'nobody reads from it';
    lines.push(
      `  ${damage.name}: slot ${name}: ${state}, ${walStatus}, holds ${formatBytes(heldBytes)} of log`,
    );
  }
  for (const { application, state, syncState, behindBytes = 0 } of replication?.standbys ?? []) {
    const name = printable(application);
    lines.push(
      `  ${damage.name}: standby ${name}: ${state}, ${syncState}, ${formatBytes(behindBytes)} behind`,
    );
  }
  if (replication?.receives !== undefined) {
    const { state, replayedLsn, lagMs } = replication.receives;
    const at = replayedLsn === undefined ? '' : `, replayed to ${replayedLsn}`;
    const last = lagMs === undefined ? '' : `, its last transaction ${formatDuration(lagMs)} ago`;
    lines.push(`  ${damage.name}: a standby: ${state}${at}${last}`);
  }
  return [...lines, ...excerptLines(damage.name, foundOf(damage.serverLog), style)];
}

function tableTable(tables: readonly TableDamage[], style: Style): string {
  const rows = (count: number | undefined, exact: boolean | undefined) =>
    count === undefined ? '' : `${exact === false ? '~' : ''}${formatCount(count)}`;
  return textTable(
    [
      { title: 'table', shrinks: true },
      { title: 'change' },
      { title: 'before', align: 'right' },
      { title: 'now', align: 'right' },
      { title: 'by the log', align: 'right' },
      { title: 'size now', align: 'right' },
    ],
    tables.map(({ database, schema, table, change, before, now, expectedRows }) => [
      printable(`${database}.${schema}.${table}`),
      change,
      rows(before?.rows, before?.rowsExact),
      rows(now?.rows, now?.rowsExact),
      rows(expectedRows, true),
      now?.bytes === undefined ? '' : formatBytes(now.bytes),
    ]),
    style,
  );
}

function filesLines(damage: FilesDamage, { dim }: Style): readonly string[] {
  const found = foundOf(damage.files);
  if (found === undefined) return [];
  const { before, now, missing, changed, added, snapshot, sampled } = found;
  const totals = ({ files, bytes }: typeof before) =>
    `${countOf(files, 'file')}, ${formatBytes(bytes)}`;
  const look =
    sampled.files === 0
      ? ''
      : `; of ${formatCount(sampled.files)} that were read ${formatCount(sampled.random)} look random, ${formatCount(sampled.wereRandom)} of them did before`;
  const examples = (title: string, all: readonly string[]) =>
    all.length === 0 ? [] : [dim(`      ${title}: ${all.slice(0, 3).map(printable).join(', ')}`)];
  return [
    `  ${damage.name}: ${totals(now)} now, ${totals(before)} in snapshot ${snapshot.id.slice(0, 8)} of ${formatMoment(new Date(snapshot.time))}`,
    `  ${damage.name}: ${formatCount(missing.files)} missing, ${formatCount(changed.files)} changed, ${formatCount(added.files)} new${look}`,
    ...examples('missing', missing.examples),
    ...examples('changed', changed.examples),
    ...examples('new', added.examples),
  ];
}

function serviceLines({ services }: DamageReport, style: Style): readonly string[] {
  return services.flatMap(({ name, state, baseline, output }) => {
    const now = foundOf(state);
    const compared = foundOf(baseline);
    const lines: string[] = [];
    if (now !== undefined) lines.push(`  service ${name}: ${now.status}: ${prose(now.text)}`);
    if (compared?.recordedAt !== undefined) {
      const since = formatMoment(new Date(compared.recordedAt));
      const text =
        compared.changes.length === 0 ? 'as it was' : printable(describeChanges(compared.changes));
      lines.push(style.dim(`      made of, against ${since}: ${text}`));
    }
    for (const { after, before, changes } of compared?.deployments ?? []) {
      const [from, to] = [after, before].map((time) => formatMoment(new Date(time)));
      const what = printable(describeChanges(changes));
      lines.push(style.dim(`      deployed between ${from} and ${to}: ${what}`));
    }
    return [...lines, ...excerptLines(`service ${name}`, foundOf(output), style)];
  });
}

function hostLines({ host }: DamageReport, style: Style): readonly string[] {
  const lines: string[] = [];
  const disks = (foundOf(host.disks) ?? []).filter(({ holds }) => holds.length > 0);
  for (const { mount, freeBytes, sizeBytes, holds, isReadOnly } of disks) {
    const state = isReadOnly ? ', read-only' : '';
    const what = printable(`${mount} (${holds.join(', ')})`);
    lines.push(
      `  ${host.name}: ${what}: ${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} free${state}`,
    );
  }
  const memory = foundOf(host.memory);
  if (memory !== undefined) {
    const load = memory.load.map((value) => value.toFixed(2)).join(' ');
    lines.push(
      `  ${host.name}: ${formatBytes(memory.availableBytes)} of ${formatBytes(memory.totalBytes)} memory to be had, load ${load} on ${countOf(memory.processors, 'processor')}, up since ${formatMoment(new Date(memory.upSince))}`,
    );
  }
  return [...lines, ...excerptLines(host.name, foundOf(host.kernel), style)];
}

function excerptLines(
  owner: string,
  excerpt:
    | { readonly origin: string; readonly matched: number; readonly lines: readonly string[] }
    | undefined,
  { dim }: Style,
): readonly string[] {
  if (excerpt === undefined || excerpt.matched === 0) return [];
  return [
    `  ${owner}: ${excerpt.origin}: ${countOf(excerpt.matched, 'line')} of interest`,
    ...excerpt.lines.slice(-shownLines).map((line) => dim(`      ${printable(line)}`)),
  ];
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
