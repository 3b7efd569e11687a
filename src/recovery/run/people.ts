import type { AuthorityName, RecoveryFile } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { Approval, Plan } from '../plan/plan.ts';

export interface Person {
  readonly name: string;
  readonly may: readonly AuthorityName[];
}

const everything: readonly AuthorityName[] = [
  'execute',
  'accept-data-loss',
  'business-continuity',
  'security-clearance',
];

/** Whose account this is. Where nobody is configured every account is a person who may allow everything. */
export function personOf({ people }: RecoveryFile, actor: string, host: string): Person {
  if (!people) return { name: actor, may: everything };
  const found = Object.entries(people).find(([name, { accounts = [name] }]) =>
    [actor, `${actor}@${host}`].some((account) => accounts.includes(account)),
  );
  return found ? { name: found[0], may: found[1].may } : { name: actor, may: [] };
}

export function mayAllow(person: Person, { authority }: Pick<Approval, 'authority'>): boolean {
  return person.may.includes(authority);
}

/** How many different people have to allow it. */
export function personsNeeded(recovery: RecoveryFile, { authority, persons }: Approval): number {
  return recovery.twoPersons?.includes(authority) ? Math.max(2, persons) : persons;
}

/** Names of those who may; undefined: anybody. */
export function whoMay(
  { people }: RecoveryFile,
  { authority }: Pick<Approval, 'authority'>,
): readonly string[] | undefined {
  if (!people) return undefined;
  return Object.entries(people)
    .filter(([, { may }]) => may.includes(authority))
    .map(([name]) => name);
}

/** Errors: `plan.refused` when a step could never be allowed: too few people may. Better known now than in the middle. */
export function requireEnoughPeople(recovery: RecoveryFile, { steps }: Plan): void {
  for (const { approval, title } of steps) {
    const able = approval && whoMay(recovery, approval);
    if (!approval || !able || able.length >= personsNeeded(recovery, approval)) continue;
    throw new LifeboatError(
      'plan.refused',
      `nobody could allow "${title}": it takes ${personsNeeded(recovery, approval)} who may ${approval.authority}, and ${able.length === 0 ? 'nobody' : `only ${able.join(', ')}`} may`,
      { hint: 'Give somebody this authority in `recovery.people` of lifeboat.yaml.' },
    );
  }
}
