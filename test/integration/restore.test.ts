import { spawn } from 'node:child_process';
import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openScratch, restoreToMoment } from '../../src/sources/postgres/restore/index.ts';
import {
  findServerPrograms,
  type ServerPrograms,
} from '../../src/sources/postgres/server/index.ts';
import { freePort, temporaryFolder, unprivileged } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import {
  contentSql,
  type ProtectedServer,
  protectServer,
  type RecordedMoment,
  source,
} from './protected-server.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A name for a folder that does not exist yet, where the account of the server can reach it. */
async function newFolder(): Promise<string> {
  const parent = temporaryFolder('restore');
  folders.push(parent);
  await chmod(parent, 0o755);
  return join(parent, 'restored');
}

/** Starts the folder with stock PostgreSQL, with the configuration that lies in it. */
async function contentOfFolder(programs: ServerPrograms, folder: string) {
  const port = await freePort();
  const args = [
    '-D',
    folder,
    '-c',
    `port=${port}`,
    '-c',
    `unix_socket_directories=${dirname(folder)}`,
  ];
  await chmod(dirname(folder), 0o777);
  const child = spawn(programs.postgres, [...args, '-c', 'listen_addresses='], {
    ...unprivileged,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (data: Buffer) => {
    log += data.toString();
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    await expect.poll(() => log, { timeout: 60_000 }).toContain('ready to accept connections');
    const client = new pg.Client({
      host: dirname(folder),
      port,
      user: 'postgres',
      database: 'postgres',
    });
    await client.connect();
    const { rows } = await client.query(contentSql);
    const settings = await client.query(
      `select current_setting('archive_mode') as archive, pg_is_in_recovery() as recovering`,
    );
    expect(settings.rows).toEqual([{ archive: 'off', recovering: false }]);
    await client.end();
    return rows[0];
  } finally {
    child.kill('SIGQUIT');
    await ended;
  }
}

describe.each(serversUnderTest(15))('restore, $name', ({ major, bin }) => {
  let live: ProtectedServer;
  let programs: ServerPrograms;
  const moments: RecordedMoment[] = [];

  beforeAll(async () => {
    if (!bin) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    live = await protectServer({ bin, major });
    const { server } = live;
    await server.query('create table ledger (id bigserial primary key, note text not null)');
    await server.query(
      `insert into ledger (note) select md5(i::text) from generate_series(1, 1000) i`,
    );
    const finish = await live.stream();
    await live.backup();
    for (let round = 0; round < 6; round++) {
      moments.push(await live.moment());
      await new Promise((resolve) => setTimeout(resolve, 20));
      await server.query(
        `insert into ledger (note) select md5(i::text) from generate_series(1, 500) i`,
      );
      await server.query(`delete from ledger where id % 7 = ${round}`);
      if (round === 1) await server.query('select pg_switch_wal()');
      if (round === 2) await server.query('checkpoint');
      if (round === 3) await live.backup();
    }
    moments.push(await live.moment());
    await finish();
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
  });

  test('at the latest state, as a folder that stock PostgreSQL starts', async (context) => {
    if (!bin) return context.skip(`no PostgreSQL ${major}`);
    const { repository } = live;
    const folder = await newFolder();
    const restored = await restoreToMoment({
      repository,
      source,
      target: { kind: 'latest' },
      folder,
      programs,
    });
    const last = moments.at(-1) as RecordedMoment;
    expect(restored).toMatchObject({ folder, timeline: 2 });
    expect(restored.reachedLsn).toBeGreaterThan(moments.at(-2)?.lsn ?? 0n);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await expect(stat(join(folder, 'lifeboat-recovery'))).rejects.toThrow('ENOENT');
    await expect(stat(join(folder, 'recovery.signal'))).rejects.toThrow('ENOENT');
    expect(await readFile(join(folder, 'postgresql.auto.conf'), 'utf8')).toContain(
      "archive_mode = 'off'",
    );
    expect(await contentOfFolder(programs, folder)).toEqual({ count: last.count, md5: last.md5 });
  });

  test('at a position and at a time, as a scratch server', async (context) => {
    if (!bin) return context.skip(`no PostgreSQL ${major}`);
    const { repository } = live;
    for (const [index, moment] of moments.entries()) {
      if (index % 2 === 0) continue;
      const targets = [
        { kind: 'lsn', lsn: moment.lsn, inclusive: false } as const,
        { kind: 'time', time: moment.time } as const,
      ];
      for (const target of targets) {
        await using scratch = await openScratch({ repository, source, target, programs });
        const settings = scratch.connection('postgres');
        const client = new pg.Client({
          host: settings.host,
          port: settings.port,
          user: settings.user,
          database: 'postgres',
        });
        await client.connect();
        expect((await client.query(contentSql)).rows[0]).toEqual({
          count: moment.count,
          md5: moment.md5,
        });
        await client.end();
      }
    }
  });
});
