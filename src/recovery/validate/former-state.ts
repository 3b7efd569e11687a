/** What was there at an earlier moment, to notice what went since. */
export interface FormerState {
  readonly time: Date;
  readonly tables: readonly FormerTable[];
  /** What was said to change, and is not compared: for people. */
  readonly announced: readonly string[];
}

/** A table or an index. */
export interface FormerTable {
  readonly database: string;
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** As pg_class.relkind. */
  readonly kind: string;
  /** Counted, not estimated; undefined: not known. */
  readonly rows?: number;
}
