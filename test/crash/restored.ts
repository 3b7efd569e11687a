import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { expect } from 'vitest';
import { lifeboat } from '../support/command-line.ts';
import { freePort, type TestServer, unprivileged } from '../support/postgres.ts';

export interface Restored {
  /** Ids from 1 to `highest` that the restored journal lacks. */
  missingBelow(highest: number): number[];
}

/** Restores `database` to latest with the real command, starts the result with stock PostgreSQL, and reads the journal. */
export async function readRestored(
  config: string,
  folder: string,
  server: TestServer,
): Promise<Restored> {
  const restore = await lifeboat(['restore', 'database', '--config', config, '--to', folder]);
  expect(restore, restore.stdout + restore.stderr).toMatchObject({ exitCode: 0 });
  const port = await freePort();
  const settings = ['port', port, 'listen_addresses', '127.0.0.1', 'unix_socket_directories', ''];
  const args = ['-D', folder];
  for (let at = 0; at < settings.length; at += 2)
    args.push('-c', `${settings[at]}=${settings[at + 1]}`);
  const child = spawn(join(server.bin, 'postgres'), args, {
    ...unprivileged,
    cwd: folder,
    stdio: 'ignore',
  });
  try {
    const ids = await journalIds(`postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`);
    return {
      missingBelow: (highest) => {
        const missing: number[] = [];
        for (let id = 1; id <= highest; id++) if (!ids.has(id)) missing.push(id);
        return missing;
      },
    };
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGQUIT');
    await ended;
  }
}

async function journalIds(url: string): Promise<Set<number>> {
  for (let attempt = 0; ; attempt++) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query('select id from journal');
      return new Set(rows.map((row) => Number(row.id)));
    } catch (error) {
      if (attempt >= 200) throw error;
      await pause(100);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
