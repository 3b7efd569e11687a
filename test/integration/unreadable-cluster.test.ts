// Goal: a server that does not work with its data is not merely "down" or "refusing" for a plan: its data comes back from a restore.
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Plan } from '../../src/recovery/index.ts';
import { type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const [{ bin, major } = { bin: undefined, major: 15 }] = serversUnderTest(15);
const garbage = Buffer.alloc(8192 * 16, 0x5a);
let server: TestServer;
let own: Installation;
let log: string;

beforeEach((context) => void need(context, bin, 'no PostgreSQL 15'));

beforeAll(async () => {
  if (!bin) return;
  server = await startPostgres({ bin, major });
  await server.query('create database shop');
  await server.query('create table orders as select generate_series(1, 100) as id', 'shop');
  own = await installation();
  log = join(own.folder, 'server.log');
  own.configure({
    connection: server.url('shop'),
    programs: bin,
    sourceOptions: `, service: postgres, ground: { kind: folder, folder: ${server.dataFolder} }`,
    options: `services:
  postgres: { platform: shell, stop: ['true'], start: ['true'], isRunning: ['false'], output: [cat, ${log}] }
recovery:
  people: { ada: { may: [execute, accept-data-loss] } }
`,
  });
  writeFileSync(log, '');
  const backup = await own.run('backup');
  expect(backup.exitCode, backup.stdout).toBe(0);
});

afterAll(async () => {
  await own?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

async function planned(): Promise<Plan> {
  const { records, stdout } = await own.run('plan', '--quick');
  const plan = records.find(({ type }) => type === 'plan');
  expect(plan, stdout).toBeDefined();
  return plan as unknown as Plan;
}

it('a server that refuses because its catalog is damaged gets its data back', async () => {
  const { rows } = await server.query(
    "select pg_relation_filepath('pg_class') as file, (select oid from pg_database where datname = current_database()) as oid",
    'shop',
  );
  const file = join(server.dataFolder, rows[0].file);
  await server.stop();
  const kept = join(own.folder, 'kept');
  copyFileSync(file, kept);
  writeFileSync(file, garbage);
  const names = join(server.dataFolder, 'base', String(rows[0].oid), 'pg_internal.init');
  if (existsSync(names)) rmSync(names);
  await server.start();
  const plan = await planned();
  expect(plan.method).toBe('full-restore');
  expect(plan.reasons.join('\n')).toContain('does not work with the data that is there');
  await server.stop();
  copyFileSync(kept, file);
});

it('so does one that ends while it starts, as its own output says; one that is merely down is started', async () => {
  expect((await planned()).method).toBe('restart');
  const control = join(server.dataFolder, 'global', 'pg_control');
  copyFileSync(control, join(own.folder, 'control'));
  writeFileSync(control, garbage.subarray(0, 8192));
  const said = await new Promise<string>((resolve) => {
    const options = { ...unprivileged, cwd: server.dataFolder };
    execFile(join(bin as string, 'postgres'), ['-D', server.dataFolder], options, (_, __, stderr) =>
      resolve(stderr),
    );
  });
  writeFileSync(log, said);
  const plan = await planned();
  expect(plan.method, said).toBe('full-restore');
  expect(plan.reasons.join('\n')).toContain('does not work with the data that is there');
});
