import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';

// Goal: a commit that was acknowledged outlives what its level promises. Method: writers that note what was acknowledged to them;
// kill -9 of `serve` and of the server, whose folder is removed; the real `restore`, with the spool and without it.

const bin = embeddedPostgresBin();
const slot = 'lifeboat_database';
let server: TestServer;
let place: Installation;

beforeEach(async () => {
  server = await startPostgres({ bin, major: 18 });
  place = await installation({
    connection: server.url(),
    programs: bin,
    sourceOptions: ', synchronous: remote_write',
  });
});
afterEach(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

type Level = 'remote_write' | 'on';

/** Commits rows one after the other until the server is gone; notes those that returned. */
async function write(level: Level, writer: number, acknowledged: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: server.url() });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`set synchronous_commit = ${level}`);
    for (let number = 0; ; number++) {
      const note = `${level} ${writer} ${number}`;
      await client.query('insert into ledger values ($1)', [note]);
      acknowledged.push(note);
    }
  } catch {
    await client.end().catch(() => {});
  }
}

async function restoredNotes(): Promise<ReadonlySet<string>> {
  const folder = join(place.folder, 'restored');
  const result = await place.run('restore', '--to', folder);
  expect(result.exitCode, result.stdout).toBe(0);
  try {
    await using restored = await startStock(bin, folder);
    const { rows } = await restored.query('select note from ledger');
    return new Set(rows.map(({ note }) => note as string));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('loses no acknowledged commit: remote_write with the host of the database, on with both hosts', async () => {
  await server.query('create table ledger (note text)');
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  expect((await place.run('doctor')).records).toContainEqual(
    expect.objectContaining({
      check: 'synchronous',
      outcome: 'problem',
      remedy: expect.stringContaining(`synchronous_standby_names = '"${slot}"'`),
    }),
  );
  await server.query(`alter system set synchronous_standby_names = '"${slot}"'`);
  await server.query('select pg_reload_conf()');
  const state = 'select 1 from pg_stat_replication where sync_state';
  while (!(await server.query(`${state} = 'sync' and application_name = '${slot}'`)).rowCount) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const acknowledged = { remote_write: [] as string[], on: [] as string[] };
  const writers = ([0, 1, 2, 3] as const).flatMap((writer) => [
    write('remote_write', writer, acknowledged.remote_write),
    write('on', writer, acknowledged.on),
  ]);
  while (acknowledged.on.length < 20 || acknowledged.remote_write.length < 200) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const [seen] = (await place.run('status')).records;
  expect(seen).toMatchObject({
    type: 'source-status',
    isRepositoryHere: true,
    stream: { phase: 'streaming', rpoWithoutDatabaseMs: expect.any(Number) },
  });
  // Both at once: nothing is brought in order any more.
  await ended(service, 'SIGKILL');
  await server.kill();
  await Promise.all(writers);
  rmSync(server.dataFolder, { recursive: true });

  const withSpool = await restoredNotes();
  expect(acknowledged.remote_write.filter((note) => !withSpool.has(note))).toEqual([]);
  expect(acknowledged.on.filter((note) => !withSpool.has(note))).toEqual([]);

  // Another machine, which has the repository alone.
  const elsewhere = join(place.folder, 'elsewhere');
  mkdirSync(elsewhere);
  place.configure({ state: elsewhere });
  const withoutSpool = await restoredNotes();
  expect(acknowledged.on.filter((note) => !withoutSpool.has(note))).toEqual([]);
});
