import type { RecoveryFile } from '../../../config/index.ts';
import type { Authority, Plan } from '../plan.ts';
import { ok, type PlanFinding, problem } from './plan-finding.ts';

/** Somebody may give each approval that the plan asks for, and as many different people as it wants. */
export function checkApprovals(
  { steps }: Plan,
  { people }: Pick<RecoveryFile, 'people'>,
): readonly PlanFinding[] {
  const wanted = new Map<Authority, number>();
  for (const { approval } of steps) {
    if (approval === undefined) continue;
    const { authority, persons } = approval;
    wanted.set(authority, Math.max(persons, wanted.get(authority) ?? 0));
  }
  const found = [...wanted].flatMap(([authority, persons]) => {
    const able = Object.entries(people ?? {}).filter(([, { may }]) => may.includes(authority));
    if (people === undefined) {
      if (persons === 1) return [];
      const fact = `${authority} is to be allowed by two people, and nobody says who is who`;
      return [problem('approvals', fact, 'List them in recovery.people.')];
    }
    if (able.length >= persons) return [];
    const fact =
      able.length === 0
        ? `nobody may allow ${authority}`
        : `${authority} is to be allowed by two people, and only ${able[0]?.[0]} may`;
    return [
      problem('approvals', fact, `Add ${authority} to \`may\` of somebody in recovery.people.`),
    ];
  });
  if (found.length > 0) return found;
  const names = [...wanted.keys()].join(', ');
  return [
    ok('approvals', wanted.size === 0 ? 'nobody is asked' : `somebody may give each: ${names}`),
  ];
}
