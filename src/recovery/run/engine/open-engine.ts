import { join } from 'node:path';
import { Secret } from '../../../core/index.ts';
import { parseConnectionUrl } from '../../../sources/index.ts';
import type { Surroundings } from '../../surroundings.ts';
import type { Engine } from './engine.ts';

/** As `state` of the configuration says: a file in the state folder, or a PostgreSQL that several hosts share. */
export async function openEngine({ configuration, secret }: Surroundings): Promise<Engine> {
  const { stateFolder, stateServer } = configuration;
  if (!stateServer) {
    const { openSqliteEngine } = await import('./sqlite-engine.ts');
    return await openSqliteEngine(join(stateFolder, 'runs.db'));
  }
  const { connection, password } = stateServer;
  const read = password && (await secret('password of the state', password));
  const given = typeof read === 'string' ? new Secret(read) : read;
  const { openPostgresEngine } = await import('./postgres-engine.ts');
  return await openPostgresEngine(parseConnectionUrl(connection, given));
}
