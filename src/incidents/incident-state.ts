import type { LossType, Severity } from '../config/index.ts';
import { type ChecklistItem, checklistTasks } from './checklist.ts';
import type { IncidentEntry } from './entry.ts';
import { inOrder } from './entry-order.ts';
import { type Incident, type IncidentStatus, statusNames } from './incident.ts';
import { lossTypes } from './loss-type.ts';
import { type Extent, extents } from './propose-severity.ts';
import { severities } from './severity.ts';

/**
 * What the entries say together. Where two hosts said different things at the same time, the later in the one order counts; both stay in
 * the timeline. Undefined: the opening is not among them.
 */
export function incidentState(entries: readonly IncidentEntry[]): Incident | undefined {
  const ordered = inOrder(entries);
  const opening = ordered.find(({ event }) => event === 'incident.opened');
  if (opening === undefined) return undefined;
  const state = opened(opening);
  change(state, opening, opening.data ?? {});
  for (const entry of ordered) apply(state, entry);
  const { checklist, updateDue, lastNewsAt, ...rest } = state;
  const { respondWithinMs, updateEveryMs } = severities[rest.severity];
  const due = updateDue ?? new Date(lastNewsAt.getTime() + updateEveryMs);
  const isOver = rest.status === 'resolved' || rest.status === 'closed';
  const response = ordered.find(({ event }) => event !== 'incident.opened');
  return {
    ...rest,
    respondBy: new Date(rest.openedAt.getTime() + respondWithinMs),
    ...(response ? { respondedAt: response.time } : {}),
    ...(isOver ? {} : { nextUpdateDue: due }),
    checklist: checklistTasks.map((task) => ({ ...task, ...(checklist[task.id] ?? open) })),
    entries: ordered.length,
    lastEntryAt: latest(ordered),
  };
}

const open = { isDone: false } as const;

interface State {
  id: string;
  title: string;
  severity: Severity;
  status: IncidentStatus;
  lossType?: LossType;
  extent?: Extent;
  sources: readonly string[];
  addedSources: readonly string[];
  lead?: string;
  assignees: readonly string[];
  openedAt: Date;
  openedBy: string;
  openedOn: string;
  closedAt?: Date;
  summary?: string;
  checklist: Record<string, Pick<ChecklistItem, 'isDone' | 'by' | 'at'>>;
  updateDue: Date | undefined;
  lastNewsAt: Date;
}

function opened(entry: IncidentEntry): State {
  return {
    id: entry.incident,
    title: entry.text,
    severity: 'P0',
    status: 'investigating',
    sources: [],
    addedSources: [],
    assignees: [],
    openedAt: entry.time,
    openedBy: entry.actor,
    openedOn: entry.host,
    checklist: {},
    updateDue: undefined,
    lastNewsAt: entry.time,
  };
}

/** Whatever stands in the data of an entry, it changes the state only where it makes sense. */
function apply(state: State, entry: IncidentEntry): void {
  const { event, time, data = {} } = entry;
  if (event === 'incident.updated') {
    change(state, entry, data);
    if (data.isNews !== true) return;
    state.lastNewsAt = time;
    state.updateDue = dateOf(data.nextUpdateDue);
  }
  if (event === 'incident.closed') {
    state.status = 'closed';
    state.closedAt = time;
    if (typeof data.summary === 'string') state.summary = data.summary;
  }
}

function change(
  state: State,
  entry: IncidentEntry,
  data: NonNullable<IncidentEntry['data']>,
): void {
  const { title, severity, lossType, extent, sources, lead, assignees, status, checklist } = data;
  if (typeof title === 'string' && title !== '') state.title = title;
  if (isOneOf(severity, severities)) state.severity = severity;
  if (isOneOf(lossType, lossTypes)) state.lossType = lossType;
  if (isOneOf(extent, extents)) state.extent = extent;
  if (isTexts(sources)) [state.sources, state.addedSources] = [sources, []];
  if (isTexts(data.addedSources)) add(state, data.addedSources);
  if (typeof lead === 'string') state.lead = lead;
  if (isTexts(assignees)) state.assignees = assignees;
  // Closed once, closed for ever: what another host said meanwhile does not open it again.
  const isStatus = statusNames.some((each) => each === status && each !== 'closed');
  if (isStatus && state.status !== 'closed') state.status = status as IncidentStatus;
  if (typeof checklist !== 'object' || checklist === null) return;
  for (const [id, isDone] of Object.entries(checklist)) {
    if (typeof isDone !== 'boolean' || !checklistTasks.some((each) => each.id === id)) continue;
    state.checklist[id] = isDone ? { isDone, by: entry.actor, at: entry.time } : open;
  }
}

/** Two hosts may add at the same time: neither takes away what the other added. */
function add(state: State, names: readonly string[]): void {
  const added = [...new Set(names)].filter((name) => !state.sources.includes(name));
  state.sources = [...state.sources, ...added];
  state.addedSources = [...state.addedSources, ...added];
}

function isOneOf<Name extends string>(
  value: unknown,
  names: Readonly<Record<Name, unknown>>,
): value is Name {
  return typeof value === 'string' && Object.hasOwn(names, value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function dateOf(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}

function latest(entries: readonly IncidentEntry[]): Date {
  return new Date(Math.max(...entries.map(({ time }) => time.getTime())));
}
