import type { SqlConnection } from '../sql-connection.ts';

/** What the server says about our slot, and whether its commits wait for us. */
export interface SlotLook {
  /** `reserved`, `extended`, `unreserved`, `lost`; absent when there is no such slot. */
  readonly walStatus?: string;
  readonly active: boolean;
  /** WAL the server keeps for the slot. */
  readonly heldBytes: number;
  /** How much more it can write before the slot is lost; absent where nothing limits it. */
  readonly safeBytes?: number;
  /** What the slot may hold back at most (max_slot_wal_keep_size, wal_keep_size); absent: without limit. */
  readonly limitBytes?: number;
  /** Why the server gave the slot up (17 and newer). */
  readonly invalidation?: string;
  /** idle_replication_slot_timeout (18 and newer), when it is set. */
  readonly idleLimitMs?: number;
  readonly isStandby: boolean;
  readonly standbyNames: string;
  /** synchronous_commit, as our role has it. */
  readonly commitLevel: string;
  /** `async`, `potential`, `sync`, `quorum`; absent when nobody streams from the slot or the role may not see it. */
  readonly syncState?: string;
  /** Commits that wait for a standby, as far as the role may see them. */
  readonly commitsWaiting: number;
}

// A role without pg_read_all_stats (pg_monitor) sees neither sync_state nor what other sessions wait for.
const sql = `
  select s.wal_status as "walStatus", coalesce(s.active, false) as "active",
         coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery()
           then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
           else pg_current_wal_lsn() end, s.restart_lsn), 0)::float8 as "heldBytes",
         s.safe_wal_size::float8 as "safeBytes",
         case when m.keep >= 0 then greatest(m.keep, m.always) * 1048576 end as "limitBytes",
         to_jsonb(s) ->> 'invalidation_reason' as "invalidation",
         m.idle * 1000 as "idleLimitMs",
         pg_is_in_recovery() as "isStandby",
         current_setting('synchronous_standby_names') as "standbyNames",
         current_setting('synchronous_commit') as "commitLevel",
         (select sync_state from pg_stat_replication r where r.pid = s.active_pid) as "syncState",
         (select count(*)::int from pg_stat_activity where wait_event = 'SyncRep') as "commitsWaiting"
  from (select max(setting::float8) filter (where name = 'max_slot_wal_keep_size') as keep,
               max(setting::float8) filter (where name = 'wal_keep_size') as always,
               nullif(max(setting::float8) filter (where name = 'idle_replication_slot_timeout'), 0) as idle
          from pg_settings
         where name in ('max_slot_wal_keep_size', 'wal_keep_size', 'idle_replication_slot_timeout')) m
  left join pg_replication_slots s on s.slot_name = $1`;

/** Works on 13 to 18, on a primary and on a standby. */
export async function lookAtSlot(connection: SqlConnection, slot: string): Promise<SlotLook> {
  const [row] = await connection.rows<Record<string, unknown>>(sql, [slot]);
  const known = Object.entries(row ?? {}).filter(([, value]) => value !== null);
  return Object.fromEntries(known) as unknown as SlotLook;
}
