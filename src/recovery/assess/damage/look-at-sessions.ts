import type { ConnectionSettings } from '../../../sources/index.ts';
import { openLive } from './live-session.ts';
import type { PartWork } from './part-runner.ts';
import type { SessionFound, SessionsFound } from './postgres-damage.ts';
import { destructiveKind, shownQuery } from './query-text.ts';

const listed = 40;
const hidden = '<insufficient privilege>';

/** Who is connected, who writes, and whether what runs now destroys. Ours are not among them. */
export async function lookAtSessions(
  connection: ConnectionSettings,
  part: PartWork,
): Promise<SessionsFound> {
  await using session = await openLive(connection, part);
  const rows = await session.rows<{
    pid: number;
    user: string | null;
    database: string | null;
    application: string | null;
    address: string | null;
    state: string | null;
    writing: boolean;
    begun: string | null;
    waits: string | null;
    query: string | null;
  }>(
    `select pid, usename::text as user, datname::text as database, application_name as application,
       host(client_addr) as address, state, backend_xid is not null as writing,
       to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as begun,
       case when wait_event_type is not null then wait_event_type || ': ' || wait_event end as waits,
       left(query, 20000) as query
     from pg_stat_activity
     where backend_type = 'client backend' and pid <> pg_backend_pid()
       and application_name not like 'lifeboat%'`,
  );
  const unseen = rows.filter(({ query }) => query === hidden).length;
  if (unseen > 0) {
    part.gaps.push(
      `what ${unseen} sessions of other roles do: GRANT pg_read_all_stats TO the role lets it see them`,
    );
  }
  const sessions = rows.map((row): SessionFound => {
    const query = row.query ?? '';
    const isUnderWay = row.state !== null && row.state !== 'idle';
    return {
      pid: row.pid,
      user: row.user ?? '',
      database: row.database ?? '',
      application: row.application ?? '',
      ...(row.address ? { address: row.address } : {}),
      state: row.state ?? 'unknown',
      isWriting: row.writing,
      ...(row.begun ? { transactionStart: row.begun } : {}),
      ...(row.waits && row.state === 'active' ? { waitsFor: row.waits } : {}),
      query: shownQuery(query),
      isDestructive: isUnderWay && destructiveKind(query) !== undefined,
    };
  });
  const weight = (each: SessionFound) =>
    Number(each.isDestructive) * 4 + Number(each.isWriting) * 2 + Number(each.state !== 'idle');
  return {
    sessions: sessions.toSorted((a, b) => weight(b) - weight(a)).slice(0, listed),
    total: sessions.length,
    writing: sessions.filter(({ isWriting }) => isWriting).length,
  };
}
