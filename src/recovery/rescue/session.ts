import { readFileSync } from 'node:fs';
import pg from 'pg';
import { cancelled, LifeboatError, throwIfAborted } from '../../core/index.ts';
import { type ConnectionSettings, describeConnection } from '../../sources/index.ts';

/** One ordinary SQL connection. When the signal aborts, the running statement is cancelled on the server too. */
export interface Session extends AsyncDisposable {
  readonly client: pg.Client;
  /** For people: never with a password. */
  readonly place: string;
  readonly signal: AbortSignal | undefined;
  rows<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs a statement and gives the number of rows it touched. */
  run(sql: string, values?: readonly unknown[]): Promise<number>;
}

// Values travel as text, so both servers must write and read them the same way. The empty search_path makes every
// name that the server prints (expressions, types, regclass) fully qualified.
const settingsForText = `
  set client_encoding = 'UTF8'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
  set timezone = 'UTC'; set extra_float_digits = 3; set bytea_output = 'hex';
  set standard_conforming_strings = on; set xmloption = content; set search_path = pg_catalog;
  set row_security = off; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;
  set synchronize_seqscans = off`;

/**
 * Connects. Errors: `postgres.unreachable`, `postgres.refused`; later `postgres.query` with `sqlstate` in its
 * context, `postgres.connection-lost`, `cancelled`.
 */
export async function openSession(
  settings: ConnectionSettings,
  signal?: AbortSignal,
): Promise<Session> {
  throwIfAborted(signal);
  const place = describeConnection(settings);
  const client = await connect(settings, place);
  const pid = (client as unknown as { processID: number }).processID;
  const onAbort = () => {
    cancelStatement(settings, pid).catch(() => {
      // The server cannot be reached for the cancellation: closing the socket ends the transaction.
      client.end().catch(() => {});
    });
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const query = async (sql: string, values?: readonly unknown[]) => {
    throwIfAborted(signal);
    try {
      return await client.query(sql, values as unknown[]);
    } catch (error) {
      if (signal?.aborted) throw cancelled(signal);
      throw queryError(error, place);
    }
  };
  const session: Session = {
    client,
    place,
    signal,
    rows: async <Row extends object>(sql: string, values?: readonly unknown[]) =>
      (await query(sql, values)).rows as Row[],
    run: async (sql, values) => (await query(sql, values)).rowCount ?? 0,
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', onAbort);
      await client.end().catch(() => {});
    },
  };
  try {
    await session.run(settingsForText);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

async function connect(settings: ConnectionSettings, place: string): Promise<pg.Client> {
  const wanted = settings.sslmode === 'prefer' && !settings.host.startsWith('/');
  try {
    return await connectOnce(settings, wanted);
  } catch (error) {
    const noTls = /does not support SSL/.test((error as Error).message);
    if (wanted && noTls)
      return await connectOnce(settings, false).catch((again) => {
        throw connectError(again, place);
      });
    throw connectError(error, place);
  }
}

async function connectOnce(settings: ConnectionSettings, prefer: boolean): Promise<pg.Client> {
  const client = new pg.Client({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    application_name: 'lifeboat rescue',
    connectionTimeoutMillis: 30_000,
    keepAlive: true,
    ssl: tlsOptions(settings, prefer),
    ...(settings.password ? { password: settings.password.reveal() } : {}),
  });
  // Without a listener a broken connection would end the process; the next query reports it.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** As libpq: `prefer` and `require` encrypt without asking who answers. */
function tlsOptions(settings: ConnectionSettings, prefer: boolean) {
  if (settings.sslmode === 'disable' || settings.host.startsWith('/')) return false;
  if (settings.sslmode === 'prefer') return prefer ? { rejectUnauthorized: false } : false;
  if (settings.sslmode === 'require' && !settings.sslRootCert) return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(settings.sslRootCert ? { ca: readFileSync(settings.sslRootCert, 'utf8') } : {}),
    ...(settings.sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function cancelStatement(settings: ConnectionSettings, pid: number): Promise<void> {
  const other = await connect(settings, describeConnection(settings));
  try {
    await other.query('select pg_cancel_backend($1)', [pid]);
  } finally {
    await other.end().catch(() => {});
  }
}

function connectError(error: unknown, place: string): LifeboatError {
  const { code } = error as { code?: string };
  const fact = (error as Error).message || String(code);
  if (code && /^(28|3D|42501)/.test(code)) {
    return new LifeboatError('postgres.refused', `${place} refused the login: ${fact}`, {
      hint: 'Check the role, its password and pg_hba.conf.',
      cause: error,
    });
  }
  return new LifeboatError('postgres.unreachable', `could not connect to ${place}: ${fact}`, {
    hint: 'Check that the server runs and that the address is right.',
    cause: error,
    retryable: true,
  });
}

/** Turns an error of the driver into ours. Ours pass unchanged. */
export function queryError(error: unknown, place: string): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const { code, detail, message } = error as { code?: string; detail?: string; message: string };
  if (!code || !/^[0-9A-Z]{5}$/.test(code)) {
    return new LifeboatError('postgres.connection-lost', `the connection to ${place} broke`, {
      hint: 'An open transaction was rolled back by the server. Run the command again.',
      cause: error,
      retryable: true,
    });
  }
  const hint = hints[code];
  return new LifeboatError(
    'postgres.query',
    `${place}: ${message}${detail ? ` (${detail})` : ''}`,
    {
      context: { sqlstate: code },
      cause: error,
      ...(hint ? { hint } : {}),
      retryable: code === '55P03' || code.startsWith('40'),
    },
  );
}

const hints: Readonly<Record<string, string>> = {
  '55P03':
    'Another session holds a lock. Nothing was changed; end it or run the command again later.',
  '40P01': 'Nothing was changed. Run the command again.',
  '42501': 'Connect as the owner of the tables or as a superuser.',
  '57014': 'A statement was cancelled on the server. Nothing was changed.',
};
