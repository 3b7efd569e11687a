import { type PlanFinding, problem, warning } from './check/plan-finding.ts';
import type { GatheredFacts } from './gather-facts.ts';
import { movedPlaces } from './look-at-places.ts';
import type { Plan } from './plan.ts';

/**
 * What has changed since a plan was made; asked before it is carried out. Another place or another cluster, and another configuration,
 * are problems: the plan would do something else than was agreed. A newer snapshot may only mean that less need be lost.
 */
export function changedSince(
  plan: Plan,
  now: Pick<GatheredFacts, 'places' | 'seen'>,
): readonly PlanFinding[] {
  const again = 'Make a new plan, and have it agreed to again.';
  const found = movedPlaces(plan.places, now.places).map((fact) => problem('changed', fact, again));
  for (const name of Object.keys(plan.places)) {
    if (now.places[name] !== undefined) continue;
    found.push(
      problem('changed', `${name} does not say any more who it is`, 'See that it answers.'),
    );
  }
  const { seen } = plan;
  if (seen === undefined) return found;
  if (seen.configuration !== now.seen.configuration) {
    found.push(problem('changed', 'the configuration was changed since the plan was made', again));
  }
  for (const [name, former] of Object.entries(seen.sources)) {
    const { systemId, newestSnapshot } = now.seen.sources[name] ?? {};
    if (former.systemId !== undefined && systemId !== undefined && systemId !== former.systemId) {
      const fact = `another cluster answers for ${name} than when the plan was made`;
      found.push(problem('changed', fact, again));
    }
    if (newestSnapshot !== former.newestSnapshot) {
      const fact = `the newest snapshot of ${name} is another one than when the plan was made`;
      found.push(warning('changed', fact, 'A new plan may lose less.'));
    }
  }
  return found;
}
