// The mass DELETE on an existing server by connection alone: all that a managed server allows. A role that is no superuser and may not
// replicate makes dumps, a new database is loaded beside, checked, and takes the name of the one in use, which is kept until it is let go.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalLocation, openRepository } from '../../src/repository/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { fileService, setRunning } from '../support/freeze-scene.ts';
import { type Installation, installation, installationPassword } from '../support/installation.ts';
import { shopSchema } from '../support/kubernetes-shop.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const [subject] = serversUnderTest(15);
const bin = subject?.hasTools ? subject.bin : undefined;
let server: TestServer;
let place: Installation;

const url = (role: string, database: string) =>
  `postgres://${role}@127.0.0.1:${server.port}/${database}?sslmode=disable`;

beforeAll(async () => {
  if (!bin) return;
  server = await startPostgres({ bin, major: subject?.major ?? 15 });
  // As a managed server has them: its own superuser aside, one role that may make databases and roles.
  await server.query(`create role shop_app login; create role master login createdb createrole;
    grant shop_app to master; grant pg_read_all_data, pg_signal_backend to master;
    revoke connect on database postgres from public; grant connect on database postgres to master`);
  await server.query('create database shop owner shop_app');
  await server.query(`set role shop_app; ${shopSchema}`, 'shop');
  await server.query(
    `alter database shop set work_mem to '5MB'; comment on database shop is 'of the shop'`,
  );
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const rowsOf = async (database = 'shop') => {
  const { rows: users } = await server.query('select * from users order by id', database);
  const { rows: orders } = await server.query('select * from orders order by id', database);
  return { users, orders };
};
const propertiesOf = async () =>
  (
    await server.query(
      `select pg_get_userbyid(datdba) as owner, datconnlimit, (select array_agg(a::text order by a::text) from unnest(coalesce(datacl, acldefault('d', datdba))) a) as acl,
         split_part(shobj_description(d.oid, 'pg_database'), E'\\nlifeboat:', 1) as comment,
         (select array_agg(s order by s) from pg_db_role_setting, unnest(setconfig) s where setdatabase = d.oid) as settings
         from pg_database d where datname = 'shop'`,
    )
  ).rows[0];
const databases = async () =>
  (
    await server.query('select datname as name from pg_database where not datistemplate order by 1')
  ).rows.map(({ name }) => name as string);
const lastOf = (records: readonly Record<string, unknown>[]) =>
  records.at(-1) as Record<string, unknown>;
const asApp = (sql: string) => server.query(`set role shop_app; ${sql}`, 'shop');

/** A service that writes as it starts, and one that has nothing to do with the database it is given. */
async function servicesToTry(folder: string): Promise<string> {
  const script = (name: string, text: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\ncd ${folder}\n${text}\n`, { mode: 0o755 });
    return join(folder, name);
  };
  const psql = `${bin}/psql -h "$LIFEBOAT_HOST" -p "$LIFEBOAT_PORT" -d "$LIFEBOAT_DATABASE" -U shop_app -At`;
  const writes = `echo $LIFEBOAT_DATABASE > tried
${psql} -c "insert into orders (user_id, note) values (1, 'tried'); select count(*) from orders" > tried.count`;
  const named = { api: writes, static: 'true' };
  setRunning(folder, ...Object.keys(named));
  const texts = Object.entries(named).map(([name, start]) => {
    const test = `test: { start: [${script(`try-${name}`, start)}], stop: ['true'], checks: [{ command: ['true'] }] }`;
    return fileService(folder, name, `, writes: [database], ${test}`);
  });
  return texts.join('');
}

/** What the journal says that the run was about to drop. */
async function removedBy(run: string): Promise<readonly unknown[]> {
  const location = new LocalLocation(place.repositoryFolder);
  await using repository = await openRepository({ location, password: installationPassword });
  const found = await repository.records.list({ kind: 'run' });
  return found.flatMap(({ body }) => {
    const { entry } = body as { entry?: { run: string; body: { type: string; databases: [] } } };
    return entry?.run === run && entry.body.type === 'removes' ? entry.body.databases : [];
  });
}

it('is recovered from a dump: loaded beside, checked, swapped by name, let go of later', async (context) => {
  need(context, bin, 'no whole PostgreSQL 15');
  place = await installation({ connection: url('master', 'shop') });
  const services = await servicesToTry(place.folder);
  place.configureText(`sources:
  database:
    kind: postgres-dump
    connection: "${url('master', 'shop')}"
    databases: [shop]
    backup: "0 0 1 1 *"
    programs: ${bin}
    ground: { kind: server, connection: "${url('master', 'postgres')}" }
services:
${services}recovery: { watch: 1s, keepFormer: 1h }
`);
  const serving = place.spawn('serve');
  await untilRecord(serving, ({ type }) => type === 'backup');
  serving.stdout?.resume();
  const [before, properties] = [await rowsOf(), await propertiesOf()];
  const wasWell = new Date().toISOString();
  await asApp('insert into orders (user_id, note) values (1, $$after the dump$$)');
  await asApp('delete from orders where user_id < 200');
  const damaged = await rowsOf();

  // 1. Without a log nobody but a person knows when all was well.
  const asked = await place.run('recover', 'database', '--type', 'accidental-deletion');
  expect(asked.exitCode, asked.stdout).toBe(1);
  expect(String(lastOf(asked.records).hint)).toContain('--at');

  // 2. Everything up to where what was written since is given up.
  const first = await place.run('recover', 'database', '--at', wasWell, '--yes', 'freeze');
  expect(first.exitCode, first.stdout + first.stderr).toBe(3);
  expect(lastOf(first.records)).toMatchObject({ code: 'run.paused' });
  const { run } = first.records.find(({ type }) => type === 'run-opened') as { run: string };
  const beside = `shop_lifeboat_${run}`;
  expect(await databases()).toEqual(['postgres', 'shop', beside]);
  // What a service wrote while it was tried is nowhere; one that has its database fixed was not tried, and that is said.
  expect(await rowsOf(beside)).toEqual(before);
  const tried = first.records.find(
    (each) => each.type === 'run-step-done' && each.step === 'try-database',
  );
  expect(tried?.text).toBe(
    'api worked in test mode on the restored database; not tried: static never connected to what was restored',
  );
  expect(readFileSync(join(place.folder, 'tried'), 'utf8')).toBe(`shop_trial_${run}\n`);
  expect(await rowsOf()).toEqual(damaged);
  await expect(asApp('delete from users')).rejects.toThrow('read-only');

  // 3. In place; the former one is kept under a name of its own until it is let go of.
  const swapped = await place.run('recover', '--resume', run, '--yes', 'database');
  expect(swapped.exitCode, swapped.stdout + swapped.stderr).toBe(0);
  expect(swapped.records).toContainEqual(expect.objectContaining({ type: 'run-recovered' }));
  expect(await rowsOf()).toEqual(before);
  expect(await rowsOf(`shop_former_${run}`)).toEqual(damaged);
  expect(await propertiesOf()).toEqual(properties);
  await asApp('insert into orders (user_id, note) values (2, $$open again$$)');
  const since = await rowsOf();
  const { rows: formers } = await server.query(
    `select oid::int4 as oid from pg_database where datname = 'shop_former_${run}'`,
  );

  const end = await place.run('recover', '--resume', run, '--let-go', '--yes', 'database');
  expect(end.exitCode, end.stdout + end.stderr).toBe(0);
  expect(lastOf(end.records)).toMatchObject({ type: 'run-done', phase: 'done' });
  expect(await databases()).toEqual(['postgres', 'shop']);
  // It was written down before; so were the copies that services were tried on.
  expect(await removedBy(run)).toEqual([
    expect.objectContaining({ name: `shop_trial_${run}` }),
    { oid: formers[0]?.oid, name: `shop_former_${run}` },
  ]);
  expect(await rowsOf()).toEqual(since);
  expect(await propertiesOf()).toEqual(properties);
});
