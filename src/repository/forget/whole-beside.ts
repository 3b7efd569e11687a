import type { DatedSnapshot, RuleKeeps, RuleVerdict } from './apply-rules.ts';
import { bucketOf } from './bucket.ts';
import { type Period, periods } from './retention-policy.ts';
import { flaggedTag, incompleteTag } from './special-tags.ts';

/**
 * restic's rules keep the newest snapshot of an hour, day ... even if it lacks what could not be read and a whole one of that day would
 * go. For each bucket that only incomplete snapshots stand for: the newest whole one in it, unflagged if there is one, with
 * what keeps it. Nothing that the rules keep goes for it: the newer one may hold what is nowhere else.
 */
export function wholeBeside<Item extends DatedSnapshot>(
  newestFirst: readonly Item[],
  verdictOf: (each: Item) => RuleVerdict | undefined,
): ReadonlyMap<Item, readonly RuleKeeps[]> {
  const buckets = new Map<string, { readonly keeps: RuleKeeps; stands: Item; isWhole: boolean }>();
  for (const each of newestFirst) {
    for (const keeps of verdictOf(each)?.keeps ?? []) {
      if (periodOf(keeps) === undefined) continue;
      const key = `${keeps.rule}: ${keeps.bucket}`;
      const known = buckets.get(key);
      if (known === undefined) {
        buckets.set(key, { keeps, stands: each, isWhole: isWhole(each) });
      } else known.isWhole ||= isWhole(each);
    }
  }
  const beside = new Map<Item, RuleKeeps[]>();
  for (const { keeps, stands, isWhole: isCovered } of buckets.values()) {
    if (isCovered) continue;
    const period = periodOf(keeps) as Period;
    const whole = newestFirst.filter(
      (each) => isWhole(each) && bucketOf(each.written, period) === keeps.bucket,
    );
    const chosen = whole.find(({ tags }) => !tags.includes(flaggedTag)) ?? whole[0];
    if (chosen === undefined) continue;
    const { rule, bucket } = keeps;
    const reason: RuleKeeps = { rule, ...(bucket ? { bucket } : {}), beside: stands.id };
    beside.set(chosen, [...(beside.get(chosen) ?? []), reason]);
  }
  return beside;
}

export function isWhole({ tags }: Pick<DatedSnapshot, 'tags'>): boolean {
  return !tags.includes(incompleteTag);
}

/** Of a rule that has buckets of time. */
function periodOf({ rule }: RuleKeeps): Period | undefined {
  return periods.find((period) => rule.startsWith(`${period} `));
}
