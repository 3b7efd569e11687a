import { isLifeboatError } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import type { CatalogDatabase, CatalogRecord, CatalogRelation } from '../backup-info.ts';
import { parseRelationFile, type RelationFile } from '../base-backup/relation-file.ts';
import { readBackupCatalog } from '../base-backup/stored-backups.ts';
import type { BackupSnapshot } from './backup-snapshot.ts';

/** Tables that a partial copy must hold whole, with their TOAST, partitions and heirs. */
export interface WantedTables {
  readonly database: string;
  /** By its name when the snapshot was taken. */
  wants(table: { readonly schema: string; readonly name: string }): boolean;
  readonly needsLargeObjects: boolean;
}

type RelationPlace = Pick<RelationFile, 'tablespace' | 'database' | 'filenode'>;

/** Relations of the snapshot whose files were not restored. */
export interface LeftOutFiles {
  /** Of the wanted database when the snapshot was taken. One with another oid by now was made since, perhaps as a copy of files. */
  readonly databaseOid: number;
  hasPath(path: string): boolean;
  /** In whatever tablespace: databases move. */
  has(databaseOid: number, filenode: number): boolean;
}

/**
 * Which relations a copy can do without when only `wanted` is read from it: rows and indexes of all others. Catalogs are whole, and
 * sequences, which pg_dump reads all. Only what the snapshot's own relation map knows to be unwanted is left out; what it does not
 * know is restored. Undefined when the map says nothing of the database: then everything is needed.
 */
export async function planPartialCopy(
  repository: Repository,
  { snapshot }: BackupSnapshot,
  wanted: WantedTables,
): Promise<LeftOutFiles | undefined> {
  let catalog: CatalogRecord;
  try {
    catalog = await readBackupCatalog(repository, snapshot);
  } catch (error) {
    if (isLifeboatError(error, 'cancelled')) throw error;
    return undefined;
  }
  const databaseOid = catalog.databases.find(({ name }) => name === wanted.database)?.oid;
  if (databaseOid === undefined) return undefined;
  const left = new Set<string>();
  const anywhere = new Set<string>();
  for (const database of catalog.databases) {
    const isWanted = database.name === wanted.database;
    const unneeded = isWanted ? unneededOf(database, wanted) : database.relations.filter(isOfUsers);
    for (const { tablespace, filenode } of unneeded) {
      if (tablespace === undefined || filenode === 0) continue;
      left.add(keyOf({ tablespace, database: database.oid, filenode }));
      anywhere.add(`${database.oid}/${filenode}`);
    }
  }
  return {
    databaseOid,
    hasPath(path) {
      const file = parseRelationFile(path);
      return file !== undefined && left.has(keyOf(file));
    },
    has: (database, filenode) => anywhere.has(`${database}/${filenode}`),
  };
}

function keyOf({ tablespace, database, filenode }: RelationPlace): string {
  return `${tablespace}/${database}/${filenode}`;
}

function unneededOf(
  { relations }: CatalogDatabase,
  wanted: WantedTables,
): readonly CatalogRelation[] {
  const tables = withHeirs(relations, wanted);
  const toast = relations.filter(
    ({ kind, toastOf }) => kind === 't' && tables.has(toastOf as number),
  );
  const toastIndexes = new Set(toast.map(({ name }) => `${name}_index`));
  return relations.filter((relation) => {
    if (!isOfUsers(relation)) {
      return !wanted.needsLargeObjects && largeObjects.has(relation.oid);
    }
    switch (relation.kind) {
      case 'S':
        return false;
      case 't':
        return !tables.has(relation.toastOf as number);
      case 'i':
        return relation.schema !== 'pg_toast' || !toastIndexes.has(relation.name);
      default:
        return !tables.has(relation.oid);
    }
  });
}

/** pg_largeobject and its index. */
const largeObjects = new Set([2613, 2683]);

/** Oids of the wanted tables, and of all that inherit from them. */
function withHeirs(
  relations: readonly CatalogRelation[],
  wanted: WantedTables,
): ReadonlySet<number> {
  const tables = relations.filter(({ kind }) => 'rpm'.includes(kind));
  const chosen = new Set(tables.filter((table) => wanted.wants(table)).map(({ oid }) => oid));
  for (let known = -1; known !== chosen.size; ) {
    known = chosen.size;
    for (const { oid, inheritsFrom = [] } of tables) {
      if (inheritsFrom.some((parent) => chosen.has(parent))) chosen.add(oid);
    }
  }
  return chosen;
}

/** Not a catalog, nor what belongs to one: oids below are given when a cluster is made. */
function isOfUsers({ oid, schema }: CatalogRelation): boolean {
  return oid >= 16_384 && schema !== 'pg_catalog' && schema !== 'information_schema';
}
