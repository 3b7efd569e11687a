import type { Lsn } from '../../wal/index.ts';

/** Stored as `/lifeboat/backup.json` in the snapshot, beside the data directory `/data`. LSNs as text. */
export interface PostgresBackupInfo {
  readonly format: 1;
  readonly source: string;
  /** Decimal, as IDENTIFY_SYSTEM gives it. */
  readonly systemId: string;
  /** server_version_num, e.g. 180004. */
  readonly serverVersion: number;
  readonly timeline: number;
  /** A restore can stop at `stopLsn` or later, replaying from `startLsn`. */
  readonly startLsn: string;
  readonly stopLsn: string;
  /** ISO 8601. */
  readonly startTime: string;
  readonly stopTime: string;
  readonly segmentSizeBytes: number;
  readonly dataChecksums: boolean;
  /** How the files were read: sent by the server, or from the data directory itself. */
  readonly mode?: 'streamed' | 'local';
  /** Taken over from the backup before, because WAL proves that nothing changed it. Absent: everything was read. */
  readonly unreadBytes?: number;
  /** When everything was read last, ISO 8601. Absent: at this backup. */
  readonly wholeReadTime?: string;
  /** At which size database files were cut; later backups of the source keep it. */
  readonly chunkSizeBytes?: number;
  /** Stored as real folders in `data/pg_tblspc/<oid>`; `location` is where they were linked to. */
  readonly tablespaces: readonly { readonly oid: number; readonly location: string }[];
  /** Pages that were already damaged in the source and that no WAL in the snapshot repairs. */
  readonly damagedPages: readonly DamagedPageInfo[];
  readonly bytesTotal: number;
  readonly filesTotal: number;
}

export interface DamagedPageInfo {
  /** Relative to the data directory. */
  readonly path: string;
  /** Within the relation (not within the file, where the relation has several). */
  readonly block: number;
  /** `database.schema.name`, as far as it is known. */
  readonly relation?: string;
}

/** What the names in a cluster meant at a moment: dropped tables are gone from the live catalog. Stored as
 * a record of kind `catalog` and as `/lifeboat/catalog.json` in the snapshot. */
export interface CatalogRecord {
  readonly systemId: string;
  readonly timeline: number;
  /** pg_current_wal_lsn() before the first query, as text. */
  readonly lsn: string;
  /** ISO 8601. */
  readonly time: string;
  readonly databases: readonly CatalogDatabase[];
}

export interface CatalogDatabase {
  readonly oid: number;
  readonly name: string;
  readonly relations: readonly CatalogRelation[];
}

export interface CatalogRelation {
  readonly oid: number;
  /** Follows mapped relations. 0 when it has none (partitioned parent). */
  readonly filenode: number;
  /** Oid of the tablespace, 1664 for shared relations. */
  readonly tablespace?: number;
  readonly schema: string;
  readonly name: string;
  /** pg_class.relkind: r table, p partitioned, t TOAST, m materialized view, i index, S sequence. */
  readonly kind: string;
  /** For TOAST tables: the oid of the table they belong to. */
  readonly toastOf?: number;
  /** Oids of the tables it is a partition or an heir of. */
  readonly inheritsFrom?: readonly number[];
  /** For tables: rows, counted in one REPEATABLE READ transaction, or estimated when counting took too long. */
  readonly rows?: number;
  readonly rowsExact?: boolean;
}

export type RecoveryTarget =
  | { readonly kind: 'latest' }
  /** The last state with every commit up to and including this time. */
  | { readonly kind: 'time'; readonly time: Date }
  /** `inclusive: false` stops just before the record that begins at `lsn`. */
  | { readonly kind: 'lsn'; readonly lsn: Lsn; readonly inclusive: boolean }
  /** As soon as the snapshot is consistent. */
  | { readonly kind: 'snapshot-end' }
  /** Just behind the commit of this transaction, or just before it. A subtransaction means the one it is part of. */
  | { readonly kind: 'xid'; readonly xid: number; readonly inclusive: boolean }
  /** What pg_create_restore_point() marked; of several with the name, the last one up to `until`. */
  | { readonly kind: 'name'; readonly name: string; readonly until?: Date };
