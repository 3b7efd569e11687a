/** Where a row stood: block in the upper, offset in the lower 16 bits (48 bits, exact as a number). */
export type TupleId = number;

export function tupleId(block: number, offset: number): TupleId {
  return block * 0x1_0000 + offset;
}

/** As SQL writes a tid: `(block,offset)`. */
export function formatTupleId(id: TupleId): string {
  return `(${Math.floor(id / 0x1_0000)},${id % 0x1_0000})`;
}

/** What one transaction destroyed in one database, in terms of files and tuples. */
export interface Destruction {
  readonly databaseOid: number;
  readonly files: readonly DestroyedFile[];
}

/** One heap file the transaction touched. Files of TOAST tables, indexes and the catalog are not listed. */
export interface DestroyedFile {
  /** As WAL names it: oid of the tablespace (never 0) and filenode. */
  readonly tablespaceOid: number;
  readonly filenode: number;
  /** Set where the log tells the table but not its file: then the file fields do not matter. */
  readonly relationOid?: number;
  /** True when every row went at once (TRUNCATE); `deleted` and `updated` do not matter then. */
  readonly truncated: boolean;
  /** Rows that existed before the transaction and that it removed. Ascending, without repeats. */
  readonly deleted: ArrayLike<TupleId>;
  /** Rows that existed before the transaction and that it changed, as they stood before. Ascending. */
  readonly updated: ArrayLike<TupleId>;
}
