// kill -9 at random moments of `lifeboat rescue`, from its start to its commit. The live tables are exactly as before or
// as after, the next command sweeps the scratch server and its folder, and a run that is let finish completes the rescue.
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const bin = embeddedPostgresBin();
const kills = process.env.LIFEBOAT_SOAK ? 40 : 9;
let server: TestServer;
let place: Installation;
let xid: string;

const contents = `
  select (select count(*)::int from customers) as customers, (select count(*)::int from orders) as orders,
    (select md5(string_agg(c::text, ',' order by id)) from customers c where id <= 1000) as customer_hash,
    (select md5(string_agg(o::text, ',' order by id)) from orders o) as order_hash`;

beforeAll(async () => {
  server = await startPostgres({ bin, major: 18, initdb: ['--wal-segsize=1'] });
  place = await installation({ connection: server.url(), programs: bin });
  await server.query(`
    create table customers (id int primary key, name text);
    create table orders (id int primary key, customer int not null references customers on delete cascade, what text);
    create index on orders (customer);
    insert into customers select i, 'customer ' || i from generate_series(1, 1000) i;
    insert into orders select i, 1 + i % 1000, md5(i::text) from generate_series(1, 20000) i`);
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  await server.query('checkpoint');
  const { rows } = await server.query(
    'with gone as (delete from customers returning 1) select pg_current_xact_id()::text as xid from gone limit 1',
  );
  xid = rows[0].xid;
  await server.query(`insert into customers values (5000, 'came later')`);
  await untilFlushed(server);
  expect(await ended(service, 'SIGTERM')).toBe(0);
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

async function state(): Promise<unknown> {
  return (await server.query(contents)).rows[0];
}

/** The server ends the transaction of a dead client by itself, in a moment. */
async function idle(): Promise<void> {
  const busy = `select 1 from pg_stat_activity where application_name = 'lifeboat rescue'`;
  while ((await server.query(busy)).rowCount) await pause(50);
}

function serversLeft(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(`${place.folder}/`);
    } catch {
      return false;
    }
  });
}

const rescue = ['--xid', '', '--yes', 'postgres'];

it(`is before or after, never between, ${kills} times`, async () => {
  rescue[1] = xid;
  const before = await state();
  expect(before).toMatchObject({ customers: 1, orders: 0 });
  const begun = performance.now();
  const dry = await place.run('rescue', '--xid', xid, '--dry-run');
  expect(dry.exitCode, dry.stdout).toBe(0);
  const fullMs = performance.now() - begun;
  expect(await state()).toEqual(before);

  let killed = 0;
  let servers = 0;
  for (let round = 0; round < kills; round++) {
    const child = place.spawn('rescue', ...rescue);
    const exit = new Promise<string | null>((resolve) =>
      child.once('exit', (_, signal) => resolve(signal)),
    );
    const planned = untilRecord(child, ({ type }) => type === 'rescue-plan').catch(() => {});
    // A third of them after the plan, where rows are put back; the others anywhere before.
    if (round % 3 === 2) {
      await planned;
      await pause(Math.random() * 400);
    } else await pause(fullMs * Math.random());
    child.kill('SIGKILL');
    if ((await exit) === 'SIGKILL') killed++;
    if (serversLeft().length > 0) servers++;
    await idle();
    const now = (await state()) as { customers: number };
    if (now.customers !== 1) {
      expect(now).toMatchObject({ customers: 1001, orders: 20_000 });
      await server.query('delete from customers where id <= 1000');
    }
    expect(await state()).toEqual(before);
  }
  expect(killed).toBeGreaterThanOrEqual(0.75 * kills);
  // Otherwise nothing below had anything to sweep.
  expect(servers).toBeGreaterThan(0);

  const last = await place.run('rescue', ...rescue);
  expect(last.exitCode, last.stdout).toBe(0);
  expect(serversLeft()).toEqual([]);
  expect(readdirSync(place.temporaryFolder)).toEqual([]);
  expect(await state()).toMatchObject({ customers: 1001, orders: 20_000 });
  const twice = await place.run('rescue', ...rescue);
  expect(twice.exitCode, twice.stdout).toBe(0);
  expect(await state()).toMatchObject({ customers: 1001, orders: 20_000 });
  expect(
    (
      await server.query(
        `select md5(string_agg(md5(i::text), '')) from generate_series(1, 20000) i`,
      )
    ).rows,
  ).toEqual((await server.query(`select md5(string_agg(what, '' order by id)) from orders`)).rows);
});
