import { execFile, spawn } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort, temporaryFolder, unprivileged } from './postgres.ts';

const run = promisify(execFile);

export interface RestoredFolder {
  readonly folder: string;
  [Symbol.dispose](): void;
}

/** What stock restic makes of a snapshot, after it found nothing wrong with the whole repository. */
export async function resticRestore(
  restic: string,
  repository: string,
  password: string,
  snapshot: string,
): Promise<RestoredFolder> {
  const folder = temporaryFolder('restored');
  chmodSync(folder, 0o755);
  const env = { ...process.env, RESTIC_PASSWORD: password, RESTIC_REPOSITORY: repository };
  const options = { env, maxBuffer: 2 ** 26 };
  await run(restic, ['--no-cache', 'check', '--read-data'], options);
  await run(restic, ['--no-cache', 'restore', snapshot, '--target', folder], options);
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface StockServer {
  readonly port: number;
  readonly log: () => string;
  url(database?: string): string;
  query(sql: string, database?: string): Promise<pg.QueryResult>;
  /** kill -9. */
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Stock `postgres` on a data folder as it is; resolves when it accepts connections. */
export async function startStock(
  bin: string,
  dataFolder: string,
  settings: Record<string, string> = {},
): Promise<StockServer> {
  const port = settings.port === undefined ? await freePort() : Number(settings.port);
  const all: Record<string, string> = {
    allow_in_place_tablespaces: 'on',
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: dataFolder,
    shared_buffers: '32MB',
    autovacuum: 'off',
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(bin, 'postgres'), ['-D', dataFolder, ...args], {
    ...unprivileged,
    cwd: dataFolder,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  await new Promise<void>((resolve, reject) => {
    const collect = (data: Buffer) => {
      log += data.toString();
      if (/ready to accept (read[- ]only )?connections/.test(log)) resolve();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('exit', () => reject(new Error(`the restored server did not start:\n${log}`)));
  });
  const url = (database = 'postgres') =>
    `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=disable`;
  return {
    port,
    log: () => log,
    url,
    async query(sql, database) {
      const client = new pg.Client({ connectionString: url(database) });
      client.on('error', () => {});
      await client.connect();
      try {
        return await client.query(sql);
      } finally {
        await client.end();
      }
    },
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGQUIT'),
  };
}
