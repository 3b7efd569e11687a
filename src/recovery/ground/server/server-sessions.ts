import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, preferPrimary } from '../../../sources/index.ts';
import { openSession, type Session } from '../../rescue/session.ts';

/**
 * A session in a database that is none of those in question: one with a session in it cannot be renamed. A server that lets transactions
 * only read, as after a freeze, lets this one write. Errors: `postgres.*`, `ground.failed`.
 */
export async function openBeside(
  connection: ConnectionSettings,
  databases: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Session> {
  const places = [...new Set(['postgres', connection.database, 'template1'])];
  let refusal: unknown;
  for (const database of places.filter((each) => !databases.includes(each))) {
    try {
      const session = await openSession(preferPrimary({ ...connection, database }), signal);
      await session.run('set default_transaction_read_only = off');
      return session;
    } catch (error) {
      if (!isLifeboatError(error, 'postgres.refused')) throw error;
      refusal ??= error;
    }
  }
  if (refusal !== undefined) throw refusal;
  throw new LifeboatError('ground.failed', 'every database to connect to would be replaced', {
    hint: 'Make a database `postgres` on that server: it is only connected to.',
  });
}

/**
 * Ends what is connected to databases, but streams of replication and what the role may not end. Returns what is still there, for people.
 */
export async function endSessions(
  session: Session,
  databases: readonly string[],
): Promise<readonly string[]> {
  const others = `datname = any ($1) and pid <> pg_backend_pid()`;
  // Asked for one that it may not end, a role that is no superuser would end none.
  const mayEnd = `(current_setting('is_superuser') = 'on' or (pg_has_role(usesysid, 'MEMBER') or pg_has_role('pg_signal_backend', 'USAGE'))
      and not (select rolsuper from pg_roles where oid = usesysid))`;
  await session.run(
    `select pg_terminate_backend(pid) from pg_stat_activity where ${others} and backend_type = 'client backend' and ${mayEnd}`,
    [databases],
  );
  const left = await session.rows<{ text: string }>(
    `select concat_ws(' ', backend_type, usename, nullif(application_name, ''), 'on', datname) as text
       from pg_stat_activity where ${others} and backend_type <> 'parallel worker'`,
    [databases],
  );
  return left.map(({ text }) => text);
}

/** All changes or none. */
export async function inOneTransaction(session: Session, work: () => Promise<void>): Promise<void> {
  await session.run('begin');
  try {
    await work();
    await session.run('commit');
  } catch (error) {
    await session.run('rollback').catch(() => {});
    throw error;
  }
}
