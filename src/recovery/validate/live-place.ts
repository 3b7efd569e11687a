import { sleep } from '../../core/index.ts';
import type { ConnectionSettings } from '../../sources/index.ts';
import { openSession } from '../rescue/session.ts';
import { Pace } from './pace.ts';
import type { Place } from './place.ts';
import { readPlaceFacts } from './place-facts.ts';

/** The live server as a place for checks: only read, and no faster than `bytesPerSecond`. */
export async function livePlace(
  connection: ConnectionSettings,
  options: Pick<Place, 'userChecks' | 'formerValues'> & {
    readonly bytesPerSecond: number;
    readonly signal?: AbortSignal;
  },
): Promise<Place> {
  const { bytesPerSecond, signal, userChecks, formerValues } = options;
  await using session = await openSession(connection, signal);
  const facts = await readPlaceFacts(session);
  const [row] = await session.rows<{ lsn: string | null }>(
    `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
       else pg_current_wal_lsn() end::text as lsn`,
  );
  const [allowed] = await session.rows<{ names: string[] }>(
    `select array(select datname::text from pg_database
       where has_database_privilege(oid, 'CONNECT')) as names`,
  );
  const isAllowed = ({ name }: { readonly name: string }) => allowed?.names.includes(name) ?? false;
  return {
    ...facts,
    kind: 'live',
    // Being connected to a template would make CREATE DATABASE fail.
    databases: facts.databases.filter((each) => !each.isTemplate && isAllowed(each)),
    closedDatabases: [
      ...facts.closedDatabases,
      ...facts.databases.filter((each) => !isAllowed(each)).map(({ name }) => name),
    ],
    position: row?.lsn ?? '',
    moment: new Date(),
    statementLimitMs: 30 * 60_000,
    userChecks,
    formerValues,
    // They are loaded, or it would not run.
    preloadLibraries: [],
    rows: new Map(),
    pace: paceOf(bytesPerSecond, signal),
    connection: (database) => ({ ...connection, database }),
  };
}

function paceOf(
  bytesPerSecond: number,
  signal: AbortSignal | undefined,
): (bytes: number) => Promise<void> {
  const pace = new Pace(bytesPerSecond);
  return async (bytes) => {
    const waitMs = pace.waitMs(bytes, performance.now());
    if (waitMs > 0) await sleep(waitMs, signal);
  };
}
