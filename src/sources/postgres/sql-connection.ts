import pg from 'pg';
import { cancelled, LifeboatError, throwIfAborted } from '../../core/index.ts';
import { openSqlClient } from './connect/sql-client.ts';
import type { ConnectionSettings } from './connection-settings.ts';

/** An ordinary SQL connection, for what the replication protocol cannot ask. */
export interface SqlConnection extends AsyncDisposable {
  /** Of the one server that it leads to. */
  readonly settings: ConnectionSettings;
  rows<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Several statements in one message; the rows of each that has some. */
  script<Row extends object>(sql: string): Promise<readonly (readonly Row[])[]>;
}

/**
 * Connects to `database` (default: the settings') of the first server that fits. Aborting the signal closes the connection. Errors:
 * `postgres.unreachable`, `postgres.refused`, `postgres.untrusted`, `postgres.query` (context `sqlstate`), `cancelled`.
 */
export async function connectSql(
  settings: ConnectionSettings,
  options: { readonly database?: string; readonly signal?: AbortSignal } = {},
): Promise<SqlConnection> {
  const { signal, database = settings.database } = options;
  throwIfAborted(signal);
  const opened = await openSqlClient({ ...settings, database }, undefined, signal);
  const { client } = opened;
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
    settings: opened.settings,
    rows: async <Row extends object>(sql: string, values?: readonly unknown[]) =>
      (await query(sql, values)).rows as Row[],
    script: async <Row extends object>(sql: string) =>
      [await query(sql)].flat().map((result: pg.QueryResult) => result.rows as Row[]),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', onAbort);
      await opened[Symbol.asyncDispose]();
    },
  };
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
