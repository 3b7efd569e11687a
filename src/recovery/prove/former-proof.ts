import type { Progress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { catalogAt, readBackupCatalog, type ScratchServer } from '../../sources/index.ts';
import { parseLsn } from '../../wal/index.ts';
import { readCatalogs } from '../assess/read-catalogs.ts';
import type { FormerState } from '../validate/former-state.ts';
import { recordedState } from '../validate/recorded-state.ts';
import type { StoredProof } from './proof.ts';

/** What was there when the last good proof was made; at the first one, when the backup began. */
export async function formerState(request: {
  readonly source: string;
  readonly repository: Repository;
  readonly scratch: Pick<ScratchServer, 'base' | 'reachedLsn'>;
  /** The newest proof that passed. */
  readonly last: StoredProof | undefined;
  readonly progress: Progress;
}): Promise<FormerState> {
  const { source, repository, scratch, last, progress } = request;
  const { base, reachedLsn } = scratch;
  const own = await readBackupCatalog(repository, base.snapshot);
  const lastLsn = last?.reachedLsn === undefined ? undefined : parseLsn(last.reachedLsn);
  // A proof of an older moment has nothing to do with what came later.
  if (lastLsn === undefined || lastLsn > reachedLsn) return recordedState(own);
  const all = await readCatalogs(repository, source, base.info.systemId, progress);
  return recordedState(catalogAt(all, lastLsn) ?? own);
}

/** What the user's checks gave in a proof. */
export function formerValues(last: StoredProof | undefined): Readonly<Record<string, number>> {
  const values = last?.checks.flatMap((check) => Object.entries(check.values ?? {}));
  return Object.fromEntries(values ?? []);
}
