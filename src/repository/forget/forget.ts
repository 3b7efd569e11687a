import { isLifeboatError, silentProgress, throwIfAborted } from '../../core/index.ts';
import { matchesFilter, type SnapshotFilter } from '../browse/snapshot-filter.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import type { OperationOptions, Snapshot, SnapshotId } from '../repository.ts';
import { listSnapshots } from '../snapshot-list.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import { planById } from './forget-by-id.ts';
import { defaultGroupBy, type GroupField, groupSnapshots } from './group-snapshots.ts';
import { type ForgetGroup, planByPolicy } from './plan-by-policy.ts';
import type { RetentionPolicy } from './retention-policy.ts';

export interface ForgetOptions extends OperationOptions {
  /** What to keep. Either this or `ids`. */
  readonly policy?: RetentionPolicy;
  /** Exactly these go, as far as the floor allows: `minimum` restore points of each group stay (default 1). */
  readonly ids?: readonly SnapshotId[];
  readonly minimum?: number;
  /** Which snapshots the policy is about; the others are left alone. */
  readonly filter?: SnapshotFilter;
  /** Default host and paths. */
  readonly groupBy?: readonly GroupField[];
  /** Snapshots that stay because a recovery window needs them; asked for under the lock. When it throws nothing goes. */
  readonly needed?: () => Promise<ReadonlySet<string>>;
  /** Only says what would go. Takes no lock. */
  readonly dryRun?: boolean;
  /** Called under the lock, before anything goes. When it throws nothing does. */
  readonly beforeRemoval?: (plan: ForgetPlan) => Promise<void>;
}

export interface ForgetPlan {
  readonly groups: readonly ForgetGroup[];
  readonly keep: readonly Snapshot[];
  readonly remove: readonly Snapshot[];
}

export interface ForgetReport extends ForgetPlan {
  readonly dryRun: boolean;
  readonly removed: readonly SnapshotId[];
  /** Those that the location did not let go, with what it said. They are still whole. */
  readonly failed: readonly { readonly id: SnapshotId; readonly problem: string }[];
}

/**
 * Removes snapshots by policy or by id. What only they refer to is left for prune. Snapshots are listed, judged and removed
 * under the exclusive lock. Errors: `repository.locked` names the holder; `retention.refused`; `usage.invalid`.
 */
export async function forget(
  access: RepositoryAccess,
  options: ForgetOptions,
): Promise<ForgetReport> {
  const { dryRun = false, signal, progress, beforeRemoval } = options;
  if (dryRun) {
    const plan = await makePlan(access, options);
    await beforeRemoval?.(plan);
    return { ...plan, dryRun, removed: [], failed: [] };
  }
  await using lock = await RepositoryLock.acquire(access, {
    exclusive: true,
    operation: 'forget',
    waitMs: options.lockWaitMs,
    signal,
    progress,
  });
  const plan = await makePlan(access, options);
  await beforeRemoval?.(plan);
  if (plan.remove.length > 0) await lock.confirmHeld(signal);
  const removal = await removeSnapshots(access, lock, plan.remove, options);
  return { ...plan, dryRun, ...removal };
}

async function makePlan(access: RepositoryAccess, options: ForgetOptions): Promise<ForgetPlan> {
  const { policy, ids, filter = {}, groupBy = defaultGroupBy, progress, signal } = options;
  const all = await listSnapshots(access, {
    progress: progress ?? silentProgress,
    ...(signal ? { signal } : {}),
  });
  const needed = await options.needed?.();
  const groups =
    ids === undefined
      ? planByPolicy(
          groupSnapshots(
            all.filter((each) => matchesFilter(each, filter)),
            groupBy,
          ),
          policy ?? {},
          new Date(),
          needed,
        )
      : planById(groupSnapshots(all, groupBy), new Set(ids), options.minimum, needed);
  const decisions = groups.flatMap((group) => group.decisions);
  return {
    groups,
    keep: decisions.filter(({ keep }) => keep).map(({ snapshot }) => snapshot),
    remove: decisions.filter(({ keep }) => !keep).map(({ snapshot }) => snapshot),
  };
}

async function removeSnapshots(
  access: RepositoryAccess,
  lock: RepositoryLock,
  snapshots: readonly Snapshot[],
  { signal, progress = silentProgress }: OperationOptions,
): Promise<Pick<ForgetReport, 'removed' | 'failed'>> {
  const removed: SnapshotId[] = [];
  const failed: { id: SnapshotId; problem: string }[] = [];
  if (snapshots.length === 0) return { removed, failed };
  const task = 'forget';
  progress({ type: 'begin', task, title: 'removing snapshots' });
  try {
    // The oldest first: whatever interrupts this, the newest are there.
    for (const { id } of snapshots.toReversed()) {
      throwIfAborted(signal);
      lock.assertHeld();
      try {
        await access.location.remove('snapshots', id, signal);
        removed.push(id);
      } catch (error) {
        // A retained or append-only file; the others may go.
        if (!isLifeboatError(error, 'location.refused')) throw error;
        failed.push({ id, problem: error.message });
      }
      progress({
        type: 'progress',
        task,
        done: removed.length,
        total: snapshots.length,
        unit: 'snapshots',
      });
    }
  } finally {
    progress({ type: 'end', task, summary: `${removed.length} of ${snapshots.length}` });
  }
  return { removed, failed };
}
