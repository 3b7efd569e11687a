import type { Progress } from '../../../core/index.ts';
import {
  type Log,
  type LogsNeeded,
  type Repository,
  type Snapshot,
  type SnapshotId,
  sourceOf,
} from '../../../repository/index.ts';
import { kindTag } from '../../source-tags.ts';
import { listRecoveryPoints, type RecoveryWindow } from './recovery-windows.ts';

/** What a source can be restored to, before and after snapshots or log of it go. The newest window first. */
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

/** For those of the sources that can be restored to less once their logs hold only what is needed. Nothing is removed here. */
export async function prunedWindowChanges(request: {
  readonly repository: Repository;
  readonly needed: LogsNeeded;
  readonly sources: readonly string[];
  readonly signal?: AbortSignal;
}): Promise<readonly WindowChange[]> {
  const { repository, needed, sources, ...options } = request;
  const pruned = withOnlyNeeded(repository, needed);
  const changes: WindowChange[] = [];
  for (const source of sources) {
    const windows = async (seen: Repository) =>
      (await listRecoveryPoints({ repository: seen, source, ...options })).windows;
    const [before, after] = [await windows(repository), await windows(pruned)];
    if (JSON.stringify(before) === JSON.stringify(after)) continue;
    changes.push({ source, before, after });
  }
  return changes;
}

/** The repository as if these snapshots were not there. */
function withoutSnapshots(repository: Repository, ids: ReadonlySet<SnapshotId>): Repository {
  return withMembers(repository, {
    snapshots: async (options) =>
      (await repository.snapshots(options)).filter(({ id }) => !ids.has(id)),
  });
}

/** The repository as if of its logs only what is needed were there. */
function withOnlyNeeded(repository: Repository, needed: LogsNeeded): Repository {
  return withMembers(repository, {
    log: (name) => {
      const log = repository.log(name);
      const from = needed.get(name);
      const coverage: Log['coverage'] = async (signal) =>
        (await log.coverage(signal)).flatMap((span) => {
          const floor = (typeof from === 'bigint' ? from : from?.get(span.stream)) ?? 0n;
          if (span.end <= floor) return [];
          return [{ ...span, start: span.start < floor ? floor : span.start }];
        });
      return withMembers(log, { coverage });
    },
  });
}

function withMembers<Target extends object>(original: Target, members: Partial<Target>): Target {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
