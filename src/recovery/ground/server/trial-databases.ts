import { isLifeboatError, type Progress, silentProgress, sleep } from '../../../core/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import type { Session } from '../../rescue/session.ts';
import { quoteName } from '../../rescue/sql-text.ts';
import type { GroundRequest } from '../ground.ts';
import { endingOf, nameFor } from './database-names.ts';
import { likenStatements, readProperties } from './database-properties.ts';
import { removeDatabases } from './remove-databases.ts';
import { openBeside } from './server-sessions.ts';

export interface TrialOptions extends GroundRequest {
  readonly connection: ConnectionSettings;
  /** That a delivery of this token has brought complete. */
  readonly databases: readonly string[];
  readonly token: string;
}

/** A copy of each database that was brought, dropped with this: whoever tries it may write, and what will be put in place stays as it was checked. */
export interface Trials extends AsyncDisposable {
  /** How many sessions they have had. */
  sessions(): Promise<number>;
  /** Whether there were more since; a server counts some with delay. */
  hadMoreThan(sessions: number): Promise<boolean>;
}

const countedWithinMs = 3000;
const lookMs = 200;

/** What is left of a trial that was killed goes first. Errors: `postgres.*`, also where there is no room; `cancelled`. Then nothing is left. */
export async function openTrials(options: TrialOptions): Promise<Trials> {
  const { connection, databases, token, signal, progress = silentProgress } = options;
  const drop = async () => {
    // Also after a cancellation: nobody else would.
    await using session = await openBeside(connection, [], undefined);
    await dropTrials(session, token, options);
  };
  await drop();
  try {
    await using session = await openBeside(connection, [], signal);
    for (const database of databases) await copy(session, database, token, progress);
  } catch (error) {
    await drop().catch(() => {});
    throw error;
  }
  const names = databases.map((database) => nameFor(database, 'trial', token));
  const sessions = async () => {
    await using session = await openBeside(connection, [], signal);
    // Before 14 a server counts transactions alone.
    const [row] = await session.rows<{ count: number }>(
      `select coalesce(sum(coalesce((to_jsonb(s) ->> 'sessions')::int8, xact_commit)), 0)::float8 as count
         from pg_stat_database s where datname = any($1)`,
      [names],
    );
    return row?.count ?? 0;
  };
  return {
    sessions,
    async hadMoreThan(before) {
      for (let leftMs = countedWithinMs; leftMs > 0; leftMs -= lookMs) {
        if ((await sessions()) > before) return true;
        await sleep(lookMs, signal);
      }
      return false;
    },
    async [Symbol.asyncDispose]() {
      await drop().catch((error) => {
        if (!isLifeboatError(error)) throw error;
        progress({
          type: 'warning',
          message: `the copies ${names.join(', ')} could not be dropped: ${error.message}`,
          hint: 'They are dropped when the recovery is given up, or what it replaced is let go of.',
        });
      });
    },
  };
}

/** Of this token. Errors: `postgres.*`, those of `willRemove`. */
export async function dropTrials(
  session: Session,
  token: string,
  request: GroundRequest,
): Promise<void> {
  const rows = await session.rows<{ name: string }>(
    'select datname::text as name from pg_database where not datistemplate',
  );
  const names = rows
    .map(({ name }) => name)
    .filter((name) => name.endsWith(endingOf('trial', token)));
  await removeDatabases(session, names, { isOurs: true, request });
}

/** With the owner, rights and settings that it has; the server copies files, without a log of each page where it lets us choose. */
async function copy(
  session: Session,
  database: string,
  token: string,
  progress: Progress,
): Promise<void> {
  const brought = nameFor(database, 'lifeboat', token);
  const trial = nameFor(database, 'trial', token);
  const [row] = await session.rows<{ size: string; major: number }>(
    `select pg_size_pretty(pg_database_size($1::name)) as size, current_setting('server_version_num')::int4 / 10000 as major`,
    [brought],
  );
  progress({ type: 'note', message: `copying ${database} (${row?.size}) for the trial` });
  const strategy = (row?.major ?? 0) >= 15 ? ' strategy file_copy' : '';
  await session.run(
    `create database ${quoteName(trial)} template ${quoteName(brought)}${strategy}`,
  );
  const like = await readProperties(session, brought);
  const roles = await session.rows<{ name: string }>('select rolname::text as name from pg_roles');
  if (like === undefined) return;
  for (const sql of likenStatements(trial, like, new Set(roles.map(({ name }) => name)))) {
    await session.run(sql);
  }
}
