// Goal: a new and empty cluster in the place of a source, as `docker compose down -v` and then `up -d` leave one, is recognised by its data:
// it knows no role of ours. Nobody has to say what happened, and starting it again is not offered.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Plan } from '../../src/recovery/index.ts';
import { type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { Supervisor } from '../support/recovery-kills/supervised.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const [{ bin, major } = { bin: undefined, major: 15 }] = serversUnderTest(15);
const opened = new AsyncDisposableStack();
let server: TestServer;
let own: Installation;
let supervisor: Supervisor;

beforeEach((context) => void need(context, bin, 'no PostgreSQL 15'));

beforeAll(async () => {
  if (!bin) return;
  server = opened.use(await startPostgres({ bin, major }));
  own = opened.use(await installation());
  const services = join(own.folder, 'services');
  mkdirSync(services);
  const db = { start: () => server.start(), stop: () => server.stop() };
  supervisor = opened.use(new Supervisor(services, '', { db }));
  await server.query('create role lifeboat superuser login');
  await server.query('create database shop');
  await server.query('create table orders as select generate_series(1, 100) as id', 'shop');
  own.configure({
    connection: server.url('shop').replace('postgres@', 'lifeboat@'),
    programs: bin,
    sourceOptions: `, service: db, ground: { kind: folder, folder: ${server.dataFolder} }`,
    options: `services:\n${supervisor.yaml('db')}recovery: { watch: 1s }\n`,
  });
  await server.stop();
  await supervisor.become('db', 'up');
  const backup = await own.run('backup');
  expect(backup.exitCode, backup.stdout).toBe(0);
});

afterAll(async () => await opened.disposeAsync());

const planned = async () => {
  const { records, stdout } = await own.run('plan', '--quick');
  const plan = records.find(({ type }) => type === 'plan') as Plan | undefined;
  return { plan, stdout };
};

it('a server that refuses our role and has our data is no other one', async () => {
  await server.query('alter role lifeboat rename to somebody');
  const { plan, stdout } = await planned();
  await server.query('alter role somebody rename to lifeboat');
  expect(plan).toBeUndefined();
  expect(stdout).toContain('its data is that of the cluster that was backed up');
});

it('files that are none of a cluster are no reason to start the server again', async () => {
  await supervisor.become('db', 'down');
  const { dataFolder } = server;
  const aside = join(dirname(dataFolder), 'aside');
  renameSync(dataFolder, aside);
  mkdirSync(dataFolder);
  writeFileSync(join(dataFolder, 'notes.txt'), 'of somebody');
  const { plan, stdout } = await planned();
  rmSync(dataFolder, { recursive: true });
  renameSync(aside, dataFolder);
  await supervisor.become('db', 'up');
  expect(plan?.method, stdout).toBe('full-restore');
  expect(plan?.reasons.join('\n')).toContain('holds files, and no data of a PostgreSQL server');
});

it('a cluster that was made anew is replaced by the newest state, whether it runs or not', async () => {
  await supervisor.become('db', 'down');
  makeAnew();
  const foreign = systemId(server.dataFolder);
  for (const state of ['up', 'down'] as const) {
    await supervisor.become('db', state);
    const { plan, stdout } = await planned();
    expect(plan?.method, stdout).toBe('full-restore');
    const seen = `${server.dataFolder} on this host holds another cluster (${foreign})`;
    expect(plan?.reasons.join('\n')).toContain(seen);
    const restart = plan?.alternatives.find(({ method }) => method === 'restart');
    expect(restart).toMatchObject({ fits: false });
  }

  await supervisor.become('db', 'up');
  const typed = ['database', 'shop', 'freeze', 'stop-database', 'start-database'];
  const yes = typed.flatMap((each) => ['--yes', each]);
  const run = await own.run('recover', '--quick', '--severity', 'P1', ...yes);
  expect(run.exitCode, run.stdout + run.stderr).toBe(0);
  expect(run.records.find(({ type }) => type === 'plan')).toMatchObject({ method: 'full-restore' });
  const { rows } = await server.query('select count(*)::int as n from orders', 'shop');
  expect(rows).toEqual([{ n: 100 }]);
  // What was there is kept until it is let go of.
  const beside = join(dirname(server.dataFolder), '.data.lifeboat');
  const former = readdirSync(beside).filter((name) => existsSync(join(beside, name, 'former')));
  expect(former.map((name) => systemId(join(beside, name, 'former')))).toEqual([foreign]);
  const formers = [
    { source: 'database', at: `${join(beside, former[0] as string, 'former')} on ${hostname()}` },
  ];
  expect(run.records.find(({ type }) => type === 'run-recovered')).toMatchObject({ formers });
  const status = await own.run('recover', '--status', former[0] as string);
  expect(status.records.find(({ type }) => type === 'run')).toMatchObject({ formers });
  expect(systemId(server.dataFolder)).not.toBe(foreign);
});

function systemId(folder: string): string {
  return readFileSync(join(folder, 'global/pg_control')).readBigUInt64LE(0).toString();
}

/** The data folder emptied, and a cluster in it that knows nobody but `postgres`. */
function makeAnew(): void {
  const { dataFolder } = server;
  const settings = join(dirname(dataFolder), 'settings');
  copyFileSync(join(dataFolder, 'postgresql.auto.conf'), settings);
  for (const name of readdirSync(dataFolder)) {
    rmSync(join(dataFolder, name), { recursive: true });
  }
  const options = ['-U', 'postgres', '-A', 'trust', '--no-sync'];
  execFileSync(join(bin as string, 'initdb'), ['-D', dataFolder, ...options], {
    ...unprivileged,
    cwd: dirname(dataFolder),
  });
  copyFileSync(settings, join(dataFolder, 'postgresql.auto.conf'));
}
