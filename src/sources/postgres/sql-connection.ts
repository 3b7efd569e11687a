import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { cancelled, fileError, LifeboatError, throwIfAborted } from '../../core/index.ts';
import { type ConnectionSettings, describeConnection } from './connection-settings.ts';
import { noPassword } from './protocol/password.ts';

/** An ordinary SQL connection, for what the replication protocol cannot ask. */
export interface SqlConnection extends AsyncDisposable {
  rows<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Several statements in one message; the rows of each that has some. */
  script<Row extends object>(sql: string): Promise<readonly (readonly Row[])[]>;
}

const connectTimeoutMs = 15_000;

/**
 * Connects to `database` (default: the settings'). Aborting the signal closes the connection. Errors:
 * `postgres.unreachable`, `postgres.refused`, `postgres.query` (context `sqlstate`), `cancelled`.
 */
export async function connectSql(
  settings: ConnectionSettings,
  options: { readonly database?: string; readonly signal?: AbortSignal } = {},
): Promise<SqlConnection> {
  const { signal, database = settings.database } = options;
  throwIfAborted(signal);
  const client = await openClient({ ...settings, database });
  const onAbort = () => void client.end().catch(() => {});
  signal?.addEventListener('abort', onAbort, { once: true });
  const query = async (sql: string, values?: readonly unknown[]) => {
    throwIfAborted(signal);
    try {
      return await client.query(sql, values as unknown[]);
    } catch (error) {
      if (signal?.aborted) throw cancelled(signal);
      throw queryError(error);
    }
  };
  return {
    rows: async <Row extends object>(sql: string, values?: readonly unknown[]) =>
      (await query(sql, values)).rows as Row[],
    script: async <Row extends object>(sql: string) =>
      [await query(sql)].flat().map((result: pg.QueryResult) => result.rows as Row[]),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', onAbort);
      await client.end().catch(() => {});
    },
  };
}

async function openClient(settings: ConnectionSettings): Promise<pg.Client> {
  const wantsTls = settings.sslmode !== 'disable' && !settings.host.startsWith('/');
  if (!wantsTls) return openOnce(settings, false);
  const tls = await tlsOptions(settings);
  try {
    return await openOnce(settings, tls);
  } catch (error) {
    const without = error instanceof LifeboatError && /does not support SSL/.test(error.message);
    if (!without || settings.sslmode !== 'prefer') throw error;
    return openOnce(settings, false);
  }
}

async function tlsOptions(settings: ConnectionSettings) {
  const { sslmode, sslRootCert } = settings;
  // As in libpq: `require` with a root certificate verifies it too.
  const verify =
    sslmode.startsWith('verify') || (sslmode === 'require' && sslRootCert !== undefined);
  const readCertificate = (path: string) =>
    readFile(path).catch((error) => {
      throw fileError(error, `could not read the root certificate ${path}`);
    });
  return {
    rejectUnauthorized: verify,
    ...(verify && sslRootCert ? { ca: await readCertificate(sslRootCert) } : {}),
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function openOnce(
  settings: ConnectionSettings,
  ssl: false | { rejectUnauthorized: boolean },
): Promise<pg.Client> {
  const { host, port, user, database, password } = settings;
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    ssl,
    ...(password ? { password: password.reveal() } : {}),
    application_name: 'lifeboat',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  });
  // The query that is running rejects with the same error; without a listener it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw connectError(error, settings);
  }
}

function connectError(error: unknown, settings: ConnectionSettings): LifeboatError {
  const place = describeConnection(settings);
  const { code, message } = error as { code?: string; message?: string };
  if (error instanceof pg.DatabaseError) {
    return new LifeboatError('postgres.refused', `cannot log in as ${place}: ${message}`, {
      hint: 'See that the role exists, that its password is right, and that pg_hba.conf lets it into this database.',
      context: { sqlstate: code ?? '' },
      cause: error,
    });
  }
  // What `pg` says when the server asks for SCRAM and neither settings, PGPASSWORD nor ~/.pgpass have a password.
  if (message?.includes('client password must be a string')) return noPassword(settings);
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

function queryError(error: unknown): LifeboatError {
  const { code, message } = error as { code?: string; message?: string };
  if (error instanceof pg.DatabaseError) {
    return new LifeboatError('postgres.query', `the server answered with an error: ${message}`, {
      context: { sqlstate: code ?? '' },
      cause: error,
    });
  }
  return new LifeboatError(
    'postgres.connection-lost',
    `the connection to the server broke: ${message}`,
    {
      cause: error,
      retryable: true,
    },
  );
}
