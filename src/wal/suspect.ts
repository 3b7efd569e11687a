/** What a suspect is called, from the worst to the mildest thing it did. */
export const suspectKinds = [
  'drop-database',
  'drop-schema',
  'drop-table',
  'truncate',
  'delete',
  'mass-update',
] as const;

export type SuspectKind = (typeof suspectKinds)[number];

/**
 * critical: everything of a table, schema or database; high: a large part; medium: over the threshold;
 * low: probably replaced by the same transaction, overwritten, or empty before.
 */
export type SuspectSeverity = 'critical' | 'high' | 'medium' | 'low';

/** One table that a suspect touched. Counts are of rows; JSON as it stands. */
export interface SuspectTable {
  readonly databaseOid: number;
  /** Null where no map of names knows the relation. */
  readonly database: string | null;
  readonly schema: string | null;
  readonly name: string | null;
  readonly oid: number | null;
  /** The files the rows were in before the transaction; null where they could not be told. */
  readonly tablespaceOid: number | null;
  readonly filenode: number | null;
  readonly action: 'dropped' | 'truncated' | 'deleted' | 'updated';
  /** Rows lost (or overwritten). Exact from WAL; of a baseline, as old as that; or not known. */
  readonly rows: number | null;
  readonly rowsSource: 'wal' | 'baseline' | 'unknown';
  readonly rowsBefore: number | null;
  /** Exact, from WAL. `inserted` may stand for what was truncated or deleted. */
  readonly deleted: number;
  readonly updated: number;
  readonly inserted: number;
  /** Rows that moved to another partition, counted as updated there. */
  readonly moved: number;
}

/** A committed transaction that may have destroyed data. JSON as it stands. */
export interface Suspect {
  readonly kind: SuspectKind;
  readonly severity: SuspectSeverity;
  readonly xid: number;
  /** Its committed subtransactions; rows that they touched carry these. */
  readonly subXids: readonly number[];
  readonly timeline: number;
  readonly firstLsn: string;
  readonly commitLsn: string;
  /** ISO 8601, UTC. */
  readonly commitTime: string;
  /** Recover to here: everything committed before is there, and nothing of this transaction. */
  readonly target: { readonly lsn: string; readonly inclusive: false; readonly timeline: number };
  readonly tables: readonly SuspectTable[];
  readonly databases: readonly { readonly oid: number; readonly name: string | null }[];
  /** False when counts may be too low or the kind was inferred: see docs/formats/wal.md. */
  readonly certain: boolean;
}

/** When a loss counts. */
export interface SuspectThresholds {
  /** A DELETE counts from so many rows of a table on (default 100; 1 reports every deleted row). */
  readonly minRows: number;
  /** ... or from this part of the table on (default 0.05), when it is at least `minShareRows` (default 10). */
  readonly minShare: number;
  readonly minShareRows: number;
  /** An UPDATE counts from so many rows of a table on (default 1000) ... */
  readonly minUpdatedRows: number;
  /** ... or from this part of the table on (default 0.2), when it is at least 100 rows. */
  readonly minUpdatedShare: number;
}

export const defaultThresholds: SuspectThresholds = Object.freeze({
  minRows: 100,
  minShare: 0.05,
  minShareRows: 10,
  minUpdatedRows: 1000,
  minUpdatedShare: 0.2,
});
