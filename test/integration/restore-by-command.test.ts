// `lifeboat restore` by its command line: targets with names, and over a data directory that exists.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const bin = embeddedPostgresBin();
const notes = 'select note from ledger order by id';
let server: TestServer;
let place: Installation;
let xid: string;

beforeAll(async () => {
  server = await startPostgres({ bin, major: 18, initdb: ['--wal-segsize=1'] });
  place = await installation({ connection: server.url(), programs: bin });
  await server.query('create table ledger (id serial primary key, note text)');
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  await server.query(`insert into ledger (note) values ('one')`);
  await server.query(`select pg_create_restore_point('release 7')`);
  const { rows } = await server.query(
    `insert into ledger (note) values ('two') returning pg_current_xact_id()::text as xid`,
  );
  xid = rows[0].xid;
  await server.query(`insert into ledger (note) values ('three')`);
  await untilFlushed(server);
  expect(await ended(service, 'SIGTERM')).toBe(0);
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

it('a restore point and a transaction are targets', async () => {
  const targets = { 'release 7': ['--name', 'release 7'], 'with two': ['--xid', xid] };
  const expected = { 'release 7': ['one'], 'with two': ['one', 'two'] };
  for (const name of ['release 7', 'with two'] as const) {
    const to = join(place.folder, name);
    const { exitCode, stdout } = await place.run('restore', '--to', to, ...targets[name]);
    expect(exitCode, stdout).toBe(0);
    await using stock = await startStock(bin, to);
    expect((await stock.query(notes)).rows.map(({ note }) => note)).toEqual(expected[name]);
  }
});

it('a transaction that destroyed nothing is a target too', async () => {
  const to = join(place.folder, 'before');
  const { exitCode, stdout } = await place.run('restore', '--to', to, '--before-xid', xid);
  expect(exitCode, stdout).toBe(0);
  await using stock = await startStock(bin, to);
  expect((await stock.query(notes)).rows).toEqual([{ note: 'one' }]);
});

it('what is not there is told with what is', async () => {
  const at = (...args: string[]) => place.run('restore', '--to', join(place.folder, 'no'), ...args);
  expect((await at('--name', 'release 8')).records.at(-1)).toMatchObject({
    code: 'target.unknown',
    hint: expect.stringContaining('release 7'),
  });
  expect((await at('--timeline', '4')).records.at(-1)).toMatchObject({
    code: 'target.outside-window',
    hint: expect.stringContaining('timeline 1'),
  });
  const two = await at('--xid', xid, '--name', 'release 7');
  expect(two.exitCode).toBe(2);
  expect((await at('--timeline', 'first')).exitCode).toBe(2);
});

it('in place, the source is named before anything is changed', async () => {
  await server.stop();
  const { dataFolder } = server;
  const command = ['restore', '--to', dataFolder, '--in-place', '--name', 'release 7'] as const;
  const control = () => readFileSync(join(dataFolder, 'global/pg_control'));
  const before = control();
  const dry = await place.run(...command, '--dry-run');
  expect(dry.records.at(-1)).toMatchObject({
    type: 'restore-plan',
    source: 'database',
    folder: dataFolder,
    keep: 'snapshot',
  });
  expect(dry.exitCode).toBe(0);
  expect((await place.run(...command)).records.at(-1)).toMatchObject({
    code: 'confirmation.missing',
  });
  const wrong = await place.run(...command, '--yes', 'data');
  expect(wrong.records.at(-1)).toMatchObject({ code: 'confirmation.missing' });
  expect(control()).toEqual(before);
  expect((await place.run('snapshots')).stdout).not.toContain('before-restore');

  const done = await place.run(...command, '--yes', 'database');
  expect(done.exitCode, done.stdout).toBe(0);
  expect(done.records.at(-1)).toMatchObject({ type: 'restore', folder: dataFolder });
  expect((await place.run('snapshots')).stdout).toContain('database.before-restore');
  await server.start();
  expect((await server.query(notes)).rows).toEqual([{ note: 'one' }]);
});
