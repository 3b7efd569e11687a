import type { ConnectionSettings } from '../../../sources/index.ts';
import type { Session } from '../../rescue/session.ts';
import { openLive } from './live-session.ts';
import type { PartWork } from './part-runner.ts';
import type { ReplicationFound } from './postgres-damage.ts';

/** Slots, standbys and how far behind they are: a standby that lags may still hold what is gone here. */
export async function lookAtReplication(
  connection: ConnectionSettings,
  part: PartWork,
): Promise<ReplicationFound> {
  await using session = await openLive(connection, part);
  const [role] = await session.rows<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  const isStandby = role?.standby ?? false;
  const end = isStandby ? 'pg_last_wal_receive_lsn()' : 'pg_current_wal_lsn()';
  const slots = await session.rows<{
    name: string;
    type: string;
    active: boolean;
    status: string | null;
    held: string | null;
  }>(
    `select slot_name::text as name, slot_type as type, active, wal_status as status,
       pg_wal_lsn_diff(${end}, restart_lsn)::text as held
     from pg_replication_slots order by slot_name`,
  );
  const standbys = await session.rows<{
    application: string | null;
    address: string | null;
    state: string | null;
    sync: string | null;
    behind: string | null;
    lag: string | null;
  }>(
    `select application_name as application, host(client_addr) as address, state, sync_state as sync,
       pg_wal_lsn_diff(${end}, coalesce(replay_lsn, flush_lsn))::text as behind,
       (extract(epoch from replay_lag) * 1000)::text as lag
     from pg_stat_replication order by pid`,
  );
  // Of a role without pg_monitor the server tells only that there is somebody.
  if (standbys.some(({ state }) => state === null)) {
    part.gaps.push('how far standbys are: GRANT pg_monitor TO the role lets it see them');
  }
  return {
    isStandby,
    slots: slots.map(({ name, type, active, status, held }) => ({
      name,
      type,
      isActive: active,
      ...(status === null ? {} : { walStatus: status }),
      ...(held === null ? {} : { heldBytes: Math.max(0, Number(held)) }),
    })),
    standbys: standbys
      .filter(({ state }) => state !== null)
      .map(({ application, address, state, sync, behind, lag }) => ({
        application: application ?? '',
        ...(address === null ? {} : { address }),
        state: state ?? '',
        syncState: sync ?? '',
        ...(behind === null ? {} : { behindBytes: Math.max(0, Number(behind)) }),
        ...(lag === null ? {} : { lagMs: Math.round(Number(lag)) }),
      })),
    ...(isStandby ? { receives: await receiverOf(session) } : {}),
  };
}

async function receiverOf(session: Session): Promise<NonNullable<ReplicationFound['receives']>> {
  const [row] = await session.rows<{
    state: string | null;
    replayed: string | null;
    lag: string | null;
  }>(
    `select (select status from pg_stat_wal_receiver limit 1) as state, pg_last_wal_replay_lsn()::text as replayed,
       (extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::text as lag`,
  );
  return {
    state: row?.state ?? 'no receiver',
    ...(row?.replayed ? { replayedLsn: row.replayed } : {}),
    ...(row?.lag ? { lagMs: Math.max(0, Math.round(Number(row.lag))) } : {}),
  };
}
