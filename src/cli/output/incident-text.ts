import { formatDuration } from '../../core/index.ts';
import {
  attachmentOf,
  type Delivery,
  type Incident,
  type IncidentEntry,
  severities,
} from '../../incidents/index.ts';
import { formatMoment } from '../moment.ts';
import { ago } from './ago.ts';
import { countOf } from './count.ts';
import { type NextAdvice, nextSteps } from './incident-next.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';
import { textTable } from './text-table.ts';

/** All that a tired engineer needs to know, on one screen. */
export function describeStatus(
  seen: {
    readonly incident: Incident;
    readonly deliveries: readonly Delivery[];
    readonly newest: readonly IncidentEntry[];
    readonly next: NextAdvice;
    readonly now: Date;
  },
  style: Style,
): string {
  const { incident, deliveries, newest, next, now } = seen;
  const { title, sources, lossType, extent, openedAt, openedBy, openedOn } = incident;
  const loss = [lossType ?? 'kind not known yet', extent].filter(Boolean).join(', ');
  const affected = sources.map(printable).join(', ') || 'not known yet';
  const lines = [
    `${severityText(incident, style)} ${style.bold(printable(title))}  ${style.dim(incident.id)}`,
    line('status', statusText(incident, now, style), style),
    line(
      'opened',
      `${ago(openedAt, now)}, ${formatMoment(openedAt)}, by ${who(openedBy, openedOn)}`,
      style,
    ),
    line('loss', loss, style),
    line('affected', affected, style),
    line('people', peopleText(incident), style),
    ...responseLine(incident, now, style),
    ...updateLine(incident, now, style),
    line('checklist', checklistText(incident), style),
    line('stored', storedText(deliveries, style), style),
    '',
    style.dim('  newest'),
    ...newest.map((each) => `  ${entryLine(each, style)}`),
    '',
    ...nextSteps(incident, next).map(
      (each, at) => `  ${at === 0 ? 'next:' : '     '} ${style.bold(each)}`,
    ),
  ];
  return lines.join('\n');
}

export function describeOpened(incident: Incident, next: NextAdvice, style: Style): string {
  const { id, severity, respondBy } = incident;
  const { alias, definition } = severities[severity];
  return [
    `${style.green('✓')} incident ${style.bold(id)} is open: ${severityText(incident, style)} ${printable(incident.title)}`,
    style.dim(
      `  ${severity} / ${alias}: ${definition}; somebody works on it before ${formatMoment(respondBy)}`,
    ),
    ...nextSteps(incident, next).map(
      (each, at) => `  ${at === 0 ? 'next:' : '     '} ${style.bold(each)}`,
    ),
  ].join('\n');
}

export function describeEntered(id: string, style: Style): string {
  return `${style.green('✓')} entered into the incident ${id}`;
}

export function describeChanged(incident: Incident, withChecklist: boolean, style: Style): string {
  const { id, status, nextUpdateDue } = incident;
  const due = nextUpdateDue ? `; next news before ${formatMoment(nextUpdateDue)}` : '';
  const lines = [
    `${style.green('✓')} incident ${id}: ${severityText(incident, style)} ${status}, ${peopleText(incident)}${due}`,
  ];
  if (withChecklist) lines.push(`  checklist: ${checklistText(incident)}`);
  return lines.join('\n');
}

export function describeList(
  incidents: readonly Incident[],
  withClosed: boolean,
  style: Style,
): string {
  if (incidents.length === 0) {
    return withClosed
      ? 'There has been no incident.'
      : style.green('No incident is open.') + style.dim('  (--all lists those that are closed)');
  }
  const columns = ['INCIDENT', 'SEVERITY', 'STATUS', 'OPENED', 'LEAD'].map((title) => ({ title }));
  const rows = incidents.map(({ id, severity, status, openedAt, lead, title }) => [
    id,
    severity,
    status,
    formatMoment(openedAt),
    printable(lead ?? ''),
    printable(title),
  ]);
  return textTable([...columns, { title: 'TITLE', shrinks: true }], rows, style);
}

/** Everything, in order, and what is still to be done. */
export function describeTimeline(
  incident: Incident,
  entries: readonly IncidentEntry[],
  style: Style,
): string {
  const { summary, closedAt } = incident;
  let latestMs = 0;
  const lines = entries.map((entry) => {
    // Entries stand in the order of cause and effect; a clock that lies is shown as such.
    const isBack = entry.time.getTime() < latestMs - 1000;
    latestMs = Math.max(latestMs, entry.time.getTime());
    return `  ${entryLine(entry, style)}${isBack ? style.yellow('  (its clock was behind)') : ''}`;
  });
  return [
    `${severityText(incident, style)} ${style.bold(printable(incident.title))}  ${style.dim(incident.id)}  ${incident.status}`,
    ...lines,
    ...(closedAt && summary ? [`  ${style.bold('in the end')}  ${printable(summary)}`] : []),
    '',
    ...checklistLines(incident, style),
  ].join('\n');
}

function checklistLines({ checklist }: Incident, style: Style): readonly string[] {
  const width = Math.max(...checklist.map(({ id }) => id.length));
  return checklist.map(({ id, text, isDone, by, at }) => {
    const mark = isDone ? style.green('[x]') : '[ ]';
    const done = at ? style.dim(`  ${printable(by ?? '')}, ${formatMoment(at)}`) : '';
    return `  ${mark} ${id.padEnd(width)}  ${text}${done}`;
  });
}

function line(label: string, text: string, style: Style): string {
  return `  ${style.dim(label.padEnd(11))} ${text}`;
}

function severityText({ severity }: Incident, style: Style): string {
  const text = `${severity} ${severities[severity].word}`;
  if (severity === 'P0' || severity === 'P1') return style.red(text);
  return severity === 'P2' ? style.yellow(text) : text;
}

function statusText({ status, closedAt, summary }: Incident, now: Date, style: Style): string {
  if (closedAt) return `closed ${ago(closedAt, now)}: ${printable(summary ?? '')}`;
  return status === 'resolved' ? style.green(status) : style.bold(status);
}

function peopleText({ lead, assignees }: Incident): string {
  const others = assignees.filter((each) => each !== lead).map(printable);
  if (lead === undefined && others.length === 0) return 'nobody is assigned';
  const leads = lead === undefined ? 'nobody leads' : `${printable(lead)} leads`;
  return others.length === 0 ? leads : `${leads}, with ${others.join(', ')}`;
}

function responseLine(incident: Incident, now: Date, style: Style): readonly string[] {
  const { openedAt, respondBy, respondedAt } = incident;
  if (respondedAt) {
    const afterMs = Math.max(0, respondedAt.getTime() - openedAt.getTime());
    const isLate = respondedAt > respondBy;
    const text = `after ${formatDuration(afterMs)}${isLate ? ', too late' : ''}`;
    return [line('response', isLate ? style.yellow(text) : text, style)];
  }
  return [line('response', dueText(respondBy, now, style), style)];
}

function updateLine({ nextUpdateDue }: Incident, now: Date, style: Style): readonly string[] {
  if (nextUpdateDue === undefined) return [];
  return [line('next news', dueText(nextUpdateDue, now, style), style)];
}

function dueText(due: Date, now: Date, style: Style): string {
  const leftMs = due.getTime() - now.getTime();
  if (leftMs < 0) return style.red(`overdue for ${formatDuration(-leftMs)}`);
  return `within ${formatDuration(leftMs)} (before ${formatMoment(due)})`;
}

function checklistText({ checklist, status }: Incident): string {
  const done = checklist.filter(({ isDone }) => isDone).length;
  const next = checklist.find(({ isDone }) => !isDone);
  const all = `${done} of ${checklist.length} done`;
  if (next === undefined) return all;
  // Nothing is entered any more into one that is closed.
  if (status === 'closed') return `${all}; what is open stays open`;
  return `${all}; next: ${next.text} (lifeboat incident update --done ${next.id})`;
}

function storedText(deliveries: readonly Delivery[], style: Style): string {
  if (deliveries.length === 0) return style.yellow('on this host alone');
  return deliveries.map((each) => deliveryText(each, style)).join('\n              ');
}

function deliveryText({ repository, pending, problem }: Delivery, style: Style): string {
  if (pending === 0) return `all of it in the repository ${printable(repository)}`;
  const are = pending === 1 ? 'is' : 'are';
  const what = `${countOf(pending, 'entry', 'entries')} ${are} not in the repository ${printable(repository)} yet`;
  return style.yellow(problem ? `${what} (${printable(problem)})` : what);
}

function entryLine(entry: IncidentEntry, style: Style): string {
  const { time, actor, host, text, source, durationMs } = entry;
  const about = source === undefined ? '' : style.dim(`  ${printable(source)}`);
  const took = durationMs === undefined ? '' : style.dim(`  (${formatDuration(durationMs)})`);
  const attachment = attachmentOf(entry);
  const attached = attachment ? style.dim(`  [${printable(attachment.name)}]`) : '';
  const when = formatMoment(time).slice(5, 19);
  return `${style.dim(when)}  ${who(actor, host)}  ${printable(text)}${about}${took}${attached}`;
}

function who(actor: string, host: string): string {
  return `${printable(actor)}@${printable(host)}`;
}
