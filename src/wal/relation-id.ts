import type { WalBlock } from './wal-block.ts';

/** Where a relation's files lie: what WAL knows of a relation. The filenode is not the table's OID. */
export interface RelationId {
  readonly tablespace: number;
  readonly database: number;
  readonly filenode: number;
}

export function sameRelation(a: RelationId, b: RelationId): boolean {
  return a.filenode === b.filenode && a.database === b.database && a.tablespace === b.tablespace;
}

export function relationOf(block: WalBlock): RelationId {
  return {
    tablespace: block.tablespace,
    database: block.database,
    filenode: block.relation,
  };
}

/** Usable as a key of a map. */
export function relationKey(id: RelationId): string {
  return `${id.tablespace}/${id.database}/${id.filenode}`;
}

/** Objects with a smaller number are made by initdb: catalogs, unless a catalog was rewritten. */
export const firstUserOid = 16_384;
