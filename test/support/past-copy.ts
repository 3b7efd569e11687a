import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort, type TestServer, unprivileged } from './postgres.ts';

const run = promisify(execFile);

/** A second server on a physical copy of the first one's data, as it was at this moment. */
export interface PastCopy extends AsyncDisposable {
  readonly port: number;
  query(sql: string, database: string): Promise<pg.QueryResult>;
}

/** Stops the server for the copy and starts it again. Rows keep their tuple ids. */
export async function copyPast(live: TestServer): Promise<PastCopy> {
  const folder = join(dirname(live.dataFolder), 'past');
  await live.stop();
  await run('cp', ['-a', live.dataFolder, folder]);
  await live.start();
  const port = await freePort();
  writeFileSync(
    join(folder, 'postgresql.auto.conf'),
    `listen_addresses = '127.0.0.1'\nautovacuum = off\n`,
  );
  const server: ChildProcess = spawn(
    join(live.bin, 'postgres'),
    ['-D', folder, '-p', String(port), '-k', dirname(folder), '-c', 'shared_buffers=32MB'],
    { ...unprivileged, cwd: dirname(folder), env: { LC_ALL: 'C', TZ: 'UTC' }, stdio: 'ignore' },
  );
  const query = async (sql: string, database: string) => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  };
  for (let attempt = 0; ; attempt++) {
    try {
      await query('select 1', 'postgres');
      break;
    } catch (error) {
      if (attempt > 600 || server.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    port,
    query,
    async [Symbol.asyncDispose]() {
      server.kill('SIGQUIT');
      if (server.exitCode === null) await new Promise((resolve) => server.once('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
