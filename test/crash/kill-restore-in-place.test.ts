// kill -9 at random moments of `lifeboat restore --in-place`. Whatever was begun does not start as a server, and the same
// command, run again, finishes it.
import { chownSync, cpSync, existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const bin = embeddedPostgresBin();
const isSoak = process.env.LIFEBOAT_SOAK !== undefined;
const rounds = isSoak ? 12 : 2;
const killsEach = isSoak ? 8 : 4;
const contents = `select count(*)::int as rows, md5(string_agg(id || note, ',' order by id)) as hash from ledger`;
let server: TestServer;
let place: Installation;
let position: string;
let expected: unknown;
let accident: string;

beforeAll(async () => {
  server = await startPostgres({ bin, major: 18, initdb: ['--wal-segsize=1'] });
  place = await installation({ connection: server.url(), programs: bin });
  await server.query('create table ledger (id int primary key, note text)');
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  await server.query(
    'insert into ledger select i, gen_random_uuid()::text from generate_series(1, 60000) i',
  );
  expected = (await server.query(contents)).rows;
  position = (await server.query('select pg_current_wal_insert_lsn()::text as lsn')).rows[0].lsn;
  await server.query('delete from ledger where id % 3 = 0');
  await server.query('vacuum ledger');
  await untilFlushed(server);
  expect(await ended(service, 'SIGTERM')).toBe(0);
  await server.stop();
  accident = join(place.folder, 'accident');
  cpSync(server.dataFolder, accident, { recursive: true });
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

function resetFolder(): void {
  for (const name of readdirSync(server.dataFolder)) {
    rmSync(join(server.dataFolder, name), { recursive: true });
  }
  cpSync(accident, server.dataFolder, { recursive: true });
  if (unprivileged.uid === undefined) return;
  for (const name of [
    '',
    ...readdirSync(server.dataFolder, { recursive: true, encoding: 'utf8' }),
  ]) {
    const path = join(server.dataFolder, name);
    if (!lstatSync(path).isSymbolicLink()) chownSync(path, unprivileged.uid, unprivileged.gid ?? 0);
  }
}

const command = () =>
  [
    'restore',
    '--to',
    server.dataFolder,
    '--in-place',
    '--at',
    position,
    '--yes',
    'database',
  ] as const;

it(`finishes what was begun, after ${rounds} times ${killsEach} kills`, async () => {
  const begun = performance.now();
  const whole = await place.run(...command());
  expect(whole.exitCode, whole.stdout).toBe(0);
  const fullMs = performance.now() - begun;

  let unstartable = 0;
  for (let round = 0; round < rounds; round++) {
    resetFolder();
    for (let kill = 0; kill < killsEach; kill++) {
      const child = place.spawn(...command());
      child.stdout?.resume();
      const exit = new Promise((resolve) => child.once('exit', resolve));
      await pause(fullMs * ((kill + Math.random()) / killsEach));
      child.kill('SIGKILL');
      await exit;
      if (!existsSync(join(server.dataFolder, 'lifeboat-restore-in-place'))) continue;
      const outcome = await startStock(bin, server.dataFolder).then(
        async (started) => {
          await started[Symbol.asyncDispose]();
          return 'started';
        },
        () => 'refused',
      );
      if (outcome === 'refused') unstartable++;
      // It says what it is for before it takes the control file away; then it is still what it was.
      else
        expect(existsSync(join(server.dataFolder, 'global/pg_control.before-restore'))).toBe(false);
    }
    const again = await place.run(...command());
    expect(again.exitCode, again.stdout).toBe(0);
    expect(readdirSync(server.dataFolder).filter((name) => /lifeboat/.test(name))).toEqual([]);
    await server.start();
    expect((await server.query(contents)).rows).toEqual(expected);
    await server.stop();
  }
  expect(unstartable).toBeGreaterThan(0);

  // Two at once: one of them goes through, the other says why not.
  resetFolder();
  const [first, second] = await Promise.all([place.run(...command()), place.run(...command())]);
  const codes = [first.exitCode, second.exitCode];
  expect(codes, first.stdout + second.stdout).toContain(0);
});
