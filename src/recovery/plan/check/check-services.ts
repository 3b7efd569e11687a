import type { ServiceSetting } from '../../../config/index.ts';
import type { PlanFacts } from '../facts.ts';
import { servicePlace } from '../look-at-places.ts';
import type { Plan } from '../plan.ts';
import { ok, type PlanFinding, problem, warning } from './plan-finding.ts';

/** Every service that a step names is configured, and its place has said which one it is. */
export function checkServices(
  plan: Plan,
  facts: PlanFacts,
  services: readonly ServiceSetting[],
): readonly PlanFinding[] {
  const named = [...new Set(plan.steps.flatMap(({ input }) => namesIn(input)))];
  const isIntrusion = plan.method === 'clean-rebuild';
  const found = named.flatMap((name): readonly PlanFinding[] => {
    if (!services.some((each) => each.name === name)) {
      const fact = `the service ${name} is not in the configuration any more`;
      return [problem('services', fact, 'Make a new plan.')];
    }
    if (plan.places[servicePlace(name)] === undefined) {
      const why = facts.unseen.find((each) => each.includes(servicePlace(name)));
      const fact = why ?? `the place of the service ${name} was not asked who it is`;
      const remedy =
        'See that its platform answers from here (`docker`, `kubectl`, `systemctl`), then make a new plan.';
      // What is cut off need not answer to us.
      return [isIntrusion ? warning('places', fact, remedy) : problem('places', fact, remedy)];
    }
    if (facts.services.some((each) => each.name === name && each.status === 'absent')) {
      return [absent(name, plan)];
    }
    return [];
  });
  if (found.length > 0) return found;
  if (named.length > 0) return [ok('services', `known and identified: ${named.join(', ')}`)];
  const isFrozen = plan.steps.some(({ kind }) => kind === 'freeze');
  if (!isFrozen) return [];
  const fact = 'no service is configured that writes to what is recovered: whoever writes goes on';
  return [
    warning(
      'services',
      fact,
      'List the programs that write in `services`, or stop them by hand before the freeze.',
    ),
  ];
}

function absent(name: string, { steps }: Plan): PlanFinding {
  const isMade = steps.some(({ kind, input }) => kind === 'restart' && input.service === name);
  return isMade
    ? warning(
        'services',
        `the service ${name} is not there: it is made again`,
        `If it only has another name now, put services.${name} right first, or there will be two of it.`,
      )
    : warning(
        'services',
        `the service ${name} does not exist where the configuration says`,
        `Compare services.${name} with what runs there; a name may have changed.`,
      );
}

function namesIn({ services, service }: Readonly<Record<string, unknown>>): readonly string[] {
  const all = Array.isArray(services) ? services : [];
  return [...all, service].filter((each): each is string => typeof each === 'string');
}
