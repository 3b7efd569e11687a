import type { Progress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import {
  type CatalogRecord,
  catalogAt,
  listAnnouncements,
  quietUntil,
  readBackupCatalog,
  type ScratchServer,
} from '../../sources/index.ts';
import { parseLsn } from '../../wal/index.ts';
import { readCatalogs } from '../assess/read-catalogs.ts';
import { isSystemSchema } from '../validate/checks/former-there.ts';
import { describeRelation } from '../validate/describe-relation.ts';
import type { FormerState, FormerTable } from '../validate/former-state.ts';
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
  const announcements = await listAnnouncements(repository, source);
  const stateOf = (catalog: CatalogRecord): FormerState => {
    const state = recordedState(catalog);
    const isAnnounced = ({ database, schema, name: table }: FormerTable) =>
      quietUntil(announcements, { database, schema, table }, Date.now()) > state.time.getTime();
    return {
      ...state,
      tables: state.tables.filter((each) => !isAnnounced(each)),
      announced: state.tables
        .filter((each) => isAnnounced(each) && isUsers(each))
        .map(describeRelation),
    };
  };
  const own = await readBackupCatalog(repository, base.snapshot);
  const lastLsn = last?.reachedLsn === undefined ? undefined : parseLsn(last.reachedLsn);
  // A proof of an older moment has nothing to do with what came later.
  if (lastLsn === undefined || lastLsn > reachedLsn) return stateOf(own);
  const all = await readCatalogs(repository, source, base.info.systemId, progress);
  return stateOf(catalogAt(all, lastLsn) ?? own);
}

/** Told to people only where it is a table of theirs. */
function isUsers({ kind, schema }: FormerTable): boolean {
  return (kind === 'r' || kind === 'm') && !isSystemSchema(schema);
}

/** What the user's checks gave in a proof. */
export function formerValues(last: StoredProof | undefined): Readonly<Record<string, number>> {
  const values = last?.checks.flatMap((check) => Object.entries(check.values ?? {}));
  return Object.fromEntries(values ?? []);
}
