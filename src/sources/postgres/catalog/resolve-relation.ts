import { parseLsn } from '../../../wal/index.ts';
import type { CatalogDatabase, CatalogRecord, CatalogRelation } from '../backup-info.ts';

/** How WAL names a relation: by filenode in block references and drops, by oid in locks and TRUNCATE. */
export type RelationKey =
  | { readonly filenode: number; readonly tablespace?: number }
  | { readonly oid: number };

export interface ResolvedRelation {
  /** Where it was found: the name was true at this catalog's time. */
  readonly catalog: CatalogRecord;
  /** Undefined for shared relations. */
  readonly database: CatalogDatabase | undefined;
  readonly relation: CatalogRelation;
}

const sharedTablespace = 1664;

/** The newest catalog that was taken at or before `lsn`, else the oldest there is. */
export function catalogAt(
  catalogs: readonly CatalogRecord[],
  lsn: bigint,
): CatalogRecord | undefined {
  const sorted = oldestFirst(catalogs);
  return sorted.findLast((catalog) => parseLsn(catalog.lsn) <= lsn) ?? sorted[0];
}

/**
 * What a relation was called. TRUNCATE and rewrites give a table a new filenode and a dropped table is in no later
 * catalog, so all catalogs are searched, newest first; with `lsn`, those taken before it first, newest first.
 */
export function resolveRelation(
  catalogs: readonly CatalogRecord[],
  databaseOid: number,
  key: RelationKey,
  lsn?: bigint,
): ResolvedRelation | undefined {
  const newestFirst = oldestFirst(catalogs).reverse();
  const before = (catalog: CatalogRecord) => lsn === undefined || parseLsn(catalog.lsn) <= lsn;
  // Of the later ones the nearest comes first.
  const later = newestFirst.filter((catalog) => !before(catalog)).reverse();
  for (const catalog of [...newestFirst.filter(before), ...later]) {
    for (const database of catalog.databases) {
      const shared = databaseOid === 0;
      if (!shared && database.oid !== databaseOid) continue;
      const relation = database.relations.find(
        (each) => (!shared || each.tablespace === sharedTablespace) && matches(each, key),
      );
      if (relation) return { catalog, database: shared ? undefined : database, relation };
    }
  }
  return undefined;
}

function matches(relation: CatalogRelation, key: RelationKey): boolean {
  if ('oid' in key) return relation.oid === key.oid;
  if (key.filenode === 0 || relation.filenode !== key.filenode) return false;
  return (
    key.tablespace === undefined ||
    relation.tablespace === undefined ||
    relation.tablespace === key.tablespace
  );
}

function oldestFirst(catalogs: readonly CatalogRecord[]): CatalogRecord[] {
  return [...catalogs].sort((a, b) => {
    const [left, right] = [parseLsn(a.lsn), parseLsn(b.lsn)];
    return left === right ? Date.parse(a.time) - Date.parse(b.time) : left < right ? -1 : 1;
  });
}
