import { dirname } from 'node:path';
import pg from 'pg';
import {
  type ConnectionSettings,
  chooseServerAccount,
  createScratchFolder,
  findServerPrograms,
  initCluster,
  type RunningServer,
  removeScratchFolder,
  runServer,
  type ServerPrograms,
} from '../../sources/index.ts';
import { shopSessionSettings } from './shop.ts';

const demoMajor = 18;

export interface DemoServer extends AsyncDisposable {
  /** Ours; everything of the demo lies in it and goes away with the server. */
  readonly folder: string;
  readonly version: string;
  readonly settings: ConnectionSettings;
  /** A URL without a password: the socket's folder is closed to everybody else. */
  readonly url: string;
  readonly socketFolder: string;
  connect(applicationName: string): Promise<pg.Client>;
}

/**
 * A PostgreSQL of the demo's own: on a Unix socket only, with the settings of a small server. As root it runs as an
 * unprivileged account. It dies with us, and the next start of Lifeboat removes what a kill -9 leaves.
 */
export async function startDemoServer(signal: AbortSignal): Promise<DemoServer> {
  const programs = await findServerPrograms(demoMajor);
  const dataFolder = await createScratchFolder(undefined, await chooseServerAccount());
  try {
    return await startIn(dataFolder, programs, signal);
  } catch (error) {
    await removeScratchFolder(dataFolder);
    throw error;
  }
}

async function startIn(
  dataFolder: string,
  programs: ServerPrograms,
  signal: AbortSignal,
): Promise<DemoServer> {
  await initCluster({ programs, dataFolder, signal });
  const server = await runServer({
    programs,
    dataFolder,
    signal,
    dataIsScratch: true,
    settings: {
      shared_buffers: '128MB',
      max_wal_size: '2GB',
      wal_level: 'replica',
      max_wal_senders: '8',
      max_replication_slots: '8',
    },
  });
  try {
    await using admin = await open(server, 'postgres', 'lifeboat demo');
    await admin.client.query('create database shop');
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  const settings = server.connection('shop');
  return {
    folder: dirname(dataFolder),
    version: programs.version,
    settings,
    url: `postgres://${settings.user}@localhost:${settings.port}/${settings.database}?host=${encodeURIComponent(settings.host)}&sslmode=disable`,
    socketFolder: server.socketFolder,
    connect: async (applicationName) => (await open(server, 'shop', applicationName)).client,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await removeScratchFolder(dataFolder);
    },
  };
}

async function open(server: RunningServer, database: string, applicationName: string) {
  const { host, port, user } = server.connection(database);
  const client = new pg.Client({ host, port, user, database, application_name: applicationName });
  // Without a listener a server that stops would end the process; the next query reports it.
  client.on('error', () => {});
  await client.connect();
  await client.query(shopSessionSettings);
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
