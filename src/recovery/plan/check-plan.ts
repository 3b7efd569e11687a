import { silentProgress, steadyNow } from '../../core/index.ts';
import type { Surroundings } from '../surroundings.ts';
import { checkAnswered } from './check/check-answered.ts';
import { checkApprovals } from './check/check-approvals.ts';
import { checkIntrusion } from './check/check-intrusion.ts';
import { checkMoment } from './check/check-moment.ts';
import { checkOrder } from './check/check-order.ts';
import { checkPrograms } from './check/check-programs.ts';
import { checkRestorePoints } from './check/check-restore-points.ts';
import { checkRoom } from './check/check-room.ts';
import { checkServices } from './check/check-services.ts';
import { checkSteps, type KnownStepKinds } from './check/check-steps.ts';
import { type PlanFinding, problem, warning } from './check/plan-finding.ts';
import type { PlanFacts } from './facts.ts';
import { describeForeign, hasForeignGround } from './foreign-cluster.ts';
import { lackOf } from './gone-from.ts';
import type { Plan } from './plan.ts';

export interface CheckPlanRequest {
  readonly plan: Plan;
  /** Of now, also when the plan is older. */
  readonly facts: PlanFacts;
  readonly surroundings: Surroundings;
  /** Code of the steps; undefined: their own checks are left out. */
  readonly kinds?: KnownStepKinds;
  readonly signal?: AbortSignal;
}

/**
 * What stands against carrying a plan out, found without changing anything: order, approvals, services and who they are, restore points
 * and proofs, programs, room, grounds, and what each step says itself. Problems first. Errors: `cancelled`.
 */
export async function checkPlan(request: CheckPlanRequest): Promise<readonly PlanFinding[]> {
  const { plan, facts, surroundings, kinds } = request;
  const { configuration } = surroundings;
  const signal = request.signal ?? new AbortController().signal;
  const found: PlanFinding[] = [
    ...checkOrder(plan),
    ...checkAnswered(plan, facts),
    ...checkApprovals(plan, configuration.recovery),
    ...checkServices(plan, facts, configuration.services),
    ...checkGrounds(plan, facts),
    ...checkIntrusion(plan, facts),
    ...checkRestorePoints(plan, facts),
    ...checkMoment(plan, facts),
    ...(await checkPrograms(plan, facts, configuration)),
    ...(await checkRoom(plan, facts, configuration)),
  ];
  if (kinds !== undefined) {
    found.push(
      ...(await checkSteps(plan, kinds, {
        surroundings,
        incident: plan.incident,
        token: plan.id,
        folder: configuration.scratchFolder ?? configuration.stateFolder,
        outcomes: {},
        tell: async () => {},
        progress: silentProgress,
        signal,
        now: steadyNow,
        willRemove: async () => {},
      })),
    );
  }
  const order = { problem: 0, warning: 1, ok: 2 };
  return found.toSorted((a, b) => order[a.outcome] - order[b.outcome]);
}

function checkGrounds({ steps }: Plan, { sources, unseen }: PlanFacts): readonly PlanFinding[] {
  const delivered = steps.filter(({ kind }) => kind === 'deliver').map(({ input }) => input.source);
  return [
    ...sources
      .filter(({ name }) => delivered.includes(name))
      .flatMap((source) => {
        const { name, ground, server } = source;
        if (ground === undefined) {
          const fact = `nobody says where ${name} is to be put`;
          return [problem('ground', fact, `Set sources.${name}.ground.`)];
        }
        const lacks = source.kind === 'postgres' ? lackOf(ground) : undefined;
        if (server === 'up' && lacks !== undefined && !ground.isElsewhere) {
          const fact = `${lacks}, and the server works: its data is somewhere else`;
          const remedy = `If it is to go back to where it is: set sources.${name}.ground to that place.`;
          return [warning('ground', fact, remedy)];
        }
        if (server === 'up' && hasForeignGround(source)) {
          const fact = `${describeForeign(source)}, and the server works: its data is somewhere else`;
          const remedy = `What lies there would be put aside: set sources.${name}.ground to the place of ${name}.`;
          return [warning('ground', fact, remedy)];
        }
        if (ground.problem === undefined) return [];
        const fact = `${ground.text}: ${ground.problem}`;
        return [problem('ground', fact, 'See that it can be reached from here.')];
      }),
    ...unseen
      .filter((each) => each.includes('its repository does not open'))
      .map((each) => warning('repository', each, 'What the copy lacks is not in this plan.')),
  ];
}
