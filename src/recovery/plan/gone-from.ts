import { holdsFiles } from '../../config/index.ts';
import type { SourceFacts } from './facts.ts';

/**
 * The server does not work, and the place its data is in holds nothing: somebody removed the volume, or its disk is not mounted. Started
 * again it would make a new and empty cluster there, or none.
 */
export function goneFrom({ server, ground, kind }: SourceFacts): string | undefined {
  const isDown = server === 'down' || server === 'unknown';
  if (holdsFiles(kind) || !isDown || ground?.isEmpty !== true || ground.isElsewhere)
    return undefined;
  return `the server does not work, and ${ground.text} holds nothing`;
}
