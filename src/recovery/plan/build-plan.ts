import type { Configuration, Environment } from '../../config/index.ts';
import { withApprovals } from './build/approvals.ts';
import { assembleSteps } from './build/assemble.ts';
import type { ChosenMethod, SourceChoice } from './choose-method.ts';
import type { PlanFacts, SourceFacts } from './facts.ts';
import type { Alternative, Plan, PlanSeen, RunMode } from './plan.ts';
import { predict } from './predict.ts';
import { sealPlan } from './seal-plan.ts';

export interface BuildPlanRequest {
  readonly facts: PlanFacts;
  readonly configuration: Configuration;
  /** With a method: what fits nothing cannot be built. */
  readonly chosen: ChosenMethod & { readonly method: NonNullable<ChosenMethod['method']> };
  readonly mode: RunMode;
  readonly places: Plan['places'];
  readonly seen: PlanSeen;
}

/** Turns a choice into the steps that will be taken. Pure, but for nothing: the same facts give the same plan, with the same id. */
export function buildPlan(request: BuildPlanRequest): Plan {
  const { facts, configuration, chosen, mode, places, seen } = request;
  const building = { facts, configuration, mode };
  const { choices } = chosen;
  const drafts = assembleSteps(building, choices, places);
  const sources = choices.map(({ source }) => source);
  const environment = gravestEnvironment(
    facts.sources.filter(({ name }) => sources.includes(name)),
  );
  const target = targetOf(choices);
  return sealPlan({
    format: 1,
    incident: facts.incident.id,
    createdAt: facts.time,
    mode,
    method: chosen.method,
    reasons: chosen.reasons,
    alternatives: chosen.alternatives.map((each): Alternative => {
      const { method, fits, reason } = each;
      if (!fits) return { method, fits, reason };
      const steps = assembleSteps(building, each.choices, places);
      return { method, fits, reason, predicted: predict(steps, each.choices, facts) };
    }),
    sources,
    ...(target === undefined ? {} : { target }),
    predicted: predict(drafts, choices, facts),
    places,
    seen,
    steps: withApprovals(drafts, environment, configuration.recovery),
  });
}

/** Of the source that is hit hardest; every step has its own in its input. */
function targetOf(choices: readonly SourceChoice[]): Plan['target'] {
  const choice = choices.find(({ moment }) => moment !== undefined);
  if (choice?.moment === undefined) return undefined;
  const { target, text, snapshot } = choice.moment;
  return { source: choice.source, text, target, ...(snapshot === undefined ? {} : { snapshot }) };
}

/** Who is asked with several sources: as for the one that matters most. */
function gravestEnvironment(sources: readonly Pick<SourceFacts, 'environment'>[]): Environment {
  const order: readonly Environment[] = ['production', 'staging', 'development'];
  return (
    order.find((each) => sources.some(({ environment }) => environment === each)) ?? 'production'
  );
}
