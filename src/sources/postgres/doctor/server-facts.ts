import { assert } from '../../../core/index.ts';
import type { SqlConnection } from '../sql-connection.ts';

/** What a server says about itself, as far as protecting it depends on it. */
export interface ServerFacts {
  /** server_version_num. */
  readonly version: number;
  readonly inRecovery: boolean;
  readonly walLevel: string;
  readonly walSendersMax: number;
  readonly walSendersUsed: number;
  readonly slotsMax: number;
  readonly slotsUsed: number;
  readonly fullPageWrites: boolean;
  readonly fsync: boolean;
  readonly checksums: boolean;
  /** MB; -1 is without limit. */
  readonly slotWalKeepMb: number;
  readonly role: string;
  readonly isSuperuser: boolean;
  readonly mayReplicate: boolean;
  /** May read every table: row counts for the baseline. */
  readonly mayReadAll: boolean;
  /** Tables of this database that the role may not insert into, so that `rescue` cannot put rows back. */
  readonly tablesReadOnly: number;
  /** Databases the role may not connect to. */
  readonly closedDatabases: readonly string[];
  /** All databases the role can see the size of. */
  readonly sizeBytes: number;
  readonly clock: Date;
  readonly slot?: SlotFacts;
}

export interface SlotFacts {
  readonly type: string;
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string;
  readonly heldBytes: number;
}

const serverSql = `
  select current_setting('server_version_num')::int as version,
         pg_is_in_recovery() as "inRecovery",
         current_setting('wal_level') as "walLevel",
         current_setting('max_wal_senders')::int as "walSendersMax",
         (select count(*)::int from pg_stat_replication) as "walSendersUsed",
         current_setting('max_replication_slots')::int as "slotsMax",
         (select count(*)::int from pg_replication_slots) as "slotsUsed",
         current_setting('full_page_writes')::bool as "fullPageWrites",
         current_setting('fsync')::bool as "fsync",
         current_setting('data_checksums')::bool as "checksums",
         (select setting::int from pg_settings where name = 'max_slot_wal_keep_size') as "slotWalKeepMb",
         current_user as "role",
         r.rolsuper as "isSuperuser",
         r.rolreplication or r.rolsuper as "mayReplicate",
         r.rolsuper or exists (select from pg_roles a where a.rolname = 'pg_read_all_data'
           and pg_has_role(current_user, a.oid, 'usage')) as "mayReadAll",
         (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
             and not has_table_privilege(c.oid, 'insert')) as "tablesReadOnly",
         array(select datname::text from pg_database
           where datallowconn and not has_database_privilege(oid, 'connect')) as "closedDatabases",
         (select coalesce(sum(pg_database_size(oid)), 0)::float8 from pg_database
           where has_database_privilege(oid, 'connect')) as "sizeBytes",
         clock_timestamp() as "clock"
  from pg_roles r where r.rolname = current_user`;

const slotSql = `
  select slot_type as "type", active, coalesce(wal_status, 'lost') as "walStatus",
         coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
           else pg_current_wal_lsn() end, restart_lsn), 0)::float8 as "heldBytes"
  from pg_replication_slots where slot_name = $1`;

export async function readServerFacts(
  connection: SqlConnection,
  slotName: string,
): Promise<ServerFacts> {
  const [facts] = await connection.rows<Omit<ServerFacts, 'slot'>>(serverSql);
  const slot = await readSlotFacts(connection, slotName);
  assert(facts, 'every role is in pg_roles');
  return slot ? { ...facts, slot } : facts;
}

/** Undefined when there is no such slot. */
export async function readSlotFacts(
  connection: SqlConnection,
  slotName: string,
): Promise<SlotFacts | undefined> {
  const [slot] = await connection.rows<SlotFacts>(slotSql, [slotName]);
  return slot;
}
