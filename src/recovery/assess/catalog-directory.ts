import type { CatalogDatabase, CatalogRecord, CatalogRelation } from '../../sources/index.ts';
import {
  parseLsn,
  type RelationDirectory,
  type RelationFacts,
  type RelationId,
  type RelationKind,
} from '../../wal/index.ts';

interface Entry {
  readonly database: CatalogDatabase;
  readonly relation: CatalogRelation;
}

interface IndexedCatalog {
  readonly lsn: bigint;
  readonly time: string;
  readonly byFile: ReadonlyMap<string, Entry[]>;
  readonly byOid: ReadonlyMap<string, Entry>;
  readonly names: ReadonlyMap<number, string>;
}

const kinds: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  t: 'toast',
  m: 'materialized-view',
  i: 'index',
  S: 'sequence',
};

/**
 * Names of relations over time, out of every catalog that was recorded. What a number meant at a moment is looked
 * for in the newest catalog before it, then in older ones, then in later ones: a table made and dropped between two
 * records is in none.
 */
export class CatalogDirectory {
  readonly #catalogs: readonly IndexedCatalog[];

  constructor(catalogs: readonly CatalogRecord[]) {
    this.#catalogs = catalogs
      .map(indexCatalog)
      .sort((a, b) => (a.lsn < b.lsn ? -1 : a.lsn > b.lsn ? 1 : a.time < b.time ? -1 : 1));
  }

  get size(): number {
    return this.#catalogs.length;
  }

  /** As of a position of the log. */
  at(lsn: bigint): RelationDirectory {
    const before = this.#catalogs.filter((catalog) => catalog.lsn <= lsn).reverse();
    const order = [...before, ...this.#catalogs.filter((catalog) => catalog.lsn > lsn)];
    const first = <Found>(look: (catalog: IndexedCatalog) => Found | undefined) => {
      for (const catalog of order) {
        const found = look(catalog);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    const dated = (catalog: IndexedCatalog, found: RelationFacts | undefined) =>
      found?.rows === undefined || catalog.lsn <= lsn
        ? found
        : ({ ...found, rowsAreLater: true } as const);
    /** A catalog without row counts may know the name: then the count of the nearest that has one. */
    const withRows = (databaseOid: number, found: RelationFacts | undefined) => {
      if (found === undefined || found.rows !== undefined) return found;
      const key = `${databaseOid}/${found.oid}`;
      const counted = first((catalog) => {
        const facts = factsOf(catalog.byOid.get(key));
        return facts?.rows === undefined ? undefined : dated(catalog, facts);
      });
      if (counted?.rows === undefined) return found;
      const { rows, rowsAreLater } = counted;
      return { ...found, rows, ...(rowsAreLater ? { rowsAreLater } : {}) };
    };
    return {
      byFilenode: (relation) =>
        withRows(
          relation.database,
          first((catalog) => dated(catalog, factsOfFile(catalog, relation))),
        ),
      byOid: (databaseOid, oid) =>
        withRows(
          databaseOid,
          first((catalog) => dated(catalog, factsOf(catalog.byOid.get(`${databaseOid}/${oid}`)))),
        ),
      databaseName: (oid) => first((catalog) => catalog.names.get(oid)),
    };
  }

  /** When the catalog was taken that row counts as of this position come from. ISO 8601. */
  baselineTime(lsn: bigint): string | undefined {
    return (this.#catalogs.findLast((catalog) => catalog.lsn <= lsn) ?? this.#catalogs[0])?.time;
  }
}

function indexCatalog(catalog: CatalogRecord): IndexedCatalog {
  const byFile = new Map<string, Entry[]>();
  const byOid = new Map<string, Entry>();
  for (const database of catalog.databases) {
    for (const relation of database.relations) {
      const entry = { database, relation };
      byOid.set(`${database.oid}/${relation.oid}`, entry);
      const key = `${database.oid}/${relation.filenode}`;
      if (relation.filenode > 0) byFile.set(key, [...(byFile.get(key) ?? []), entry]);
    }
  }
  const names = new Map(catalog.databases.map(({ oid, name }) => [oid, name]));
  return { lsn: parseLsn(catalog.lsn), time: catalog.time, byFile, byOid, names };
}

/** The same filenode may be in use in two tablespaces. */
function factsOfFile(catalog: IndexedCatalog, file: RelationId): RelationFacts | undefined {
  const entries = catalog.byFile.get(`${file.database}/${file.filenode}`) ?? [];
  return factsOf(
    entries.find(
      ({ relation }) =>
        relation.tablespace === undefined || relation.tablespace === file.tablespace,
    ),
  );
}

function factsOf(entry: Entry | undefined): RelationFacts | undefined {
  if (!entry) return undefined;
  const { database, relation } = entry;
  const isCatalog = relation.schema === 'pg_catalog' || relation.schema === 'information_schema';
  const kind = isCatalog ? 'catalog' : kinds[relation.kind];
  if (kind === undefined) return undefined;
  return {
    oid: relation.oid,
    kind,
    database: database.name,
    schema: relation.schema,
    name: relation.name,
    ...(relation.toastOf === undefined ? {} : { toastOf: relation.toastOf }),
    ...(relation.rows === undefined ? {} : { rows: relation.rows }),
  };
}
