import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

/** PostgreSQL refuses to run as root, so as root the tests run it as `nobody`. */
export const unprivileged =
  process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : ({} as { uid?: number; gid?: number });

export interface TestServer {
  readonly major: number;
  readonly bin: string;
  readonly dataFolder: string;
  readonly port: number;
  readonly pid: () => number;
  /** `postgres://postgres@127.0.0.1:PORT/<database>?sslmode=disable` */
  url(database?: string): string;
  query(sql: string, database?: string): Promise<pg.QueryResult>;
  /** Fast shutdown. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** kill -9 of the postmaster. */
  kill(): Promise<void>;
  /** Stops and removes everything. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A real PostgreSQL of its own for a test, on loopback with trust, and wal_level=replica. The folder is
 * below the system's temporary folder and is removed on disposal.
 */
export async function startPostgres(options: {
  bin: string;
  major: number;
  settings?: Record<string, string>;
  initdb?: string[];
  /** A standby of this server instead of a cluster of its own; needs pg_basebackup. */
  standbyOf?: TestServer;
}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-pg-'));
  chmodSync(folder, 0o755);
  const dataFolder = join(folder, 'data');
  mkdirSync(dataFolder, { mode: 0o700 });
  if (unprivileged.uid !== undefined) {
    chownSync(folder, unprivileged.uid, unprivileged.gid as number);
    chownSync(dataFolder, unprivileged.uid, unprivileged.gid as number);
  }
  const primary = options.standbyOf;
  if (primary) await copyAsStandby(primary, dataFolder);
  else await makeCluster(options, folder, dataFolder);
  const port = await freePort();
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    shared_buffers: '32MB',
    max_connections: '40',
    autovacuum: 'off',
    wal_level: 'replica',
    max_wal_senders: '8',
    max_replication_slots: '8',
    ...(primary ? { primary_conninfo: conninfo(primary) } : {}),
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  writeFileSync(join(dataFolder, 'postgresql.auto.conf'), lines.join(''));

  let server: ChildProcess | undefined;
  let log = '';
  const start = async () => {
    log = '';
    server = spawn(join(options.bin, 'postgres'), ['-D', dataFolder], {
      ...unprivileged,
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (data: Buffer) => {
      log = (log + data.toString()).slice(-20_000);
    };
    server.stdout?.on('data', collect);
    server.stderr?.on('data', collect);
    const child = server;
    for (let attempt = 0; ; attempt++) {
      if (child.exitCode !== null) throw new Error(`the test server did not start:\n${log}`);
      try {
        await query('select 1');
        return;
      } catch (error) {
        if (attempt > 600)
          throw new Error(`the test server does not answer:\n${log}`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const ended = async () => {
    const child = server;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => child.once('exit', resolve));
  };
  const url = (database = 'postgres') =>
    `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=disable`;
  const query = async (sql: string, database?: string) => {
    const client = new pg.Client({ connectionString: url(database) });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const stop = async () => {
    server?.kill('SIGINT');
    await ended();
  };
  const kill = async () => {
    server?.kill('SIGKILL');
    await ended();
    // The children of a killed postmaster notice by themselves; until they have, no other one starts on their folder.
    while (hasProcesses(dataFolder)) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  await start();
  return {
    major: options.major,
    bin: options.bin,
    dataFolder,
    port,
    pid: () => server?.pid ?? 0,
    url,
    query,
    start,
    stop,
    kill,
    async [Symbol.asyncDispose]() {
      server?.kill('SIGQUIT');
      await ended();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makeCluster(
  options: { bin: string; major: number; initdb?: string[] },
  folder: string,
  dataFolder: string,
): Promise<void> {
  const initdb = ['-D', dataFolder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
  const checksums = options.major < 18 ? ['--data-checksums'] : [];
  await run(
    join(options.bin, 'initdb'),
    [...initdb, '--locale=C', ...checksums, ...(options.initdb ?? [])],
    { ...unprivileged, cwd: folder },
  );
}

async function copyAsStandby(primary: TestServer, dataFolder: string): Promise<void> {
  const from = ['-d', conninfo(primary), '-c', 'fast', '-X', 'stream'];
  await run(join(primary.bin, 'pg_basebackup'), [...from, '-D', dataFolder, '-R'], {
    ...unprivileged,
    cwd: dataFolder,
  });
}

function conninfo({ port }: TestServer): string {
  return `host=127.0.0.1 port=${port} user=postgres sslmode=disable`;
}

/** Every process of PostgreSQL works in its data folder. */
function hasProcesses(dataFolder: string): boolean {
  return readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`) === dataFolder;
    } catch {
      return false;
    }
  });
}

/**
 * A port of loopback that was free a moment ago, below those the system gives to outgoing connections: the thousands that some
 * tests make must not take it before the server does, or while it is restarted.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Copies a folder and gives it to the account the tests run PostgreSQL as. */
export function copyForServer(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true });
}

/** A fresh temporary folder; the caller removes it. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `lifeboat-test-${name}-`));
}
