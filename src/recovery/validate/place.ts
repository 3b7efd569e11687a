import type { ConnectionSettings } from '../../sources/index.ts';
import type { ExpectedCounts } from '../assess/expected-counts.ts';
import type { FormerState } from './former-state.ts';
import type { UserCheck } from './user-check.ts';

/** A server whose data is checked, and what the checks need to know of it. */
export interface Place {
  /** A copy is ours: it may be written to, and locked. A live server is only read, gently. */
  readonly kind: 'copy' | 'live';
  /** A restored cluster that the user keeps: a copy in which nothing may be made or changed. */
  readonly isKept?: true;
  readonly major: number;
  readonly pageSizeBytes: number;
  /** Pages in each file of a relation. */
  readonly segmentPages: number;
  readonly hasChecksums: boolean;
  /** Where its files can be read; undefined: only through SQL. */
  readonly dataFolder?: string;
  readonly databases: readonly PlaceDatabase[];
  /** Those that take no connections. */
  readonly closedDatabases: readonly string[];
  /** What its state is called: `0/3000148`. */
  readonly position: string;
  /** Up to when the data goes; what must be fresh is compared with it. */
  readonly moment: Date;
  /** What was there before; only copies are compared with it. */
  readonly former?: FormerState;
  /** How many rows each table must hold, by the log; undefined: only a copy knows. */
  readonly accounted?: ExpectedCounts;
  /** No statement takes longer: a function of the original's users may never end. */
  readonly statementLimitMs: number;
  readonly userChecks: readonly UserCheck[];
  /** Values of the last proof that passed, by the user's name of the check. */
  readonly formerValues: Readonly<Record<string, number>>;
  /** `shared_preload_libraries` and the like of the original; undefined: not known. */
  readonly preloadLibraries?: readonly string[];
  /** Waits until so many bytes may be read; absent: at once. */
  readonly pace?: (bytes: number) => Promise<void>;
  /** Counted while tables are read, for the check of row counts: by database and oid. */
  readonly rows: Map<string, number>;
  connection(database: string, role: Role): ConnectionSettings;
}

/**
 * Who asks. On a copy the superuser runs what needs one; what may run code of the original's users (constraints, types, views)
 * is done by a role that may only read: a function planted in the database must not act on the machine.
 */
export type Role = 'superuser' | 'reader';

export interface PlaceDatabase {
  readonly oid: number;
  readonly name: string;
  readonly isTemplate: boolean;
}

export function rowsKey(database: string, oid: number): string {
  return `${database} ${oid}`;
}
