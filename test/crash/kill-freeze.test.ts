// kill -9 of a freeze, and of a thaw, at every boundary: before and after each time it writes down how far it is. What follows (a thaw, or
// a freeze and a thaw) puts back exactly what was before: rights of databases byte for byte, services, the page. CI sees half of them.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { commandsOf, fileService, rightsOf, runs, setRunning } from '../support/freeze-scene.ts';
import { type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { postgresBin } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const bin = postgresBin(18) ?? postgresBin(15);
const major = postgresBin(18) ? 18 : 15;
const isSoak = process.env.LIFEBOAT_SOAK !== undefined;
let server: TestServer;
let place: Installation;
let run: ReturnType<typeof commandsOf>;
let at: string;

beforeEach((context) => void need(context, bin, 'no PostgreSQL 18 or 15'));

beforeAll(async () => {
  if (!bin) return;
  server = await startPostgres({ bin, major });
  await server.query('create role app login');
  await server.query('create database shop');
  await server.query('revoke connect on database shop from public');
  await server.query('grant connect on database shop to app');
  await server.query("alter database shop set work_mem = '5MB'");
  place = await installation();
  const { folder } = place;
  mkdirSync(join(folder, 'www'));
  at = join(folder, 'www/index.html');
  writeFileSync(at, 'the shop');
  writeFileSync(join(folder, 'page.html'), 'back soon');
  place.configure({
    connection: server.url('shop'),
    options: `services:
${fileService(folder, 'api', ', writes: [database]')}${fileService(folder, 'cron', ', writes: [database]')}recovery:
  maintenanceFile: { page: page.html, at: www/index.html }
`,
  });
  setRunning(folder, 'api');
  run = commandsOf(place);
});

afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const everything = async () => ({
  rights: await rightsOf(server),
  services: ['api', 'cron'].map((name) => runs(place.folder, name)),
  page: [readFileSync(at, 'utf8'), statSync(at).ino],
});

/** Whether it was killed; false: it was through before. */
async function killed(
  command: 'freeze' | 'thaw',
  when: string,
  boundary: number,
): Promise<boolean> {
  const config = join(place.folder, 'lifeboat.yaml');
  const work = join(place.folder, 'work.json');
  writeFileSync(
    work,
    JSON.stringify({ config, command, sources: ['database'], at: boundary, when }),
  );
  const child = join(import.meta.dirname, 'freeze-child.ts');
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, [child, work], (error, _stdout, stderr) => {
      if (error === null) resolve(false);
      else if (error.signal === 'SIGKILL') resolve(true);
      else reject(new Error(stderr));
    });
  });
}

async function done(command: 'freeze' | 'thaw'): Promise<void> {
  const result = await run(command, '--yes', 'test');
  const isNothing = result.records.at(-1)?.code === 'thaw.nothing';
  if (!isNothing) expect(result.exitCode, result.stdout).toBe(0);
}

it('a freeze that is killed at any boundary is thawed to exactly what was before', async () => {
  const before = await everything();
  let kills = 0;
  for (let boundary = 1; ; boundary++) {
    let isThrough = true;
    const sides = boundary % 2 === 0 ? ['before'] : ['after'];
    for (const when of isSoak ? ['before', 'after'] : sides) {
      if (!(await killed('freeze', when, boundary))) continue;
      isThrough = false;
      // Another freeze takes what it finds half frozen for no former state.
      if (kills++ % 3 === 2) await done('freeze');
      await done('thaw');
      expect(await everything(), `killed ${when} record ${boundary}`).toEqual(before);
    }
    if (isThrough) break;
  }
  await done('thaw');
  expect(await everything()).toEqual(before);
  expect(kills).toBeGreaterThanOrEqual(isSoak ? 14 : 7);
}, 600_000);

it('a thaw that is killed at any boundary goes on to exactly what was before', async () => {
  const before = await everything();
  const step = isSoak ? 1 : 3;
  for (let boundary = 1; ; boundary += step) {
    let isThrough = true;
    for (const when of isSoak ? ['before', 'after'] : ['before']) {
      await done('freeze');
      if (!(await killed('thaw', when, boundary))) continue;
      isThrough = false;
      await done('thaw');
      expect(await everything(), `killed ${when} record ${boundary}`).toEqual(before);
    }
    if (isThrough) break;
  }
  expect(await everything()).toEqual(before);
}, 600_000);
