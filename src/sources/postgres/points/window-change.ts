import type { Progress } from '../../../core/index.ts';
import {
  type Repository,
  type Snapshot,
  type SnapshotId,
  sourceOf,
} from '../../../repository/index.ts';
import { kindTag } from '../../source-tags.ts';
import { listRecoveryPoints, type RecoveryWindow } from './recovery-windows.ts';

/** What a source can be restored to, before and after snapshots of it go. The newest window first. */
export interface WindowChange {
  readonly source: string;
  readonly before: readonly RecoveryWindow[];
  readonly after: readonly RecoveryWindow[];
}

/** For each PostgreSQL source of which a snapshot goes. Nothing is removed here. */
export async function recoveryWindowChanges(request: {
  readonly repository: Repository;
  readonly removed: readonly Snapshot[];
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<readonly WindowChange[]> {
  const { repository, removed, ...options } = request;
  const bases = removed.filter(({ tags }) => tags.includes(kindTag('postgres')));
  const ids = new Set(bases.map(({ id }) => id));
  const changes: WindowChange[] = [];
  for (const source of new Set(bases.map(({ tags }) => sourceOf(tags)))) {
    if (source === '') continue;
    const windows = async (seen: Repository) =>
      (await listRecoveryPoints({ repository: seen, source, ...options })).windows;
    changes.push({
      source,
      before: await windows(repository),
      after: await windows(withoutSnapshots(repository, ids)),
    });
  }
  return changes;
}

/** The repository as if these snapshots were not there. */
function withoutSnapshots(repository: Repository, ids: ReadonlySet<SnapshotId>): Repository {
  const snapshots: Repository['snapshots'] = async (options) =>
    (await repository.snapshots(options)).filter(({ id }) => !ids.has(id));
  return new Proxy(repository, {
    get(target, name) {
      if (name === 'snapshots') return snapshots;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
