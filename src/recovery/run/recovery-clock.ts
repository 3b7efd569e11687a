import type { RunState } from './run-state.ts';

/** How the recovery stands against the time it may take. Milliseconds. */
export interface RecoveryClock {
  /** Since the loss was declared. */
  readonly elapsedMs: number;
  /** What the steps that are left take by the plan; undefined where one of them was never measured. */
  readonly remainingMs: number | undefined;
  readonly objectiveMs: number | undefined;
  /** Of the objective; below zero: it is over. */
  readonly leftMs: number | undefined;
  readonly stepElapsedMs: number | undefined;
}

/** `now`: by `steadyNow`. A host whose clock was set back between two processes shows nothing below zero. */
export function clockOf(state: RunState, now: Date): RecoveryClock {
  const since = (time: string) => Math.max(0, now.getTime() - Date.parse(time));
  const elapsedMs = since(state.declaredAt);
  let remainingMs: number | undefined = 0;
  let stepElapsedMs: number | undefined;
  for (const { id, expectedMs } of state.plan.steps) {
    const step = state.steps[id];
    if (step === undefined || step.phase === 'done' || step.phase === 'skipped') continue;
    if (step.phase === 'begun' && step.begunAt !== undefined) stepElapsedMs = since(step.begunAt);
    const spentMs = step.phase === 'begun' ? (stepElapsedMs ?? 0) : 0;
    remainingMs =
      remainingMs === undefined || expectedMs === undefined
        ? undefined
        : remainingMs + Math.max(0, expectedMs - spentMs);
  }
  const { objectiveMs } = state;
  const leftMs = objectiveMs === undefined ? undefined : objectiveMs - elapsedMs;
  return { elapsedMs, remainingMs, objectiveMs, leftMs, stepElapsedMs };
}
