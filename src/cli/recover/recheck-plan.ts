import { changedSince, checkPlan, knownStepKinds, type Plan } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { describeFindings } from '../output/plan-text.ts';
import { factsOf, lookAtDamage } from './make-plan.ts';
import type { OpenedRuns } from './open-runs.ts';
import { requireUsable } from './require-usable.ts';

/**
 * Looks at everything again before a plan that was made earlier is carried out: is it still the same place, the same cluster, the same
 * configuration, and does nothing stand against it now? Errors: `plan.refused`.
 */
export async function recheckPlan(
  plan: Plan,
  { surroundings }: OpenedRuns,
  context: CommandContext,
): Promise<void> {
  const { output, signal } = context;
  const sources = plan.sources.filter((name) =>
    Object.hasOwn(surroundings.configuration.sources, name),
  );
  const ground = { surroundings, context, sources, incident: { id: plan.incident, sources } };
  output.say(({ dim }) => dim('Looking at everything again before anything is done'));
  const report = await lookAtDamage(ground, true);
  const now = await factsOf(ground, report, { wish: { method: plan.method } });
  const kinds = await knownStepKinds();
  const findings = [
    ...changedSince(plan, now),
    ...(await checkPlan({ plan, facts: now.facts, surroundings, kinds, signal })),
  ];
  for (const finding of findings) output.report({ type: 'plan-finding', ...finding });
  output.say((style) => describeFindings(findings, style));
  requireUsable(findings);
}
