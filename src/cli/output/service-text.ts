import { formatBytes, formatDuration } from '../../core/index.ts';
import type { ServiceEvent } from '../../service/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { describeDriftLines } from './drift-text.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

/** A backup of files may have hundreds. */
const mostWarnings = 10;

type Event<Type extends ServiceEvent['type']> = Extract<ServiceEvent, { type: Type }>;

/** What `serve` says to people; streams are described elsewhere. */
export function describeEvent(
  event: Exclude<ServiceEvent, { type: 'stream' }>,
  style: Style,
): string {
  const { green, yellow, dim, bold } = style;
  switch (event.type) {
    case 'service-started':
      return `protecting ${bold(event.sources.join(', '))}; stop with Ctrl-C`;
    case 'service-stopped':
      return 'stopped in order; everything goes on from here at the next start';
    case 'backup-started':
      return `${event.source}: backup begins (${event.reason})`;
    case 'backup':
      return describeBackup(event, style);
    case 'flagged':
      return yellow(
        `${event.source}: snapshot ${event.snapshot.slice(0, 8)} is flagged: ${event.reasons.join('; ')}`,
      );
    case 'drift':
      return [
        `${style.red('DRIFT')} ${event.source}: ${countOf(event.drift.length, 'table')} changed as if something had been lost`,
        ...describeDriftLines(
          event.drift,
          (command, rest) => `lifeboat ${command} ${event.source} ${rest}`,
          style,
        ),
      ].join('\n');
    case 'proof-started':
      return `${event.source}: proof begins`;
    case 'proof':
      return describeProofEvent(event, style);
    case 'proof-failed':
      return describeFailures('PROOF FAILED', event, style);
    case 'integrity-started':
      return dim(`${event.source}: the data of the live server is checked`);
    case 'integrity':
      return `${green('✓')} ${event.source}: the data of the live server is sound, ${formatDuration(event.durationMs)}`;
    case 'integrity-failed':
      return describeFailures('LIVE DATA DAMAGED', event, style);
    case 'next-proof':
      return dim(`${event.source}: next proof ${formatMoment(event.time)}`);
    case 'next-backup':
      return dim(`${event.source}: next backup ${formatMoment(event.time)}`);
    case 'next':
      return dim(`${event.repository}: next ${event.task} ${formatMoment(event.time)}`);
    case 'archive':
      return `${event.source}: archive_command and restore_command are served`;
    case 'catalog':
      return dim(`${event.source}: recorded the names in ${countOf(event.databases, 'database')}`);
    case 'waiting':
      return dim(`${event.repository}: ${event.task} waits for ${event.waitsFor.join(', ')}`);
    case 'copy-started':
      return dim(`${event.to}: copy from ${event.from} begins`);
    case 'copy':
      return `${event.problems.length === 0 ? green('✓') : yellow('!')} ${event.to}: ${countOf(event.snapshots, 'snapshot')}, ${countOf(event.logSegments, 'part')} of logs, ${countOf(event.records, 'record')} from ${event.from}, ${formatBytes(event.bytesStored + event.logBytes)}`;
    case 'forget':
      return `${green('✓')} ${event.repository}: forgot ${countOf(event.removed.length, 'snapshot')} of ${event.source}, ${event.kept} stay${event.failed === 0 ? '' : yellow(`; ${event.failed} could not be removed yet`)}`;
    case 'prune':
      return `${green('✓')} ${event.repository}: pruned: ${formatBytes(event.bytesRemoved)} freed, ${formatBytes(event.bytesMarked)} marked for later`;
    case 'check':
      return describeCheck(event, style);
    case 'services-warning':
    case 'stream-warning':
      return yellow(`${event.source}: ${event.message}`);
    case 'log-gap':
      return describeGap(event, style);
    case 'alarm':
      return describeAlarm(event, style);
  }
}

function describeGap(event: Event<'log-gap'>, { red }: Style): string {
  const { source, timeline, fromLsn, toLsn, from, to } = event;
  const when = from ? ` (${formatMoment(from)} to ${formatMoment(to)})` : '';
  return red(
    `${source}: the log has a gap: nobody has ${fromLsn} to ${toLsn} of timeline ${timeline}${when}; what comes after it can be restored from the next backup on`,
  );
}

function describeBackup(event: Event<'backup'>, { green, yellow }: Style): string {
  const sizes = `${formatBytes(event.bytesTotal)}, ${formatBytes(event.bytesStored)} stored`;
  const shown = event.warnings.slice(0, mostWarnings);
  const warnings = shown.map((each) => `\n    ${yellow('warning:')} ${each}`);
  const more = event.warnings.length - shown.length;
  if (more > 0) warnings.push(`\n    ${yellow(`and ${countOf(more, 'more warning')}`)}`);
  return `${green('✓')} ${event.source}: snapshot ${event.snapshot.slice(0, 8)}, ${sizes}, ${formatDuration(event.durationMs)}${warnings.join('')}`;
}

function describeCheck(event: Event<'check'>, { green, red }: Style): string {
  const { repository, errors, snapshots, bytesRead } = event;
  const mark = errors === 0 ? green('✓') : red('✗');
  const found = errors === 0 ? 'no errors' : countOf(errors, 'error');
  const read = bytesRead === 0 ? '' : `, ${formatBytes(bytesRead)} read`;
  return `${mark} ${repository}: ${found} in ${countOf(snapshots, 'snapshot')}${read}`;
}

function describeAlarm(event: Event<'alarm'>, { red, dim }: Style): string {
  return [
    `${red('ALARM')} ${event.source ?? event.repository}: ${event.message} ${dim(`[${event.code}]`)}`,
    ...(event.hint ? [`    ${event.hint}`] : []),
    `    ${event.action}`,
  ].join('\n');
}

function describeProofEvent(event: Event<'proof'>, { green }: Style): string {
  const { source, reachedTime, rtoMs, checks } = event;
  const moment = reachedTime === undefined ? '' : ` as of ${formatMoment(new Date(reachedTime))}`;
  return `${green('✓')} ${source}: proven${moment}, ${countOf(checks.length, 'check')}, ${formatDuration(rtoMs)}`;
}

/** All of it is in the record: `status` names it too. */
const mostFailures = 10;

function describeFailures(
  what: string,
  event: { readonly source: string; readonly failures: readonly string[] },
  { red }: Style,
): string {
  const shown = event.failures.slice(0, mostFailures).map((each) => `\n    ${printable(each)}`);
  const more = event.failures.length - shown.length;
  if (more > 0) shown.push(`\n    and ${countOf(more, 'more problem')}`);
  return `${red(what)} ${event.source}: ${countOf(event.failures.length, 'problem')}${shown.join('')}`;
}
