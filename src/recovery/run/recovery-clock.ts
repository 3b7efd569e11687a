import { isByPeople, isCore, stepsUntilBack } from '../plan/until-back.ts';
import type { RunState } from './run-state.ts';

/** How the recovery stands against the time it may take. Milliseconds. */
export interface RecoveryClock {
  /** Since the loss was declared: until services wrote again, as far as that is so, else until now. */
  readonly elapsedMs: number;
  /** Services write again: it does not run any more. */
  readonly isStopped: boolean;
  /** What is left to do until services write again, by the plan; undefined where what decides was never measured, and of a run that is given up. */
  readonly remainingMs: number | undefined;
  /** Steps left until then that `remainingMs` has nothing of: they were never measured, or take as long as people take. */
  readonly unmeasured: readonly string[];
  readonly objectiveMs: number | undefined;
  /** Of the objective; below zero: it was missed. */
  readonly leftMs: number | undefined;
  readonly stepElapsedMs: number | undefined;
}

/** `now`: by `steadyNow`. A host whose clock was set back between two processes shows nothing below zero. */
export function clockOf(state: RunState, now: Date): RecoveryClock {
  const { plan, steps, objectiveMs, phase } = state;
  const between = (from: string, to = now.getTime()) => Math.max(0, to - Date.parse(from));
  const isOnlyBackup = plan.method === 'new-backup';
  const needed = stepsUntilBack(plan.steps, isOnlyBackup);
  const left = needed.filter(({ id }) => !isOver(state, id));
  const isStopped = needed.length > 0 && left.length === 0;
  const ends = needed.flatMap(({ id }) => steps[id]?.endedAt ?? []).map((each) => Date.parse(each));
  const elapsedMs = between(state.declaredAt, isStopped ? Math.max(...ends) : now.getTime());
  const begun = Object.values(steps).find((each) => each.phase === 'begun')?.begunAt;
  const stepElapsedMs = begun === undefined ? undefined : between(begun);
  const timed = left.filter((step) => !isByPeople(step));
  const isKnown =
    phase !== 'aborting' &&
    phase !== 'aborted' &&
    timed.every((step) => step.expectedMs !== undefined || !isCore(step, isOnlyBackup)) &&
    (timed.length === 0 || timed.some(({ expectedMs }) => expectedMs !== undefined));
  const remaining = timed.map(({ id, expectedMs = 0 }) => {
    const spentMs = steps[id]?.phase === 'begun' ? (stepElapsedMs ?? 0) : 0;
    return Math.max(0, expectedMs - spentMs);
  });
  return {
    elapsedMs,
    isStopped,
    remainingMs: isKnown ? remaining.reduce((sum, each) => sum + each, 0) : undefined,
    unmeasured: left.flatMap(({ id, expectedMs }) => (expectedMs === undefined ? [id] : [])),
    objectiveMs,
    leftMs: objectiveMs === undefined ? undefined : objectiveMs - elapsedMs,
    stepElapsedMs,
  };
}

function isOver({ steps }: RunState, id: string): boolean {
  const { phase } = steps[id] ?? {};
  return phase === 'done' || phase === 'skipped';
}
