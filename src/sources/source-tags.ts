import type { Progress } from '../core/index.ts';
import type { Repository, Snapshot } from '../repository/index.ts';
import type { SourceKind } from './source.ts';

/** What tells snapshots of a source from all others; restic shows and filters by it. */
export function tagsOf(kind: SourceKind, source: string): readonly string[] {
  return ['lifeboat', kindTag(kind), sourceTag(source)];
}

export function kindTag(kind: SourceKind): string {
  return `kind:${kind}`;
}

export function sourceTag(source: string): string {
  return `source:${source}`;
}

/** Of one kind, and of one source if it is named; newest first. What is damaged is a warning, or an error without `progress`. */
export async function snapshotsOfKind(
  repository: Repository,
  kind: SourceKind,
  source?: string,
  progress?: Progress,
): Promise<readonly Snapshot[]> {
  const tags = [kindTag(kind), ...(source === undefined ? [] : [sourceTag(source)])];
  const all = await repository.snapshots(progress ? { progress } : {});
  return all.filter((each) => tags.every((tag) => each.tags.includes(tag)));
}
