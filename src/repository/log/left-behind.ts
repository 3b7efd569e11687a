import { sourceOf } from '../forget/group-snapshots.ts';
import type { Snapshot } from '../repository.ts';

/** Something that stock tools leave when they copy or forget snapshots and do not know the logs beside them. */
export interface LeftBehind {
  readonly source: string;
  readonly kind: 'log-without-snapshot' | 'snapshots-without-log';
  readonly fact: string;
  readonly remedy: string;
}

/** Compares the snapshots that have a log with the logs that are there. */
export function leftBehind(
  snapshots: readonly Pick<Snapshot, 'tags'>[],
  logNames: readonly string[],
): readonly LeftBehind[] {
  const withLog = snapshots.filter(({ tags }) => tags.includes('kind:postgres'));
  const sources = new Set(withLog.map(({ tags }) => sourceOf(tags)).filter((name) => name !== ''));
  const logs = new Set(logNames);
  const orphans = logNames
    .filter((name) => !sources.has(name))
    .map((source): LeftBehind => {
      const fact = `the log of ${source} has no snapshot to begin with: nothing can be restored from it`;
      const remedy = `Take a backup: \`lifeboat backup ${source}\`. Stock \`restic forget\` and \`restic copy\` do not know logs.`;
      return { source, kind: 'log-without-snapshot', fact, remedy };
    });
  const bare = [...sources]
    .filter((name) => !logs.has(name))
    .map((source): LeftBehind => {
      const fact = `there are snapshots of ${source} and no log: only their own moments can be restored`;
      const remedy =
        'If stock `restic copy` brought them, `lifeboat copy` brings the log. If nobody streams it, run `lifeboat serve`.';
      return { source, kind: 'snapshots-without-log', fact, remedy };
    });
  return [...orphans, ...bare];
}
