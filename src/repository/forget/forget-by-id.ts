import type { Snapshot, SnapshotId } from '../repository.ts';
import { isCheckpoint, isFlagged } from './decide.ts';
import { describeGroup } from './describe-group.ts';
import type { SnapshotGroup } from './group-snapshots.ts';
import type { ForgetGroup } from './plan-by-policy.ts';
import { refused } from './refused.ts';

/**
 * Exactly the named ones go. Refused when a group would be left with fewer than `minimum` restore points (default 1), or with
 * flagged ones only, or when one is in `needed`. Groups of which nothing goes are left out. Errors: `retention.refused`.
 */
export function planById(
  groups: readonly SnapshotGroup<Snapshot>[],
  ids: ReadonlySet<SnapshotId>,
  minimum = 1,
  needed: ReadonlySet<string> = new Set(),
): readonly ForgetGroup[] {
  const plans: ForgetGroup[] = [];
  for (const { key, snapshots } of groups) {
    if (!snapshots.some(({ id }) => ids.has(id))) continue;
    const points = snapshots.filter((each) => !isCheckpoint(each));
    const goes = points.filter(({ id }) => ids.has(id));
    const stay = points.filter(({ id }) => !ids.has(id));
    if (goes.length > 0 && stay.length < minimum) {
      throw refused(
        `${stay.length} of ${points.length} snapshots of ${describeGroup(key)} would stay, the floor is ${minimum}`,
        `Nothing was removed. If they shall go all the same: --minimum ${stay.length}.`,
      );
    }
    const opener = goes.find(({ id }) => needed.has(id));
    if (opener !== undefined) {
      throw refused(
        `snapshot ${opener.id.slice(0, 8)} of ${describeGroup(key)} opens the recovery window that is promised`,
        'Nothing was removed. It goes by itself when a newer one opens the window; or shorten `window` in lifeboat.yaml.',
      );
    }
    const losesUnflagged = goes.some((each) => !isFlagged(each)) && stay.every(isFlagged);
    if (minimum > 0 && losesUnflagged) {
      throw refused(
        `only flagged snapshots of ${describeGroup(key)} would stay`,
        'Nothing was removed. Look at what was flagged first; if they shall go all the same: --minimum 0.',
      );
    }
    const decisions = snapshots.map((snapshot) => ({
      snapshot,
      keep: !ids.has(snapshot.id),
      keptBy: [],
      safeguards: [],
      passedOver: [],
      isSuperseded: false,
    }));
    plans.push({ key, decisions, isFrozen: false });
  }
  return plans;
}
