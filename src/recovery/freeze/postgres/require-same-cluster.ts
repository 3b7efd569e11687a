import { LifeboatError } from '../../../core/index.ts';
import type { FrozenDatabase } from '../freeze-record.ts';
import type { ServerDesk } from './server-desk.ts';

/** What was frozen in one cluster is put back in no other. Errors: `postgres.other-cluster`. */
export function requireSameCluster(item: FrozenDatabase, desk: ServerDesk): void {
  if (item.systemId === desk.systemId) return;
  throw new LifeboatError(
    'postgres.other-cluster',
    `${item.database} was frozen in cluster ${item.systemId}, ${desk.place.text} is cluster ${desk.systemId}`,
    {
      hint: 'Where `sources` was given another address since, set it back first. Where that server was replaced for good, run thaw with --leave and the name of this item.',
      context: { source: item.source, stored: item.systemId, found: desk.systemId },
    },
  );
}
