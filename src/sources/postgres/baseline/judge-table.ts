import type { DriftKind, DriftLimits } from './drift.ts';
import type { TableState } from './judge-drift.ts';

/** What one judge found: the change, and the state before that it is measured against. */
export interface TableFinding {
  readonly kind: DriftKind;
  readonly from: number;
  readonly to: number;
  readonly reference: TableState;
  readonly column?: string;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;
/** How far back any of the judges looks, but for the last state after a longer pause. */
export const judgedSpanMs = 2 * weekMs;
/** Below these a change of a small table is ordinary work. */
const fewRows = 50;
const fewRowsOfEmptied = 10;
const fewBytes = 16 * 2 ** 20;
const fewDeletions = 1000;
/** A table that falls that often in a week does so by itself: a queue. */
const usualFalls = 3;
/** How many times as much as ever before is a jump. */
const deletionJump = 10;
const staleJump = 3;
/** Intervals that are shorter say little about a rate. */
const shortestIntervalMs = 60_000;

/** Fewer rows than at the highest count of the past day, or than at the last one. Exact counts only. */
export function judgeRows(
  now: TableState,
  before: readonly TableState[],
  limits: DriftLimits,
): TableFinding | undefined {
  const to = exactRows(now);
  const counted = before.filter((each) => exactRows(each) !== undefined);
  const reference = highest(now, counted, (each) => exactRows(each) as number);
  if (to === undefined || reference === undefined) return undefined;
  const from = exactRows(reference) as number;
  if (!isLargeFall(from, to, limits)) return undefined;
  const isEmptiedFirst = to === 0 && counted.every((each) => (exactRows(each) as number) > 0);
  if (!isEmptiedFirst && fallsOfWeek(now, counted, limits) >= usualFalls) return undefined;
  return { kind: 'rows', from, to, reference };
}

function isLargeFall(from: number, to: number, { dropAtMost }: DriftLimits): boolean {
  const lost = from - to;
  return lost > from * dropAtMost && lost >= (to === 0 ? fewRowsOfEmptied : fewRows);
}

/** How often the table lost as much from one baseline to the next within the past week. */
function fallsOfWeek(now: TableState, counted: readonly TableState[], limits: DriftLimits): number {
  const recent = within(now, counted, weekMs);
  return recent.filter((each, at) => {
    const former = recent[at - 1];
    return former && isLargeFall(exactRows(former) as number, exactRows(each) as number, limits);
  }).length;
}

/** Of tables that are too large to count in time: fewer bytes. */
export function judgeSize(
  now: TableState,
  before: readonly TableState[],
  { dropAtMost }: DriftLimits,
): TableFinding | undefined {
  const to = now.table.bytes;
  if (to === undefined || exactRows(now) !== undefined) return undefined;
  const sized = before.filter((each) => each.table.bytes !== undefined);
  const reference = highest(now, sized, (each) => each.table.bytes as number);
  const from = reference?.table.bytes ?? 0;
  if (reference === undefined || from - to < fewBytes || from - to <= from * dropAtMost) {
    return undefined;
  }
  return { kind: 'size', from, to, reference };
}

/** Many more rows deleted in an hour than ever in the past week, although as many may have come. */
export function judgeDeletions(
  now: TableState,
  before: readonly TableState[],
): TableFinding | undefined {
  const recent = within(now, before, weekMs);
  const rates = ratesOf([...recent, now]);
  const latest = rates.at(-1);
  const former = rates.slice(0, -1);
  if (latest === undefined || latest.state !== now || former.length < 8) return undefined;
  const most = Math.max(...former.map(({ perHour }) => perHour));
  if (latest.deleted < fewDeletions || latest.perHour <= deletionJump * Math.max(1, most)) {
    return undefined;
  }
  return { kind: 'deletions', from: most, to: latest.perHour, reference: latest.since };
}

function ratesOf(states: readonly TableState[]) {
  const rates: { state: TableState; since: TableState; deleted: number; perHour: number }[] = [];
  let since = states[0];
  for (const state of states.slice(1)) {
    const former = since?.table.deletedRows;
    const deleted = (state.table.deletedRows ?? 0) - (former ?? 0);
    const intervalMs = state.timeMs - (since?.timeMs ?? 0);
    if (since === undefined || (intervalMs < shortestIntervalMs && deleted >= 0)) continue;
    // Fewer than before: the server's statistics were reset.
    if (former !== undefined && deleted >= 0) {
      // Of a shorter interval as if nothing had been deleted in the rest of the hour: most are an hour long.
      const perHour = Math.round((deleted * hourMs) / Math.max(intervalMs, hourMs));
      rates.push({ state, since, deleted, perHour });
    }
    since = state;
  }
  return rates;
}

/** Its newest row is older than it ever was in weeks: nobody writes any more, or the newest rows are gone. */
export function judgeStaleness(
  now: TableState,
  before: readonly TableState[],
): TableFinding | undefined {
  const column = now.table.freshest?.column;
  const to = ageMs(now);
  const recent = within(now, before, judgedSpanMs).filter(
    (each) => each.table.freshest?.column === column && ageMs(each) !== undefined,
  );
  const [oldest] = recent;
  // Less does not tell how quiet a weekend is.
  if (to === undefined || oldest === undefined || now.timeMs - oldest.timeMs < weekMs) {
    return undefined;
  }
  const from = Math.max(...recent.map((each) => ageMs(each) as number));
  if (to <= hourMs || to <= staleJump * from) return undefined;
  const reference = recent.at(-1) as TableState;
  return { kind: 'stale', from, to, reference, ...(column === undefined ? {} : { column }) };
}

/** Undefined of a moment to come, which tells nothing about writing. */
function ageMs({ timeMs, table }: TableState): number | undefined {
  const age = table.freshest ? timeMs - Date.parse(table.freshest.time) : -1;
  return age < 0 ? undefined : age;
}

/** A restore empties an unlogged table: its rows are nobody's loss. */
function exactRows({ table }: TableState): number | undefined {
  return table.rowsExact && !table.isUnlogged ? table.rows : undefined;
}

function within(
  now: TableState,
  states: readonly TableState[],
  spanMs: number,
): readonly TableState[] {
  return states.filter(({ timeMs }) => now.timeMs - timeMs <= spanMs);
}

/** The state with the highest value of the past day; after a longer pause the last one. */
function highest(
  now: TableState,
  states: readonly TableState[],
  value: (state: TableState) => number,
): TableState | undefined {
  const ofDay = within(now, states, dayMs);
  const candidates = ofDay.length > 0 ? ofDay : states.slice(-1);
  return candidates.reduce<TableState | undefined>(
    (best, each) => (best === undefined || value(each) >= value(best) ? each : best),
    undefined,
  );
}
