import { LifeboatError } from '../../../core/index.ts';
import type { StoredBackup } from './stored-backups.ts';

/** What is kept under the name of a source is of one cluster. Without a backup any may begin. Errors: `postgres.other-cluster`. */
export function requireSameCluster(
  source: string,
  former: StoredBackup | undefined,
  found: { readonly systemId: string },
): void {
  if (!former || former.info.systemId === found.systemId) return;
  throw new LifeboatError(
    'postgres.other-cluster',
    `${source} was cluster ${former.info.systemId} at the last backup, the server there now is ${found.systemId}`,
    {
      hint: 'If the address is wrong, correct it. If the cluster was made anew or upgraded with pg_upgrade, give it another source name, so that the backups of the old one stay usable.',
      context: { source, stored: former.info.systemId, found: found.systemId },
    },
  );
}
