import pg from 'pg';
import { LifeboatError } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';

const startOptions = [
  'session_preload_libraries=',
  'local_preload_libraries=',
  'statement_timeout=0',
  // We are superuser there: what users of the original planted beside the server's own functions and operators must not run.
  'search_path=pg_catalog',
];

/**
 * A connection to a server of ours on its socket. Preload libraries that the copied catalog sets for a database or a role
 * are overruled. Errors: `postgres.refused` (no such role or database), `postgres.unreachable`.
 */
export async function openSession(settings: ConnectionSettings): Promise<pg.Client> {
  const client = new pg.Client({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    options: startOptions.map((each) => `-c ${each}`).join(' '),
  });
  // A server that is stopped while a session is open must not end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    const sqlstate = (error as { code?: string }).code ?? '';
    const isRefused = /^(28|3D)/.test(sqlstate);
    throw new LifeboatError(
      isRefused ? 'postgres.refused' : 'postgres.unreachable',
      `could not connect to the server: ${(error as Error).message}`,
      { context: { sqlstate }, cause: error },
    );
  }
}

export async function withSession<Result>(
  settings: ConnectionSettings,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = await openSession(settings);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
