import { hasTags } from '../forget/apply-rules.ts';
import { sourceOf } from '../forget/group-snapshots.ts';
import type { Snapshot } from '../repository.ts';

/** Which snapshots are meant. What is absent or empty does not restrict. */
export interface SnapshotFilter {
  /** Any of them. */
  readonly hosts?: readonly string[];
  /** Lists of tags: every tag of any list. An empty tag means no tag at all. */
  readonly tags?: readonly (readonly string[])[];
  /** All of them, word for word. */
  readonly paths?: readonly string[];
  /** Any of them: the `source:` tag. */
  readonly sources?: readonly string[];
}

export function matchesFilter(
  snapshot: Pick<Snapshot, 'hostname' | 'tags' | 'paths'>,
  { hosts = [], tags = [], paths = [], sources = [] }: SnapshotFilter,
): boolean {
  return (
    (hosts.length === 0 || hosts.includes(snapshot.hostname)) &&
    (tags.length === 0 || tags.some((wanted) => hasTags(snapshot.tags, wanted))) &&
    paths.every((path) => snapshot.paths.includes(path)) &&
    (sources.length === 0 || sources.includes(sourceOf(snapshot.tags)))
  );
}

export function isFiltering({ hosts, tags, paths, sources }: SnapshotFilter): boolean {
  return [hosts, tags, paths, sources].some((each) => each !== undefined && each.length > 0);
}
