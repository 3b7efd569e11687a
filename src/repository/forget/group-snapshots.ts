import type { Snapshot } from '../repository.ts';
import { ownTags } from './special-tags.ts';

export const groupFields = ['host', 'paths', 'tags', 'source'] as const;
export type GroupField = (typeof groupFields)[number];

/** What the snapshots of a group have in common; only the fields that were grouped by. */
export interface GroupKey {
  readonly host?: string;
  readonly paths?: readonly string[];
  readonly tags?: readonly string[];
  /** '' where there is no `source:` tag. */
  readonly source?: string;
}

export interface SnapshotGroup<Item> {
  readonly key: GroupKey;
  readonly snapshots: readonly Item[];
}

/** restic's default. */
export const defaultGroupBy: readonly GroupField[] = ['host', 'paths'];

/** In the order in which their first snapshots come. The order of paths and of tags does not matter. */
export function groupSnapshots<Item extends Pick<Snapshot, 'hostname' | 'paths' | 'tags'>>(
  snapshots: readonly Item[],
  groupBy: readonly GroupField[],
): readonly SnapshotGroup<Item>[] {
  const groups = new Map<string, { readonly key: GroupKey; readonly snapshots: Item[] }>();
  for (const snapshot of snapshots) {
    const key = keyOf(snapshot, groupBy);
    const text = JSON.stringify(key);
    const group = groups.get(text) ?? { key, snapshots: [] };
    group.snapshots.push(snapshot);
    groups.set(text, group);
  }
  return [...groups.values()];
}

function keyOf(
  { hostname, paths, tags }: Pick<Snapshot, 'hostname' | 'paths' | 'tags'>,
  groupBy: readonly GroupField[],
): GroupKey {
  return {
    ...(groupBy.includes('host') ? { host: hostname } : {}),
    ...(groupBy.includes('paths') ? { paths: paths.toSorted() } : {}),
    // What a backup is marked with later must not take it out of its group.
    ...(groupBy.includes('tags') ? { tags: ownTags(tags).toSorted() } : {}),
    ...(groupBy.includes('source') ? { source: sourceOf(tags) } : {}),
  };
}

const sourcePrefix = 'source:';

/** The name of the source that a snapshot belongs to; '' when it names none. */
export function sourceOf(tags: readonly string[]): string {
  return tags.find((tag) => tag.startsWith(sourcePrefix))?.slice(sourcePrefix.length) ?? '';
}
