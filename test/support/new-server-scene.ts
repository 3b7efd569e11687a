import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { untilRecord } from './command-line.ts';
import { fileService, rightsOf, runs, setRunning } from './freeze-scene.ts';
import { installation } from './installation.ts';
import { startPostgres } from './postgres.ts';
import { startStock } from './restored-server.ts';
import { untilFlushed } from './until-flushed.ts';

export interface NewPlace {
  readonly bin: string;
  readonly major: number;
  /** YAML of the ground. */
  readonly ground: string;
  /** Where its files are on this host. */
  readonly folder: string;
  /** `echo "$LIFEBOAT_..."`: what a service is told of the new place, and what that has to be. */
  readonly told: { readonly echo: string; readonly says: string };
}

/**
 * The whole of "new server, then switch" onto files where no server was before: a table emptied on a server that is on another host, by its name
 * (0.0.0.0 leads to this one), and the services led to a server that a person starts on what was restored.
 */
export async function recoverToNewServer(at: NewPlace): Promise<void> {
  const { bin, major } = at;
  await using server = await startPostgres({ bin, major });
  await server.query('create database shop');
  await server.query(
    `create table orders as select i as id, md5(i::text) as what from generate_series(1, 2000) i`,
    'shop',
  );
  const connection = server.url('shop').replace('127.0.0.1', '0.0.0.0');
  await using place = await installation({ connection, programs: bin });
  const script = (name: string, text: string) => {
    const file = join(place.folder, name);
    writeFileSync(file, `#!/bin/sh\ncd ${place.folder}\n${text}\n`, { mode: 0o755 });
    return file;
  };
  const points = `[${script('point', `${at.told.echo} > place`)}], undo: [${script('back', 'echo former > place')}], isDone: [${script('is', `test "$(cat place)" = "$(${at.told.echo})"`)}]`;
  writeFileSync(join(place.folder, 'place'), 'former\n');
  setRunning(place.folder, 'api');
  place.configure({
    sourceOptions: `, environment: production, ground: ${at.ground}`,
    options: `services:
${fileService(place.folder, 'api', `, writes: [database], switch: { command: ${points} }`)}recovery: { watch: 1s, keepFormer: 1h }
`,
  });
  const serving = place.spawn('serve');
  await untilRecord(serving, ({ type }) => type === 'backup');
  serving.stdout?.resume();
  const rowsOf = async (of: Pick<typeof server, 'query'>) =>
    (await of.query('select * from orders order by id', 'shop')).rows;
  const before = await rowsOf(server);
  await untilFlushed(server);
  const wasWell = new Date().toISOString();
  await server.query('delete from orders', 'shop');
  await untilFlushed(server);

  const lastOf = (records: readonly Record<string, unknown>[]) =>
    records.at(-1) as Record<string, unknown>;
  const placeNow = () => readFileSync(join(place.folder, 'place'), 'utf8').trim();
  const words = (...all: string[]) => all.flatMap((each) => ['--yes', each]);

  // 1. Nothing runs on what was brought and put in place: a person starts a server there, and is asked to.
  const wish = ['--at', wasWell, '--method', 'new-server'];
  const first = await place.run('recover', 'database', ...wish, ...words('freeze', 'database'));
  expect(first.exitCode, first.stdout + first.stderr).toBe(3);
  const run = String(first.records.find(({ type }) => type === 'run-opened')?.run);
  expect(String(lastOf(first.records).message)).toContain(
    'Start a server on the restored database',
  );
  expect([runs(place.folder, 'api'), placeNow()]).toEqual([false, 'former']);

  // 2. Services are pointed there and run again; whoever was not pointed is kept out of the former place.
  await using there = await startStock(bin, at.folder);
  expect(await rowsOf(there)).toEqual(before);
  const second = await place.run(
    ...['recover', '--resume', run, ...words('started', 'database', 'protected')],
  );
  expect(second.exitCode, second.stdout + second.stderr).toBe(0);
  expect(lastOf(second.records)).toMatchObject({ type: 'run-recovered' });
  expect([runs(place.folder, 'api'), placeNow()]).toEqual([true, at.told.says]);
  await there.query(`insert into orders values (2001, 'at the new place')`, 'shop');
  expect(await rightsOf(server as never)).toMatchObject({
    databases: expect.arrayContaining([
      expect.objectContaining({ datname: 'shop', datconnlimit: 0 }),
    ]),
  });

  // 3. What was replaced is nothing: there was no former data at the new place. The former server stays as it is.
  const end = await place.run('recover', '--resume', run, '--let-go', ...words('database'));
  expect(end.exitCode, end.stdout + end.stderr).toBe(0);
  expect(lastOf(end.records)).toMatchObject({ type: 'run-done', phase: 'done' });
  expect(await rowsOf(there)).toHaveLength(2001);
  expect(await rowsOf(server)).toEqual([]);
}
