import type { PlanFacts } from '../facts.ts';
import { findSituations } from '../find-situations.ts';
import type { Plan } from '../plan.ts';
import { type PlanFinding, warning } from './plan-finding.ts';

/** Sources that were hit and that this plan leaves as they are. */
export function checkAnswered(plan: Plan, facts: PlanFacts): readonly PlanFinding[] {
  return facts.sources
    .filter(({ name }) => !plan.sources.includes(name))
    .flatMap((source) => {
      const [worst] = findSituations(source, facts);
      if (worst === undefined) return [];
      const fact = `this plan does nothing for ${source.name} (${worst.evidence})`;
      const remedy = `\`lifeboat plan ${source.name}\` says what stands against it.`;
      return [warning('answered', fact, remedy)];
    });
}
