import { formatDuration } from '../../core/index.ts';
import type { ActivityNote, RepositoryStatus, SourceStatus } from '../../service/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { describeDriftLines } from './drift-text.ts';
import { describeFrozen, frozenIsBad } from './frozen-text.ts';
import { printable } from './printable.ts';
import { describeIntegrityStatus, describeProofs } from './proof-status-text.ts';
import { describeStream, streamIsBad } from './stream-status-text.ts';
import type { Style } from './style.ts';

export function sourceIsBad(seen: SourceStatus): boolean {
  const { lastBackup, overdueSince, stream, drift, frozen } = seen;
  if (frozen !== undefined && frozenIsBad(frozen)) return true;
  if (stream !== undefined && streamIsBad(stream)) return true;
  if (seen.proofs?.needsAttention || seen.integrity?.verdict === 'failed') return true;
  if (seen.unprotected !== undefined || seen.integrityOverdueSince !== undefined) return true;
  if (seen.window?.missingSegment !== undefined || seen.objective?.isMissed) return true;
  // Without a promise what was lost once would never be over.
  if (seen.promise !== undefined && seen.gaps !== undefined) return true;
  return lastBackup === undefined || overdueSince !== undefined || drift.length > 0;
}

export function repositoryIsBad(seen: RepositoryStatus): boolean {
  const notes = Object.values(seen.activities);
  return seen.problem !== undefined || notes.some((note) => !note.isGood);
}

export function describeSourceStatus(
  seen: SourceStatus,
  next: (command: string, rest: string) => string,
  style: Style,
): string {
  const { bold, green, yellow, red, dim } = style;
  const { source, kind, repository, snapshots, lastBackup, overdueSince, window, flagged } = seen;
  const { problem, future = 0 } = seen;
  const lines = [`${bold(source)}  ${dim(`${kind}, in ${repository}`)}`];
  if (seen.frozen !== undefined) lines.push(...describeFrozen(seen.frozen, style));
  if (problem !== undefined) {
    lines.push(`  ${red('✗')} not known: repository ${repository} does not open, see below`);
  } else if (lastBackup === undefined && future === 0) {
    lines.push(`  ${red('✗')} no backup: nothing can be restored`);
  } else if (lastBackup !== undefined) {
    const { id, time, ageMs } = lastBackup;
    const isGood = overdueSince === undefined && seen.unprotected === undefined;
    const mark = isGood ? green('✓') : red('✗');
    lines.push(
      `  ${mark} last backup ${formatDuration(ageMs)} ago: ${id.slice(0, 8)} of ${formatMoment(time)}; ${countOf(snapshots, 'snapshot')}`,
    );
  }
  if (lastBackup?.otherHost !== undefined) {
    const host = printable(lastBackup.otherHost);
    lines.push(
      yellow(
        `      taken on the host ${host}: if that is another machine, give its source another name`,
      ),
    );
  }
  if (lastBackup?.isIncomplete) {
    lines.push(yellow('      it lacks what could not be read: `lifeboat backup` names it'));
  }
  if (overdueSince !== undefined) {
    lines.push(red(`      the next was due ${formatMoment(overdueSince)}; is \`serve\` running?`));
  }
  if (future > 0) {
    const are = future === 1 ? 'is' : 'are';
    lines.push(
      yellow(`  ! ${countOf(future, 'snapshot')} ${are} dated in the future: was a clock wrong?`),
    );
  }
  if (window !== undefined) lines.push(describeWindow(window, style));
  if (seen.objective?.ageMs !== undefined) lines.push(describeObjective(seen.objective, style));
  if (seen.unprotected !== undefined) lines.push(red(`      ${seen.unprotected}`));
  for (const { from, to } of seen.gaps ?? []) {
    const colour = seen.promise === undefined ? yellow : red;
    lines.push(
      colour(`  ! nothing can be restored between ${formatMoment(from)} and ${formatMoment(to)}`),
    );
  }
  if (seen.promise !== undefined) {
    const promise = `any moment of the last ${formatDuration(seen.promise.spanMs)} is promised`;
    lines.push(
      seen.promise.isReached
        ? `  ${green('✓')} ${promise}`
        : dim(`  · ${promise}: there is not so much yet`),
    );
  }
  if (seen.stream !== undefined)
    lines.push(...describeStream(seen.stream, seen.isRepositoryHere, style));
  if (seen.proofs !== undefined && snapshots > 0) {
    lines.push(...describeProofs(seen.proofs, style));
  }
  if (seen.integrity !== undefined) lines.push(...describeIntegrityStatus(seen.integrity, style));
  if (seen.integrityOverdueSince !== undefined) {
    const due = formatMoment(seen.integrityOverdueSince);
    lines.push(red(`  ✗ the live data was to be checked ${due}; is \`serve\` running?`));
  }
  for (const each of flagged) {
    lines.push(
      yellow(`  ! flagged: ${each.id.slice(0, 8)} of ${formatMoment(each.time)}: ${each.reason}`),
    );
  }
  lines.push(...describeDriftLines(seen.drift, next, style));
  return lines.join('\n');
}

function describeObjective(
  { rpoMs, ageMs = 0, isMissed }: NonNullable<SourceStatus['objective']>,
  { green, red }: Style,
): string {
  const fact = `the newest restore point is ${formatDuration(ageMs)} old`;
  const promise = `at most ${formatDuration(rpoMs)} are promised (RPO)`;
  return `  ${isMissed ? red('✗') : green('✓')} ${fact}; ${promise}`;
}

function describeWindow(
  { from, to, fromLsn, toLsn, missingSegment }: NonNullable<SourceStatus['window']>,
  { green, yellow, red }: Style,
): string {
  if (missingSegment !== undefined) {
    return `  ${red('✗')} restorable from ${formatMoment(from)} to ${formatMoment(to)}; then segment ${missingSegment} of the log is missing`;
  }
  if (fromLsn === toLsn)
    return `  ${yellow('!')} restorable to ${formatMoment(from)} alone: no log`;
  return `  ${green('✓')} restorable to any moment from ${formatMoment(from)} to ${formatMoment(to)}`;
}

export function describeRepositoryStatus(seen: RepositoryStatus, style: Style): string {
  const { bold, green, yellow, red, dim } = style;
  const { name, location, problem, snapshots, locks, activities, copyOf } = seen;
  const lines = [`${bold(`repository ${name}`)}  ${dim(location)}`];
  if (problem !== undefined) {
    lines.push(`  ${red('✗')} ${problem}`);
    return lines.join('\n');
  }
  lines.push(`  ${green('✓')} can be reached; ${countOf(snapshots, 'snapshot')}`);
  if (copyOf?.missing !== undefined) {
    const { missing } = copyOf;
    lines.push(
      missing === 0
        ? `  ${green('✓')} has every snapshot of ${copyOf.name} that it is to keep`
        : `  ${yellow('!')} ${countOf(missing, 'snapshot')} of ${copyOf.name} ${missing === 1 ? 'is' : 'are'} not here yet`,
    );
  }
  for (const { holder, exclusive, isStale } of locks) {
    const kind = exclusive ? 'exclusively locked' : 'locked';
    const stale = isStale ? ', which is gone: the next command removes it' : '';
    lines.push(`  ${dim('·')} ${kind} by ${holder}${stale}`);
  }
  for (const finding of seen.leftBehind) {
    lines.push(yellow(`  ! ${finding.kind} ${finding.name}: ${finding.problem}`));
  }
  const known = Object.entries(activities).map(([activity, note]) =>
    describeNote(activity, note, style),
  );
  if (known.length > 0) lines.push(...known);
  return lines.join('\n');
}

function describeNote(activity: string, note: ActivityNote, { dim, red }: Style): string {
  const ago = formatDuration(Math.max(0, Date.now() - note.time.getTime()));
  const text = `last ${activity} ${ago} ago: ${note.result}`;
  return note.isGood ? `  ${dim('·')} ${text}` : `  ${red('✗')} ${text}`;
}
