import { formatBytes, formatDuration } from '../../core/index.ts';
import type { StreamStatus } from '../../service/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import type { Style } from './style.ts';

/** The stream stands still, or is about to lose something. */
export function streamIsBad({ phase, alarms = [] }: StreamStatus): boolean {
  return phase !== 'streaming' || alarms.some(({ level }) => level === 'late');
}

/** Indented lines below a source. */
export function describeStream(
  seen: StreamStatus,
  isRepositoryHere: boolean,
  style: Style,
): readonly string[] {
  const { green, yellow, red, dim } = style;
  const lines = [describePhase(seen, style)];
  lines.push(...describeLoss(seen, isRepositoryHere).map((loss) => dim(`      ${loss}`)));
  const { slot, alarms = [] } = seen;
  // What streams has its slot: it was looked at before it was made.
  if (slot && (slot.walStatus !== undefined || seen.phase !== 'streaming')) {
    const limit =
      slot.limitBytes === undefined ? 'no limit' : `${formatBytes(slot.limitBytes)} at most`;
    const state = slot.walStatus ?? 'missing';
    const mark = state === 'reserved' || state === 'extended' ? dim('·') : red('✗');
    const held = slot.walStatus ? `; it holds ${formatBytes(slot.heldBytes)}, ${limit}` : '';
    lines.push(
      `  ${mark} slot ${slot.name} is ${state}${held}${slot.invalidation ? `; ${slot.invalidation}` : ''}`,
    );
    if (slot.syncState === 'sync' || slot.syncState === 'quorum')
      lines.push(describeWaiting(slot, green));
  }
  for (const { level, message, hint } of alarms) {
    const colour = level === 'late' ? red : yellow;
    lines.push(colour(`  ! ${message}`), dim(`      ${hint}`));
  }
  return lines;
}

function describePhase(
  { phase, time, problem, nextTry }: StreamStatus,
  { green, red, yellow }: Style,
): string {
  const why = problem === undefined ? '' : `: ${problem}`;
  switch (phase) {
    case 'streaming':
      return problem === undefined
        ? `  ${green('✓')} the log is streamed`
        : `  ${yellow('!')} the log is streamed${why}`;
    case 'dead':
      return `  ${red('✗')} nothing was heard of the stream since ${formatMoment(time)}; is \`serve\` running?`;
    case 'stopped':
      return `  ${red('✗')} the stream was stopped ${formatMoment(time)}: the server keeps its log for the slot; start \`serve\``;
    case 'retrying': {
      const next =
        nextTry && nextTry > new Date()
          ? `tries again ${formatMoment(nextTry)}`
          : 'is trying again';
      return `  ${red('✗')} the log is not streamed${why}; \`serve\` runs and ${next}`;
    }
    default:
      return `  ${red('✗')} the stream stands still (${phase})${why}`;
  }
}

/** What a loss would take now, by what is lost. */
function describeLoss(seen: StreamStatus, isRepositoryHere: boolean): readonly string[] {
  const { rpoWithoutDatabaseMs, rpoWithoutBothMs, writtenMs, flushedMs } = seen;
  if (rpoWithoutDatabaseMs === undefined) return [];
  const took = (ms: number | undefined) =>
    ms === undefined ? '' : ` (median ${formatDuration(ms)} after the server wrote it)`;
  const [both, own] = isRepositoryHere
    ? [
        "everything, if the repository's folder is on a disk of this host",
        "every backup, if the repository's folder is on a disk of this host; the database itself stays",
      ]
    : [lastOf(rpoWithoutBothMs, took(flushedMs)), 'nothing'];
  return [
    `lost with the database's host: ${lastOf(rpoWithoutDatabaseMs, took(writtenMs))}`,
    `lost with this host too: ${both}`,
    `lost with this host alone: ${own}`,
  ];
}

function lastOf(ms: number | undefined, took: string): string {
  return ms === undefined
    ? 'what the repository does not have'
    : `the last ${formatDuration(ms)}${took}`;
}

function describeWaiting(
  { commitLevel, commitsWaiting }: NonNullable<StreamStatus['slot']>,
  green: Style['green'],
): string {
  const where =
    commitLevel === 'remote_write'
      ? 'the spool of this host: none is lost with the database’s host'
      : 'the repository: none is lost with both hosts';
  const waiting = commitsWaiting === 0 ? '' : `; ${countOf(commitsWaiting, 'commit')} waiting now`;
  return `  ${green('✓')} commits (synchronous_commit ${commitLevel}) wait for ${where}${waiting}`;
}
