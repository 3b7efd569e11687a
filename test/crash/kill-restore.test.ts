// kill -9 at random moments of `lifeboat restore`. Afterwards the live server has noticed nothing, what is left does not
// start as a server, the next command sweeps up, no server of ours runs, and a restore into a new folder works.
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const bin = embeddedPostgresBin();
const kills = process.env.LIFEBOAT_SOAK ? 40 : 6;
let server: TestServer;
let place: Installation;

beforeAll(async () => {
  server = await startPostgres({ bin, major: 18, initdb: ['--wal-segsize=1'] });
  place = await installation({ connection: server.url(), programs: bin });
  await server.query('create table ledger (id int primary key, note text)');
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  await server.query(
    'insert into ledger select i, gen_random_uuid()::text from generate_series(1, 60000) i',
  );
  await untilFlushed(server);
  expect(await ended(service, 'SIGTERM')).toBe(0);
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const contents = `select count(*)::int as rows, md5(string_agg(id || note, ',' order by id)) as hash from ledger`;

/** Processes that work in a folder of this installation: servers that a killed command left. */
function serversLeft(): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${place.folder}/`);
      } catch {
        return false;
      }
    })
    .map((pid) => `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`);
}

it(`leaves nothing that matters behind, ${kills} times`, async () => {
  const expected = (await server.query(contents)).rows;
  const livePid = server.pid();
  const parent = join(place.folder, 'targets');
  mkdirSync(parent);
  const begun = performance.now();
  const whole = await place.run('restore', '--to', join(parent, 'whole'));
  expect(whole.exitCode, whole.stdout).toBe(0);
  const fullMs = performance.now() - begun;

  let killed = 0;
  let unstartable = 0;
  for (let round = 0; killed < kills && round < 3 * kills; round++) {
    const target = join(parent, `killed-${round}`);
    const child = place.spawn('restore', '--to', target);
    child.stdout?.resume();
    const exit = new Promise<string | null>((resolve) =>
      child.once('exit', (_, signal) => resolve(signal)),
    );
    // Spread over the whole of it: the start, the files, the replay, the shutdown.
    await pause(fullMs * (((round % kills) + Math.random()) / kills));
    child.kill('SIGKILL');
    const wasKilled = (await exit) === 'SIGKILL';
    if (wasKilled) killed++;
    if (wasKilled && existsSync(target)) {
      const refused = await place.run('restore', '--to', target);
      // Sweeps, and refuses what the killed one had begun; one that had only made the folder may be taken.
      if (refused.exitCode !== 0) {
        expect(refused.records.at(-1)).toMatchObject({ code: 'target.not-empty' });
        expect(serversLeft()).toEqual([]);
        const outcome = await startStock(bin, target).then(
          async (started) => {
            await started[Symbol.asyncDispose]();
            return 'started';
          },
          () => 'refused',
        );
        // Killed between the last step and the exit, all of it is there.
        if (outcome === 'refused') unstartable++;
      }
    }
    rmSync(target, { recursive: true, force: true });
  }
  expect(killed).toBe(kills);
  expect(unstartable).toBeGreaterThan(0);

  expect((await place.run('points')).exitCode).toBe(0);
  const again = await place.run('restore', '--to', join(parent, 'again'));
  expect(again.exitCode, again.stdout).toBe(0);
  expect(serversLeft()).toEqual([]);
  expect(readdirSync(place.temporaryFolder)).toEqual([]);
  expect(readdirSync(join(place.repositoryFolder, 'locks'))).toEqual([]);
  await using restored = await startStock(bin, join(parent, 'again'));
  expect((await restored.query(contents)).rows).toEqual(expected);

  expect(server.pid()).toBe(livePid);
  expect((await server.query(contents)).rows).toEqual(expected);
}, 480_000);
