import { holdsFiles } from '../../config/index.ts';
import type { GroundFacts, SourceFacts } from './facts.ts';

/**
 * The server does not work, and the place its data is in holds nothing, or files that are none of a cluster: somebody removed the volume or
 * what was in it, or its disk is not mounted. Started again it would make a new and empty cluster there, or none.
 */
export function goneFrom({ server, ground, kind }: SourceFacts): string | undefined {
  const isDown = server === 'down' || server === 'unknown';
  if (holdsFiles(kind) || !isDown || ground === undefined || ground.isElsewhere) return undefined;
  const lacks = lackOf(ground);
  return lacks === undefined ? undefined : `the server does not work, and ${lacks}`;
}

/** One sentence: why no cluster can be in this place; undefined: one may be. */
export function lackOf({ text, isEmpty, hasNoCluster }: GroundFacts): string | undefined {
  if (isEmpty) return `${text} holds nothing`;
  return hasNoCluster ? `${text} holds files, and no data of a PostgreSQL server` : undefined;
}
