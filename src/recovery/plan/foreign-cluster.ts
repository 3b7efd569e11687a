import type { SourceFacts } from './facts.ts';

/**
 * Where the server does not let us look, the data in its place says whether it is the cluster that was backed up: one that was made anew (a
 * volume removed, and the containers started again) knows no role of ours, and starting it brings nothing back.
 */
export function seenByGround(source: SourceFacts): SourceFacts {
  return source.server !== 'up' && hasForeignGround(source)
    ? { ...source, server: 'other' }
    : source;
}

/** Another cluster lies in its place. One that was made anew on purpose, and was backed up since, is none. */
export function hasForeignGround({ kind, ground, snapshots: [newest] }: SourceFacts): boolean {
  if (kind !== 'postgres' || ground === undefined || ground.isElsewhere) return false;
  const [found, stored] = [ground.systemId, newest?.systemId];
  return found !== undefined && stored !== undefined && found !== stored;
}

/** One sentence, of a server that is `other`. */
export function describeForeign(source: SourceFacts): string {
  const { text, ground, snapshots } = source;
  if (!hasForeignGround(source)) return `another cluster answers at ${text}`;
  return `${ground?.text} holds another cluster (${ground?.systemId}) than the one that was backed up (${snapshots[0]?.systemId})`;
}
