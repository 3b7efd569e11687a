// kill -9 at random moments of `lifeboat extract --side-schema`, from its start to its commit. The schema is not there or whole,
// the live table is as it was, nothing keeps running, and the next command sweeps what was left.
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { postgresBin } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const bin = postgresBin(18) ?? postgresBin(15);
const major = postgresBin(18) ? 18 : 15;
const kills = process.env.LIFEBOAT_SOAK ? 40 : 4;
const rows = 20_000;
let server: TestServer;
let place: Installation;
let xid: string;

beforeAll(async () => {
  if (!bin) return;
  server = await startPostgres({ bin, major, initdb: ['--wal-segsize=1'] });
  place = await installation({ connection: server.url(), programs: bin });
  await server.query(`
    create table orders (id int primary key, what text not null);
    create index on orders (what);
    insert into orders select i, md5(i::text) from generate_series(1, ${rows}) i`);
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  const { rows: found } = await server.query(
    'with gone as (delete from orders where id > 10 returning 1) select pg_current_xact_id()::text as xid from gone limit 1',
  );
  xid = found[0].xid;
  await untilFlushed(server);
  expect(await ended(service, 'SIGTERM')).toBe(0);
}, 120_000);
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** Undefined: there is no such schema. Waits for the session of whoever was killed to end. */
async function rescued(): Promise<number | undefined> {
  const busy = `select 1 from pg_stat_activity where application_name like 'lifeboat%'`;
  while ((await server.query(busy)).rowCount) await pause(50);
  const there = await server.query(`select 1 from pg_namespace where nspname = 'then'`);
  if (there.rowCount === 0) return undefined;
  const { rows: found } = await server.query(
    `select count(*)::int as n, (select count(*)::int from pg_index where indrelid = '"then".orders'::regclass) as indexes
       from "then".orders`,
  );
  expect(found[0].indexes).toBe(2);
  return found[0].n;
}

it(`is before or after, never between, ${kills} times`, async (context) => {
  need(context, bin, 'PostgreSQL 18 or 15 with pg_dump is not installed');
  const extract = ['--table', 'public.orders', '--before-xid', xid, '--side-schema', 'then'];
  const begun = performance.now();
  const whole = await place.run('extract', ...extract);
  expect(whole.exitCode, whole.stdout).toBe(0);
  expect(whole.records.at(-1)).toMatchObject({ type: 'extract', schema: 'then', leftOut: [] });
  const fullMs = performance.now() - begun;
  expect(await rescued()).toBe(rows);
  const again = await place.run('extract', ...extract);
  expect(again.records.at(-1)).toMatchObject({ type: 'error', code: 'extract.exists' });

  let killed = 0;
  for (let nth = 0; killed < kills; nth++) {
    await server.query('drop schema if exists "then" cascade');
    const child = place.spawn('extract', ...extract);
    child.stdout?.resume();
    // The later part is where it writes.
    const exit = ended(child);
    await Promise.race([exit, pause(fullMs * (0.4 + 0.6 * Math.random()))]);
    if (child.exitCode !== null) continue;
    await ended(child, 'SIGKILL');
    killed++;
    expect([undefined, rows], `kill ${nth}`).toContain(await rescued());
    expect((await server.query('select 1 from public.orders')).rowCount).toBe(10);
  }
  await server.query('drop schema if exists "then" cascade');
  expect((await place.run('extract', ...extract)).exitCode).toBe(0);
  expect(await rescued()).toBe(rows);
  expect(readdirSync(place.temporaryFolder)).toEqual([]);
}, 400_000);
