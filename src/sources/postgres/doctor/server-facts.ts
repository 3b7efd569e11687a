import { assert } from '../../../core/index.ts';
import type { SqlConnection } from '../sql-connection.ts';
import { readDatabaseFacts } from './database-facts.ts';

/** What a server says about itself, as far as protecting it depends on it. */
export interface ServerFacts {
  /** server_version_num. */
  readonly version: number;
  readonly systemId: string;
  readonly inRecovery: boolean;
  /** A standby that a primary sends WAL to just now. */
  readonly receives: boolean;
  readonly hotStandbyFeedback: boolean;
  readonly walLevel: string;
  readonly walSendersMax: number;
  readonly walSendersUsed: number;
  readonly slotsMax: number;
  readonly slotsUsed: number;
  readonly fullPageWrites: boolean;
  readonly fsync: boolean;
  readonly checksums: boolean;
  readonly archiveMode: string;
  /** The last attempt to archive failed. */
  readonly archiverFails: boolean;
  /** `on` or `off`; null before 17. */
  readonly summarizeWal: string | null;
  /** MB; -1 is without limit. */
  readonly slotWalKeepMb: number;
  /** 18 and newer; 0 is without limit. */
  readonly idleSlotLimitMs: number | null;
  readonly role: string;
  readonly isSuperuser: boolean;
  readonly mayReplicate: boolean;
  /** -1 is without limit. */
  readonly connectionLimit: number;
  readonly validUntil: Date | null;
  /** Sees all settings and statistics. */
  readonly mayMonitor: boolean;
  /** May read every table, those to come too: row counts for the baseline. */
  readonly mayReadAll: boolean;
  /** Tables of all databases that the role may not read now. */
  readonly tablesUnreadable: number;
  /** Tables of this database that the role may not insert into, so that `rescue` cannot put rows back. */
  readonly tablesReadOnly: number;
  /** Databases the role may not connect to. */
  readonly closedDatabases: readonly string[];
  /** All databases the role can see the size of. */
  readonly sizeBytes: number;
  /** What the data needs beside the server programs. */
  readonly libraries: readonly LibraryNeed[];
  /** Its data directory, on its own machine; null where the role may not know. */
  readonly dataFolder: string | null;
  readonly clock: Date;
  readonly slot?: SlotFacts;
}

export interface SlotFacts {
  readonly type: string;
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string;
  readonly heldBytes: number;
  /** How much more the server can write before the slot is lost; null: without limit. */
  readonly safeBytes: number | null;
}

export interface LibraryNeed {
  /** As the server writes it: `$libdir/postgis-3`, `pg_stat_statements`. */
  readonly library: string;
  /** For people: which extension or setting asks for it. */
  readonly why: string;
}

const serverSql = `
  select current_setting('server_version_num')::int as version,
         (select system_identifier::text from pg_control_system()) as "systemId",
         pg_is_in_recovery() as "inRecovery",
         exists (select from pg_stat_wal_receiver where pid is not null) as "receives",
         current_setting('hot_standby_feedback')::bool as "hotStandbyFeedback",
         current_setting('wal_level') as "walLevel",
         current_setting('max_wal_senders')::int as "walSendersMax",
         (select count(*)::int from pg_stat_replication) as "walSendersUsed",
         current_setting('max_replication_slots')::int as "slotsMax",
         (select count(*)::int from pg_replication_slots) as "slotsUsed",
         case when pg_is_in_recovery() then (select full_page_writes from pg_control_checkpoint())
           else current_setting('full_page_writes')::bool end as "fullPageWrites",
         current_setting('fsync')::bool as "fsync",
         current_setting('data_checksums')::bool as "checksums",
         current_setting('archive_mode') as "archiveMode",
         coalesce((select last_failed_time > coalesce(last_archived_time, '-infinity')
           from pg_stat_archiver), false) as "archiverFails",
         current_setting('summarize_wal', true) as "summarizeWal",
         (select setting::int from pg_settings where name = 'max_slot_wal_keep_size') as "slotWalKeepMb",
         (select setting::float8 * 1000 from pg_settings
           where name = 'idle_replication_slot_timeout') as "idleSlotLimitMs",
         current_user as "role",
         r.rolsuper as "isSuperuser",
         r.rolreplication or r.rolsuper as "mayReplicate",
         r.rolconnlimit as "connectionLimit",
         nullif(r.rolvaliduntil, 'infinity') as "validUntil",
         pg_has_role('pg_read_all_settings', 'usage')
           and pg_has_role('pg_read_all_stats', 'usage') as "mayMonitor",
         r.rolsuper or exists (select from pg_roles a where a.rolname = 'pg_read_all_data'
           and pg_has_role(current_user, a.oid, 'usage')) as "mayReadAll",
         (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
             and not has_table_privilege(c.oid, 'insert')) as "tablesReadOnly",
         array(select datname::text from pg_database
           where datallowconn and not has_database_privilege(oid, 'connect')) as "closedDatabases",
         (select coalesce(sum(pg_database_size(oid)), 0)::float8 from pg_database
           where has_database_privilege(oid, 'connect')) as "sizeBytes",
         (select setting from pg_settings where name = 'shared_preload_libraries') as "preloaded",
         (select setting from pg_settings where name = 'data_directory') as "dataFolder",
         clock_timestamp() as "clock"
  from pg_roles r where r.rolname = current_user`;

const slotSql = `
  select slot_type as "type", active, coalesce(wal_status, 'lost') as "walStatus",
         coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery()
           then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
           else pg_current_wal_lsn() end, restart_lsn), 0)::float8 as "heldBytes",
         safe_wal_size::float8 as "safeBytes"
  from pg_replication_slots where slot_name = $1`;

type Asked = Omit<ServerFacts, 'slot' | 'libraries' | 'tablesUnreadable'>;

export async function readServerFacts(
  connection: SqlConnection,
  slotName: string,
  signal?: AbortSignal,
): Promise<ServerFacts> {
  const [row] = await connection.rows<Asked & { preloaded: string | null }>(serverSql);
  assert(row, 'every role is in pg_roles');
  const { preloaded, ...facts } = row;
  const slot = await readSlotFacts(connection, slotName);
  const { libraries, tablesUnreadable } = await readDatabaseFacts(connection, signal);
  const preloads = (preloaded ?? '').split(',').map((each) => each.trim().replaceAll('"', ''));
  return {
    ...facts,
    tablesUnreadable,
    libraries: [
      ...preloads.filter(Boolean).map((library) => ({ library, why: 'shared_preload_libraries' })),
      ...libraries,
    ],
    ...(slot ? { slot } : {}),
  };
}

/** Undefined when there is no such slot. */
export async function readSlotFacts(
  connection: SqlConnection,
  slotName: string,
): Promise<SlotFacts | undefined> {
  const [slot] = await connection.rows<SlotFacts>(slotSql, [slotName]);
  return slot;
}
