import { hostname } from 'node:os';
import { isCompromised } from '../compromised.ts';
import type { PlanFacts } from '../facts.ts';
import type { Plan } from '../plan.ts';
import { ok, type PlanFinding, problem, warning } from './plan-finding.ts';

/** After an intrusion nothing is put where the intruder was; and we had better not be there ourselves. */
export function checkIntrusion(plan: Plan, facts: PlanFacts): readonly PlanFinding[] {
  if (plan.method !== 'clean-rebuild') return [];
  const sources = facts.sources.filter(({ name }) => plan.sources.includes(name));
  const found = sources.flatMap((source): readonly PlanFinding[] => {
    const { ground, name } = source;
    if (ground === undefined) {
      const fact = `nobody says where ${name} is to be put`;
      return [problem('intrusion', fact, `Set sources.${name}.ground to new infrastructure.`)];
    }
    const why = isCompromised(ground, source, facts.services);
    if (why === undefined) return [];
    const remedy = `Set sources.${name}.ground to new infrastructure, and make a new plan.`;
    return [
      problem(
        'intrusion',
        `${ground.text} is ${why}: what is compromised is never used again`,
        remedy,
      ),
    ];
  });
  const here = isCompromised({ host: hostname() }, { name: '', place: {} }, facts.services);
  const isHere = here !== undefined || sources.some(({ place }) => place.host === hostname());
  if (isHere) {
    found.push(
      warning(
        'intrusion',
        'this host is one of those that the intruder may have had: what runs here cannot be trusted, this program included',
        'Run the recovery from a clean host: the address of the repository and its password are all that it needs.',
      ),
    );
  }
  return found.length > 0 ? found : [ok('intrusion', 'nothing is put where the intruder was')];
}
