// A run of real steps on a real server, by the command line: rows put back after a DELETE, a table from the past, the newest state restored
// beside, checked, brought to a folder and put in place, a new backup, and a proof. Killed in the middle, it goes on.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Step, sealPlan } from '../../src/recovery/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { planOf } from '../support/recovery-run.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const [subject] = serversUnderTest(15);
let server: TestServer;
let place: Installation;
let ground: string;
let xid: number;
let commitLsn: string;

beforeAll(async () => {
  if (!subject?.bin) return;
  server = await startPostgres({ bin: subject.bin, major: subject.major });
  place = await installation({ connection: server.url(), programs: subject.bin });
  ground = join(place.folder, 'ground');
  mkdirSync(ground);
  place.configure({ sourceOptions: `, ground: { kind: folder, folder: ${ground} }` });
  await server.query(
    'create table customers (id int primary key, name text); insert into customers select i, i::text from generate_series(1, 500) i',
  );
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  const { rows } = await server.query(
    'with gone as (delete from customers where id <= 400 returning 1) select pg_current_xact_id()::text as xid from gone limit 1',
  );
  xid = Number(rows[0].xid);
  await server.query(`insert into customers values (1000, 'came later')`);
  await untilFlushed(server);
  expect(await ended(service, 'SIGTERM')).toBe(0);
  const loss = await place.run('find-loss');
  const suspect = loss.records.find((each) => each.type === 'suspect' && each.xid === xid);
  commitLsn = suspect?.commitLsn as string;
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

function step(id: string, kind: Step['kind'], input: Step['input'], isDestructive = false) {
  return { id, kind, input, isDestructive };
}

it('carries real steps out, also after a kill', async (context) => {
  need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  const source = 'database';
  const { rows } = await server.query(
    'select system_identifier::text as id from pg_control_system()',
  );
  const places = {
    'server of database': { text: 'the server', fingerprint: rows[0].id as string },
  };
  const tables = [{ schema: 'public', name: 'customers' }];
  const { id: _, ...content } = planOf(
    [
      step('identify', 'identify', { places }),
      step('safety', 'safety-snapshot', { source, raw: false }),
      step('rescue', 'rescue-rows', { source, xid, commitLsn, database: 'postgres' }, true),
      step(
        'extract',
        'extract',
        {
          source,
          target: { kind: 'lsn', lsn: commitLsn, inclusive: false },
          database: 'postgres',
          tables,
          into: 'side-schema',
        },
        true,
      ),
      step('look', 'validate', { source, of: 'live', level: 'quick' }),
      step('restore', 'restore', {
        source,
        target: { kind: 'lsn', lsn: commitLsn, inclusive: false },
      }),
      step('validate', 'validate', { source, of: 'restore', level: 'full' }),
      step('deliver', 'deliver', { source, of: 'restore' }),
      step('swap', 'swap', { source, of: 'deliver' }, true),
      step('backup', 'backup', { source }),
      step('prove', 'prove', { source }),
      step('settle', 'settle', { source, of: 'swap', afterMs: 0 }, true),
    ],
    { places },
  );
  const file = join(place.folder, 'plan.json');
  writeFileSync(file, JSON.stringify(sealPlan(content)));

  const child = place.spawn('recover', file);
  await untilRecord(child, ({ type, step: id }) => type === 'run-step-begun' && id === 'restore');
  await ended(child, 'SIGKILL');
  expect((await server.query('select count(*)::int as n from customers')).rows[0].n).toBe(501);

  const run = await place.run('recover', '--resume', 'INC-1');
  expect(run.exitCode, run.stdout).toBe(0);
  expect(run.records.at(-1)).toMatchObject({ type: 'run-done' });
  expect((await server.query('select count(*)::int as n from customers')).rows[0].n).toBe(501);
  const status = await place.run('recover', '--status', 'INC-1');
  const { run: token, steps } = status.records[0] as {
    run: string;
    steps: Record<string, unknown>;
  };
  expect(steps).toMatchObject({
    rescue: { phase: 'done', attempts: 1, outcome: { evidence: { rowsPutBack: 400 } } },
    restore: { phase: 'done', attempts: 2 },
    settle: { phase: 'done' },
  });
  const side = await server.query(`select count(*)::int as n from lifeboat_${token}.customers`);
  expect(side.rows[0].n).toBe(500);
  expect(existsSync(join(ground, 'PG_VERSION'))).toBe(true);
});
