import { silentProgress, throwIfAborted } from '../../core/index.ts';
import { matchesFilter, type SnapshotFilter } from '../browse/snapshot-filter.ts';
import { isMark } from '../forget/special-tags.ts';
import { parseObject } from '../format/json-shape.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import type { OperationOptions, Snapshot, SnapshotId } from '../repository.ts';
import { listSnapshots } from '../snapshot-list.ts';
import {
  aboutFile,
  type RepositoryAccess,
  readStoredJson,
  writeStoredJson,
} from '../stored-file.ts';

export interface TagOptions extends OperationOptions {
  /** Only these; default all that the filter lets through. */
  readonly ids?: readonly SnapshotId[];
  readonly filter?: SnapshotFilter;
  /** Instead of all they have but those that Lifeboat itself sets. Excludes `add` and `remove`. */
  readonly set?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

export interface TagReport {
  /** A snapshot with other tags is another file, so its id changes. */
  readonly changed: readonly {
    readonly before: SnapshotId;
    readonly after: SnapshotId;
    readonly tags: readonly string[];
  }[];
  readonly unchanged: number;
}

/**
 * Gives snapshots other tags, under the exclusive lock. The new file is durable before the old one goes; whatever interrupts this,
 * each snapshot is there at least once. Errors: `repository.locked`.
 */
export async function tagSnapshots(
  access: RepositoryAccess,
  options: TagOptions,
): Promise<TagReport> {
  const { ids, filter = {}, signal, progress = silentProgress, lockWaitMs } = options;
  await using lock = await RepositoryLock.acquire(access, {
    exclusive: true,
    operation: 'tag',
    waitMs: lockWaitMs,
    signal,
    progress,
  });
  const all = await listSnapshots(access, { progress, ...(signal ? { signal } : {}) });
  const meant = all.filter(
    (each) => (ids === undefined || ids.includes(each.id)) && matchesFilter(each, filter),
  );
  const changed: TagReport['changed'][number][] = [];
  for (const snapshot of meant) {
    throwIfAborted(signal);
    const tags = tagsAfter(snapshot.tags, options);
    if (tags.join('\0') === snapshot.tags.join('\0')) continue;
    lock.assertHeld();
    const after = twinOf(snapshot, tags, all) ?? (await rewrite(access, snapshot, tags, signal));
    await access.location.remove('snapshots', snapshot.id, signal);
    changed.push({ before: snapshot.id, after, tags });
  }
  return { changed, unchanged: meant.length - changed.length };
}

/** What an interrupted run has written already. */
function twinOf(
  snapshot: Snapshot,
  tags: readonly string[],
  all: readonly Snapshot[],
): SnapshotId | undefined {
  const text = ({ id: _, original: _original, tags: _tags, ...others }: Snapshot) =>
    JSON.stringify(others, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  return all.find(
    (each) =>
      each.original === (snapshot.original ?? snapshot.id) &&
      each.id !== snapshot.id &&
      each.tags.join('\0') === tags.join('\0') &&
      text(each) === text(snapshot),
  )?.id;
}

function tagsAfter(
  former: readonly string[],
  { set, add = [], remove = [] }: Pick<TagOptions, 'set' | 'add' | 'remove'>,
): readonly string[] {
  if (set !== undefined) return [...new Set([...tagsOfLifeboat(former, set), ...set])];
  return [...new Set([...former, ...add])].filter((tag) => !remove.includes(tag));
}

/** By which a snapshot is found as that of its source, and told from a whole one: others are not set in their place. */
function tagsOfLifeboat(former: readonly string[], set: readonly string[]): readonly string[] {
  const isOurs = former.includes('lifeboat');
  const prefixes = ['kind:', 'source:'].filter((each) => !set.some((tag) => tag.startsWith(each)));
  return former.filter(
    (tag) =>
      isMark(tag) ||
      (isOurs && (tag === 'lifeboat' || prefixes.some((prefix) => tag.startsWith(prefix)))),
  );
}

/** Everything but tags and `original` stays as it is in the file, also what this program does not know. */
async function rewrite(
  access: RepositoryAccess,
  snapshot: Snapshot,
  tags: readonly string[],
  signal: AbortSignal | undefined,
): Promise<SnapshotId> {
  const json = await readStoredJson(access, 'snapshots', snapshot.id, signal);
  const {
    tags: _,
    original,
    program_version,
    summary,
    ...others
  } = aboutFile('snapshots', snapshot.id, () => parseObject(json, 'snapshot'));
  // In restic's order of fields.
  const rewritten = {
    ...others,
    ...(tags.length === 0 ? {} : { tags }),
    original: original ?? snapshot.id,
    ...(program_version === undefined ? {} : { program_version }),
    ...(summary === undefined ? {} : { summary }),
  };
  const name = await writeStoredJson(access, 'snapshots', JSON.stringify(rewritten), signal);
  // The old one goes only when this one can be read.
  await readStoredJson(access, 'snapshots', name, signal);
  return name as SnapshotId;
}
