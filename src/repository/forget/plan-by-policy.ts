import { LifeboatError } from '../../core/index.ts';
import type { Snapshot } from '../repository.ts';
import { decide, type GroupDecision, isCheckpoint } from './decide.ts';
import { describeGroup } from './describe-group.ts';
import type { GroupKey, SnapshotGroup } from './group-snapshots.ts';
import { refused } from './refused.ts';
import { hasNoRule, type RetentionPolicy } from './retention-policy.ts';

export interface ForgetGroup extends GroupDecision {
  readonly key: GroupKey;
}

/** Errors: `usage.invalid` without any rule, `retention.refused` when a group would lose its last restore point. */
export function planByPolicy(
  groups: readonly SnapshotGroup<Snapshot>[],
  policy: RetentionPolicy,
  now: Date,
  needed?: ReadonlySet<string>,
): readonly ForgetGroup[] {
  if (hasNoRule(policy)) {
    throw new LifeboatError(
      'usage.invalid',
      'the policy has no rule: it says of nothing to keep it',
      {
        hint: 'Give at least one --keep option, for example --keep-daily 7.',
      },
    );
  }
  return groups.map(({ key, snapshots }) => {
    const group = decide(snapshots, policy, now, needed);
    const points = group.decisions.filter(
      ({ snapshot, safeguards }) => !isCheckpoint(snapshot) && !safeguards.includes('future'),
    );
    if (points.length > 0 && points.every(({ keep }) => !keep)) {
      throw refused(
        `the policy keeps none of the ${points.length} snapshots of ${describeGroup(key)}`,
        'Nothing was removed. Widen the policy, or remove snapshots by their ids.',
      );
    }
    return { key, ...group };
  });
}
