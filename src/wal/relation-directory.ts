import type { RelationId } from './relation-id.ts';

export type RelationKind =
  | 'table'
  | 'index'
  | 'toast'
  | 'sequence'
  | 'materialized-view'
  | 'catalog';

/** What was known of a relation when the map of names was last taken. */
export interface RelationFacts {
  readonly oid: number;
  readonly kind: RelationKind;
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  /** Of a TOAST table: the OID of its table. */
  readonly toastOf?: number;
  /** Rows at the last baseline, where they were counted or estimated. */
  readonly rows?: number;
  /** They were counted after the moment asked for: no measure of what a TRUNCATE took, as rows may have come since. */
  readonly rowsAreLater?: true;
}

/**
 * Names for what WAL only numbers. An implementation should join several maps (of every backup, and of the
 * live server): a filenode changes with TRUNCATE and VACUUM FULL, and a dropped table is only in old ones.
 */
export interface RelationDirectory {
  byFilenode(relation: RelationId): RelationFacts | undefined;
  byOid(databaseOid: number, oid: number): RelationFacts | undefined;
  databaseName(oid: number): string | undefined;
}
