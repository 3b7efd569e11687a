import type { Duplex } from 'node:stream';
import pg from 'pg';
import { cancelled, formatDuration, isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { openByMode, withoutTls } from './encryption.ts';
import { openInTurn } from './open-in-turn.ts';
import { findPassword } from './password.ts';
import { tlsFailure } from './tls-failure.ts';
import type { TlsOptions } from './tls-options.ts';

const connectTimeoutMs = 15_000;
const endWithinMs = 5_000;

/** A client of `pg` that is logged in, and the one server that it talks to. Disposal ends it. */
export interface SqlClient extends AsyncDisposable {
  readonly client: pg.Client;
  readonly settings: ConnectionSettings;
}

/**
 * An ordinary SQL connection to the first server that fits; names in its SQL are those of pg_catalog. A broken one is told by the query that runs, never by an event that ends
 * the process. Errors: `postgres.unreachable`, `postgres.refused` (context `sqlstate`), `postgres.untrusted`, `cancelled`.
 */
export async function openSqlClient(
  settings: ConnectionSettings,
  applicationName = 'lifeboat',
  signal?: AbortSignal,
): Promise<SqlClient> {
  const patience = { timeoutMs: settings.connectTimeoutMs ?? connectTimeoutMs, signal };
  const open = (host: ConnectionSettings) =>
    openByMode(host, (tls) => openOnce(host, tls, applicationName, patience));
  return await openInTurn(settings, open, async ({ client, settings: host }) => {
    try {
      const { rows } = await answered(client, patience, () =>
        client.query<{ isStandby: boolean; isReadOnly: boolean }>(
          `select pg_is_in_recovery() as "isStandby", current_setting('transaction_read_only')::bool as "isReadOnly"`,
        ),
      );
      return rows[0] as { isStandby: boolean; isReadOnly: boolean };
    } catch (error) {
      throw connectError(error, host);
    }
  });
}

interface Patience {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

async function openOnce(
  settings: ConnectionSettings,
  tls: TlsOptions | undefined,
  applicationName: string,
  patience: Patience,
): Promise<SqlClient> {
  const { host, port, user, database } = settings;
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    ssl: tls ?? false,
    password: async () => (await findPassword(settings, [database])).reveal(),
    application_name: applicationName,
    connectionTimeoutMillis: patience.timeoutMs,
    keepAlive: true,
  });
  client.on('error', () => {});
  try {
    await answered(client, patience, async () => {
      await client.connect();
      // What users of the database plant beside the server's own functions and operators must not run as our role. By SET, not as an
      // option of the connection: RESET gives the path of the role and the database.
      await client.query('set search_path = pg_catalog');
    });
  } catch (error) {
    await endInTime(client);
    throw connectError(error, settings);
  }
  return {
    client,
    settings,
    [Symbol.asyncDispose]: () => endInTime(client),
  };
}

/** A server that hangs keeps its connections open, and would be waited for without end. */
async function answered<Answer>(
  client: pg.Client,
  { timeoutMs, signal }: Patience,
  work: () => Promise<Answer>,
): Promise<Answer> {
  if (signal?.aborted) throw cancelled(signal);
  const late = new Error(`no answer within ${formatDuration(timeoutMs)}`);
  let isLate = false;
  const giveUp = () => streamOf(client).destroy(late);
  const timer = setTimeout(() => {
    isLate = true;
    giveUp();
  }, timeoutMs);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw cancelled(signal);
    throw isLate ? late : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Another one once it is encrypted. */
function streamOf(client: pg.Client): Duplex {
  return (client as unknown as { connection: { stream: Duplex } }).connection.stream;
}

/** A server that hangs does not close its end: then ours is closed without it. */
async function endInTime(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => streamOf(client).destroy(), endWithinMs);
  try {
    await client.end();
  } catch {
    // It is over all the same.
  } finally {
    clearTimeout(timer);
  }
}

function connectError(error: unknown, settings: ConnectionSettings): LifeboatError {
  if (isLifeboatError(error)) return error;
  const place = describeConnection(settings);
  const { code, message } = error as { code?: string; message?: string };
  if (error instanceof pg.DatabaseError) return loginError(error, place);
  if (/does not support SSL/.test(message ?? '')) return withoutTls(settings);
  const untrusted = tlsFailure(error, settings);
  if (untrusted) return untrusted;
  return new LifeboatError(
    'postgres.unreachable',
    `could not connect to ${place}: ${message || code}`,
    {
      hint: 'See that the server runs and that host and port are right.',
      cause: error,
      retryable: true,
    },
  );
}

function loginError(error: pg.DatabaseError, place: string): LifeboatError {
  const sqlstate = error.code ?? '';
  const context = { sqlstate };
  // Starting, stopping, in recovery; or all connections taken.
  if (/^(57P0|53)/.test(sqlstate)) {
    return new LifeboatError('postgres.unreachable', `${place} takes no login: ${error.message}`, {
      hint: 'The server is starting, stopping or full. Try again soon.',
      context,
      cause: error,
      retryable: true,
    });
  }
  return new LifeboatError('postgres.refused', `cannot log in as ${place}: ${error.message}`, {
    hint: 'See that the role exists, that its password is right, and that pg_hba.conf lets it into this database.',
    context,
    cause: error,
  });
}
