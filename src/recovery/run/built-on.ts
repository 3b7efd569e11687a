import { LifeboatError } from '../../core/index.ts';
import type { Plan, Step } from '../plan/plan.ts';
import type { StepKindName } from '../steps/step-kind.ts';
import type { RunState } from './run-state.ts';

/** What brings the restored data to its place. Without it servers and services would start on something else, or on nothing. */
const foundations: readonly StepKindName[] = ['restore', 'restore-files', 'deliver', 'swap'];

/** The first later step that is still to be done and builds on it; undefined: the step may be left out. */
export function firstBuiltOn({ plan, steps }: RunState, step: Step): Step | undefined {
  if (isOver(steps[step.id]?.phase)) return undefined;
  return laterThan(plan, step).find(
    (later) => !isOver(steps[later.id]?.phase) && buildsOn(plan, step, later),
  );
}

/** What it builds on and was left out; undefined: nothing. Letting go of what was replaced looks for itself. */
export function leftOutBelow({ plan, steps }: RunState, step: Step): Step | undefined {
  if (step.kind === 'settle') return undefined;
  return plan.steps.find(
    (former) =>
      steps[former.id]?.phase === 'skipped' &&
      laterThan(plan, former).includes(step) &&
      buildsOn(plan, former, step),
  );
}

/** Errors: `usage.invalid`: later steps of the run build on it. While the run is given up any undo may be left out. */
export function requireMayLeaveOut(state: RunState, id: string): void {
  const step = state.plan.steps.find((each) => each.id === id);
  if (step === undefined || state.phase === 'aborting') return;
  const later = firstBuiltOn(state, step);
  if (later === undefined) return;
  const { run, plan } = state;
  throw new LifeboatError('usage.invalid', `${id} cannot be left out: ${whyNot(later)}`, {
    hint: `Nothing was changed. Put right what it failed at and go on with \`lifeboat recover --resume ${plan.incident}\`, or back to before with \`lifeboat recover --abort ${run} --reason TEXT\`.`,
    context: { run, step: id, builtOn: later.id },
  });
}

export function whyNot(later: Step): string {
  return `"${later.title}" builds on it`;
}

function buildsOn(plan: Plan, former: Step, later: Step): boolean {
  if (!foundations.includes(former.kind)) return false;
  return later.input.of === former.id || (former.kind === 'swap' && starts(plan, former, later));
}

/** A server is started on its own data; services, and what is thawed, may come to any. */
function starts({ steps }: Plan, swap: Step, later: Step): boolean {
  const own = (each: Step) => each.kind === 'swap' && later.id === `start-${each.input.source}`;
  if (steps.some(own)) return own(swap);
  return later.kind === 'thaw' || later.kind === 'restart' || later.id === 'new-services';
}

function laterThan({ steps }: Plan, step: Step): readonly Step[] {
  return steps.slice(steps.findIndex(({ id }) => id === step.id) + 1);
}

function isOver(phase: string | undefined): boolean {
  return phase === 'done' || phase === 'skipped';
}
