import { formatDuration } from '../../core/index.ts';
import {
  type DamageFinding,
  type DamageReport,
  type FilesFound,
  foundOf,
  isDamageFinding,
  type RestorePoint,
} from '../../recovery/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { detailLines } from './damage-details-text.ts';
import { damageGaps } from './damage-gaps.ts';
import { printable } from './printable.ts';
import { prose } from './prose.ts';
import type { Style } from './style.ts';

type Next = (source: string, command: string, rest: string) => string;

const shownFindings = 15;
const shownHints = 8;
const shownGaps = 20;

/** The report for people: one page, what matters most first, then the details. */
export function describeDamage(report: DamageReport, next: Next, style: Style): string {
  const { bold } = style;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', bold(title), ...lines];
  const lost = report.findings.filter((each) => isDamageFinding(each) && !isCause(each));
  const causes = report.findings.filter((each) => isDamageFinding(each) && isCause(each));
  const hints = report.findings.filter((each) => !isDamageFinding(each));
  return [
    headLine(report, style),
    ...unseenLines(report, style),
    ...section('what is lost or broken', findingLines(lost, shownFindings, style)),
    ...section('what did it', [
      ...findingLines(causes, shownFindings, style),
      ...likelyLines(report, style),
    ]),
    ...section('what is still there', thereLines(report, style)),
    ...section('what can be recovered to', pointLines(report, next, style)),
    ...section('hints (no damage by themselves)', findingLines(hints, shownHints, style)),
    ...section('could not look', gapLines(report, style)),
    ...section('details', detailLines(report, style)),
  ].join('\n');
}

function isCause({ kind }: DamageFinding): boolean {
  return ['suspect', 'destructive-session', 'service-changed', 'kernel', 'server-log'].includes(
    kind,
  );
}

function headLine(report: DamageReport, { red, green, yellow, dim }: Style): string {
  const { verdict, findings, startTime, durationMs, isInterrupted } = report;
  const count = findings.filter(isDamageFinding).length;
  const head = {
    'damage-found': red(`✗ damage found: ${countOf(count, 'sign')}`),
    'nothing-found': report.sources.some(({ kind }) => kind === 'postgres-dump')
      ? yellow('! no damage found, but of dumps only a person can tell')
      : green('✓ no damage found'),
    'not-looked': yellow('✗ nothing could be looked at'),
  }[verdict];
  const when = `${formatMoment(new Date(startTime))}, in ${formatDuration(durationMs)}`;
  const ended = isInterrupted ? yellow('  ended early: this is what was seen until then') : '';
  return `${head}  ${dim(`${report.configuration}, ${when}, report ${report.id}`)}${ended}`;
}

/** Whoever knows better is not to be talked out of it. */
function unseenLines({ verdict, sources }: DamageReport, { dim }: Style): readonly string[] {
  if (verdict !== 'nothing-found' || !sources.some(({ kind }) => kind === 'postgres')) return [];
  return [
    dim(
      '  What does not show by itself: columns that were dropped, values that were overwritten in few rows,',
    ),
    dim(
      '  rows that were deleted one by one. Who knows when it happened names the moment: recover --at TIME',
    ),
  ];
}

function findingLines(
  findings: readonly DamageFinding[],
  most: number,
  style: Style,
): readonly string[] {
  const more = findings.length - most;
  return [
    ...findings.slice(0, most).flatMap((each) => findingText(each, style)),
    ...(more > 0 ? [style.dim(`  and ${more} more (--json has all)`)] : []),
  ];
}

function findingText(finding: DamageFinding, { red, yellow, dim }: Style): readonly string[] {
  const { severity, strength, text, source, service, since, at } = finding;
  const colour = severity === 'critical' || severity === 'high' ? red : yellow;
  const isHint = !isDamageFinding(finding);
  const mark = isHint ? dim('  ·') : colour('  ✗');
  const where = source ?? service;
  const owner = where === undefined ? '' : `${where}: `;
  const sure = strength === 'certain' || isHint ? '' : dim(` (${strength})`);
  const times = [
    ...(since === undefined ? [] : [`still right at ${formatMoment(new Date(since))}`]),
    ...(at === undefined
      ? []
      : [`${since === undefined ? 'at' : 'seen'} ${formatMoment(new Date(at))}`]),
  ];
  const level = isHint ? '' : colour(`${severity}  `);
  return [
    `${mark} ${level}${prose(`${owner}${text}`)}${sure}`,
    ...(times.length === 0 || isHint ? [] : [dim(`      ${times.join(', ')}`)]),
  ];
}

function likelyLines({ lossTypes }: DamageReport, { dim }: Style): readonly string[] {
  if (lossTypes.length === 0) return [];
  return [dim(`    looks like: ${lossTypes.map(({ type }) => type).join(', or ')}`)];
}

function thereLines({ sources }: DamageReport, style: Style): readonly string[] {
  const { green, red, dim } = style;
  return sources.flatMap((source) => {
    if ('files' in source) {
      const found = foundOf(source.files);
      if (found === undefined) return [];
      return [filesThere(source.name, found, style)];
    }
    const lines: string[] = [];
    const server = foundOf(source.server);
    if (server !== undefined) {
      const role = server.isInRecovery ? ', a standby' : server.isReadOnly ? ', read-only' : '';
      lines.push(`  ${green('✓')} ${source.name}: PostgreSQL ${server.version} answers${role}`);
    }
    const tables = foundOf(source.tables);
    if (tables?.countedAt !== undefined) {
      const { same, more, fewer, missing, emptied, new: made } = tables.counts;
      const isNone = same + more === 0 && fewer + missing + emptied > 0;
      const text = isNone
        ? `${red('✗')} ${source.name}: no table has as many rows as before`
        : `${green('✓')} ${source.name}: ${countOf(same + more, 'table')} with no fewer rows than before`;
      lines.push(`  ${text}${made > 0 ? dim(`, ${countOf(made, 'new one')}`) : ''}`);
    }
    return lines;
  });
}

function filesThere(
  name: string,
  { same, before, added, snapshot }: FilesFound,
  { green, red, dim }: Style,
): string {
  const stored = `as in snapshot ${snapshot.id.slice(0, 8)}`;
  const text =
    same === 0 && before.files > 0
      ? `${red('✗')} ${name}: none of ${countOf(before.files, 'file')} ${stored}`
      : `${green('✓')} ${name}: ${countOf(same, 'file')} of ${before.files} ${stored}`;
  return `  ${text}${dim(`, ${countOf(added.files, 'new one')}`)}`;
}

function pointLines({ sources }: DamageReport, next: Next, style: Style): readonly string[] {
  const { dim } = style;
  return sources.flatMap((source) => {
    const found = foundOf(source.points);
    if (found === undefined) return [];
    const isPostgres = source.kind === 'postgres';
    const lines = found.points.flatMap((point) => pointText(source.name, point, style));
    const [window] = found.windows;
    if (window !== undefined && window.fromLsn !== window.toLsn) {
      const [from, to] = [window.from, window.to].map((time) => formatMoment(new Date(time)));
      lines.push(dim(`    or any moment from ${from} to ${to}`));
    }
    const suspect = found.points.find(
      ({ kind, loss }) => kind === 'before-suspect' && loss.isAvoidable,
    );
    if (isPostgres && suspect?.xid !== undefined) {
      lines.push(`    next: ${next(source.name, 'rescue', `--xid ${suspect.xid} --dry-run`)}`);
    } else if (isPostgres && found.points[0]?.xid !== undefined) {
      lines.push(`    next: ${next(source.name, 'open', `--before-xid ${found.points[0].xid}`)}`);
    }
    return lines;
  });
}

function pointText(
  source: string,
  point: RestorePoint,
  { green, yellow, dim, bold }: Style,
): readonly string[] {
  const { text, time, proof, doubts, loss } = point;
  const proven = proof
    ? green(`  proven ${formatMoment(new Date(proof.time))}`)
    : dim('  not proven');
  const instead = loss.isAvoidable ? green('; `rescue` keeps them') : '';
  return [
    `  ${bold('→')} ${source}: ${text}  ${formatMoment(new Date(time), { ms: true })}${proven}`,
    `      given up: ${loss.text}${instead}`,
    ...doubts.map((doubt) => yellow(`      ${printable(doubt)}`)),
  ];
}

function gapLines(report: DamageReport, { yellow, dim }: Style): readonly string[] {
  const gaps = damageGaps(report);
  const more = gaps.length - shownGaps;
  return [
    ...gaps.slice(0, shownGaps).flatMap(({ where, why, hint }, at) => {
      const isSaid = gaps.slice(0, at).some((each) => each.hint === hint);
      return [
        `  ${yellow('?')} ${where}: ${printable(why)}`,
        ...(hint === undefined || isSaid ? [] : [dim(`      ${printable(hint)}`)]),
      ];
    }),
    ...(more > 0 ? [dim(`  and ${more} more (--json has all)`)] : []),
  ];
}
