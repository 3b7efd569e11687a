import { createPlatforms } from '../../platforms/index.ts';
import {
  assessDamage,
  buildPlan,
  type ChosenMethod,
  checkPlan,
  chooseMethod,
  createGround,
  type DamageReport,
  defaultGrounds,
  type GatheredFacts,
  gatherFacts,
  knownStepKinds,
  type Plan,
  type PlanFinding,
  type RunMode,
  type Surroundings,
} from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import type { KnownIncident } from '../incident/known-incident.ts';
import type { KnownWish } from '../plan-wish.ts';

/** What was looked at, and whose recovery is planned. */
export interface PlanGround {
  readonly surroundings: Surroundings;
  readonly context: CommandContext;
  readonly incident: KnownIncident;
  readonly sources: readonly string[];
}

/** A plan and what stands against it; without a plan the choice says why. */
export type MadePlan =
  | { readonly plan: Plan; readonly findings: readonly PlanFinding[] }
  | { readonly plan?: undefined; readonly chosen: ChosenMethod };

/** Looks at the damage. Changes nothing. */
export async function lookAtDamage(
  { surroundings, context, sources }: Omit<PlanGround, 'incident'>,
  isQuick = false,
): Promise<DamageReport> {
  const { environment, signal, output } = context;
  return await assessDamage({
    surroundings,
    platforms: createPlatforms({ environment }),
    sources,
    ...(isQuick ? { isQuick: true } : {}),
    signal,
    progress: output.progress,
  });
}

/** Everything a plan depends on, as it is now. */
export async function factsOf(
  { surroundings, context, incident }: PlanGround,
  report: DamageReport,
  { wish, named }: KnownWish,
): Promise<GatheredFacts> {
  const { environment, signal, output } = context;
  const { sources: _, addedSources: __, ...known } = incident;
  return await gatherFacts({
    surroundings,
    platforms: createPlatforms({ environment }),
    report,
    incident: known,
    wish,
    ...(named ? { named } : {}),
    makeGround: (setting) => createGround(setting, surroundings),
    defaultGround: async (source) => (await defaultGrounds(source))[0]?.ground,
    signal,
    progress: output.progress,
  });
}

/** Chooses the way, writes its steps down, and checks them. Changes nothing. */
export async function makePlan(
  ground: PlanGround,
  report: DamageReport,
  wish: KnownWish,
  mode: RunMode,
): Promise<MadePlan> {
  const { surroundings, context } = ground;
  const { facts, places, seen } = await factsOf(ground, report, wish);
  const chosen = chooseMethod(facts);
  const { method } = chosen;
  if (method === undefined) return { chosen };
  const plan = buildPlan({
    facts,
    configuration: surroundings.configuration,
    chosen: { ...chosen, method },
    mode,
    places,
    seen,
  });
  const kinds = await knownStepKinds();
  const findings = await checkPlan({ plan, facts, surroundings, kinds, signal: context.signal });
  return { plan, findings };
}
