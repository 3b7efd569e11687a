import pg from 'pg';
import { LifeboatError } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';

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
    options: '-c session_preload_libraries= -c local_preload_libraries= -c statement_timeout=0',
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
