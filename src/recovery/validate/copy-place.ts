import type { ConnectionSettings, ScratchServer } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { openSession, type Session } from '../rescue/session.ts';
import { quoteName, quoteText } from '../rescue/sql-text.ts';
import type { Place } from './place.ts';
import { readPlaceFacts } from './place-facts.ts';
import { makeReader } from './reader-role.ts';

/** Any statement has this long, and so long as it takes to read every byte of the cluster at a rate that any disk has. */
const statementMs = 30 * 60_000;
const bytesPerMs = 20 * 1024;

const maintenance = ['postgres', 'template1'] as const;

export interface CopyPlace extends Place {
  /** Of the last commit that was replayed; the end of the snapshot when there was none. */
  readonly replayedTime: Date;
}

/**
 * A scratch server as a place for checks. It is prepared for them: a role that may only read, no transaction that waits for
 * somebody to end it, no limits on connections.
 */
export async function copyPlace(
  scratch: ScratchServer,
  options: Pick<
    Place,
    'userChecks' | 'formerValues' | 'former' | 'accounted' | 'preloadLibraries'
  > & {
    /** Of a copy of the newest state: what must be fresh is compared with now, so that a log that stands still is noticed. */
    readonly now?: Date;
    readonly signal?: AbortSignal;
  },
): Promise<CopyPlace> {
  const { now, signal, ...about } = options;
  await using session = await openMaintenance(scratch, signal);
  const facts = await readPlaceFacts(session);
  const reader = await makeReader(session, facts.major);
  for (const { name } of facts.databases) {
    await session.run(`grant connect on database ${quoteName(name)} to ${quoteName(reader)}`);
    await session.run(`alter database ${quoteName(name)} connection limit -1`);
    await using own = await openSession(scratch.connection(name), signal);
    await endPrepared(own);
    if (facts.major < 14) await grantRead(own, reader);
  }
  const replayed = (await replayedTime(session)) ?? new Date(scratch.base.info.stopTime);
  return {
    ...about,
    ...facts,
    kind: 'copy',
    dataFolder: scratch.dataFolder,
    position: formatLsn(scratch.reachedLsn),
    moment: now ?? replayed,
    statementLimitMs: await statementLimitMs(session),
    replayedTime: replayed,
    rows: new Map(),
    connection: (database, role): ConnectionSettings => {
      const settings = scratch.connection(database);
      return role === 'reader' ? { ...settings, user: reader } : settings;
    },
  };
}

/** A session of a superuser where there is one in nearly every cluster. */
export async function openMaintenance(
  scratch: { connection(database: string): ConnectionSettings },
  signal: AbortSignal | undefined,
): Promise<Session> {
  try {
    return await openSession(scratch.connection(maintenance[0]), signal);
  } catch {
    return await openSession(scratch.connection(maintenance[1]), signal);
  }
}

/** What pg_read_all_data is from 14 on. */
async function grantRead(session: Session, reader: string): Promise<void> {
  const schemas = await session.rows<{ name: string }>(
    `select nspname::text as name from pg_namespace where nspname !~ '^pg_'`,
  );
  for (const { name } of schemas) {
    const [schema, role] = [quoteName(name), quoteName(reader)];
    await session.run(`grant usage on schema ${schema} to ${role}`);
    await session.run(`grant select on all tables in schema ${schema} to ${role}`);
  }
}

/** It holds its locks after recovery, and on a copy nobody will end it. */
async function endPrepared(session: Session): Promise<void> {
  const prepared = await session.rows<{ gid: string }>(
    'select gid from pg_prepared_xacts where database = current_database()',
  );
  for (const { gid } of prepared) await session.run(`rollback prepared ${quoteText(gid)}`);
}

export async function statementLimitMs(session: Session): Promise<number> {
  const [row] = await session.rows<{ bytes: number }>(
    'select coalesce(sum(pg_database_size(oid)), 0)::float8 as bytes from pg_database',
  );
  // The setting is an int4.
  return Math.min(2 ** 31 - 1, Math.round(statementMs + (row?.bytes ?? 0) / bytesPerMs));
}

/** Of the last commit; undefined when none was replayed. */
export async function replayedTime(session: Session): Promise<Date | undefined> {
  const [row] = await session.rows<{ time: number | null }>(
    'select extract(epoch from pg_last_xact_replay_timestamp())::float8 as time',
  );
  return typeof row?.time === 'number' ? new Date(Math.floor(row.time * 1000)) : undefined;
}
