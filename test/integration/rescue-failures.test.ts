import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Destruction, planRows, putRowsBack } from '../../src/recovery/index.ts';
import { verifyOwnWrites } from '../../src/recovery/rescue/own-writes.ts';
import { openSession } from '../../src/recovery/rescue/session.ts';
import { parseConnectionUrl } from '../../src/sources/index.ts';
import { observeDestruction, rowRescue } from '../support/accident.ts';
import { copyPast, type PastCopy } from '../support/past-copy.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

// Goal: whatever happens during a rescue, the live server is exactly as before it or as after it. Method: 100,000
// orders of 1,000 customers are deleted; the rescue is killed, cancelled, refused and overtaken.

const setup = `
  create table customers (id int primary key, name text);
  create table orders (id int primary key, customer int not null references customers on delete cascade, what text);
  insert into customers select i, 'customer ' || i from generate_series(1, 1000) i;
  insert into orders select i, 1 + i % 1000, md5(i::text) from generate_series(1, 100000) i`;
const contents = `
  select (select count(*) from customers)::int as customers, (select count(*) from orders)::int as orders,
    (select md5(string_agg(o::text, '' order by id)) from orders o where id > 0) as hash`;

describe.each(serversUnderTest(15))('a rescue on $name that fails', ({ major, bin }) => {
  const folder = temporaryFolder('rescue-failures');
  let live: TestServer;
  let past: PastCopy;
  let destruction: Destruction;
  let destroyed: unknown;
  let whole: unknown;

  beforeAll(async () => {
    if (!bin) return;
    live = await startPostgres({ bin, major });
    await live.query(setup);
    past = await copyPast(live);
    await destroy();
  });

  afterAll(async () => {
    await past?.[Symbol.asyncDispose]();
    await live?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function destroy(): Promise<void> {
    await live.query('delete from customers');
    destruction = await observeDestruction(live, past, 'postgres', {
      deleted: ['customers', 'orders'],
    });
    destroyed = await state();
    whole = (await past.query(contents, 'postgres')).rows[0];
  }

  async function state(): Promise<unknown> {
    return (await live.query(contents)).rows[0];
  }

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: live.url() });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  const work = () => ({
    ...rowRescue(live, past, destruction),
    conflictFolder: folder,
    name: 'failures',
  });

  it('refuses a server that is another cluster', async (context) => {
    await using other = await startPostgres({
      bin: need(context, bin, `no PostgreSQL ${major}`),
      major,
    });
    await expect(planRows(rowRescue(other, past, destruction))).rejects.toMatchObject({
      code: 'postgres.other-cluster',
    });
  });

  it('changes nothing when the server refuses a row at the very end', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await live.query('alter table orders add column must text not null');
    await expect(putRowsBack(work())).rejects.toMatchObject({
      code: 'rescue.failed',
      context: { sqlstate: '23502' },
    });
    expect(await state()).toEqual(destroyed);
    await live.query('alter table orders drop column must');
  });

  it('changes nothing when it is cancelled at any point', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    let events = 0;
    await planRows({ ...work(), progress: () => events++ });
    for (const share of [0.1, 0.4, 0.7, 0.95, 1.2]) {
      const abort = new AbortController();
      let seen = 0;
      const progress = () => {
        if (++seen >= share * events) abort.abort();
      };
      const rescue = putRowsBack({ ...work(), signal: abort.signal, progress });
      await expect(rescue).rejects.toMatchObject({ code: 'cancelled' });
      expect(await state()).toEqual(destroyed);
    }
    const left = `select count(*)::int as left from pg_stat_activity where application_name = 'lifeboat rescue'`;
    expect((await live.query(left)).rows).toEqual([{ left: 0 }]);
  });

  it('notices anything that was written besides the rows', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await using session = await openSession(parseConnectionUrl(live.url()));
    await session.run('begin');
    await session.run(`insert into public.customers values (1, 'x'), (2, 'y')`);
    const oid = Number(
      (await live.query(`select 'customers'::regclass::oid::int as oid`)).rows[0].oid,
    );
    await verifyOwnWrites(session, new Map([[oid, { inserted: 2, updated: 0 }]]));
    for (const inserted of [0, 1, 3]) {
      const wrong = verifyOwnWrites(session, new Map([[oid, { inserted, updated: 0 }]]));
      await expect(wrong).rejects.toMatchObject({ code: 'rescue.failed' });
    }
    await session.run('rollback');
  });

  it('gives up when somebody else holds the table, and says so', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const holder = await connect();
    await holder.query('begin; lock table orders in access exclusive mode');
    await expect(putRowsBack({ ...work(), lockTimeoutMs: 200 })).rejects.toMatchObject({
      code: 'postgres.query',
      retryable: true,
      context: { sqlstate: '55P03' },
    });
    await holder.end();
    expect(await state()).toEqual(destroyed);
  });

  it('leaves each key to the session that takes it first, and reports it', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const writer = await connect();
    await writer.query(`begin; insert into customers values (7, 'taken while the rescue ran')`);
    // The rescue cannot see the row yet, and waits for the writer when it comes to the same key.
    const rescue = putRowsBack(work());
    await Promise.race([rescue, waiting()]);
    await writer.query('commit');
    await writer.end();
    const outcome = await rescue;
    expect(outcome.tables.map((table) => table.putBack)).toEqual([999, 100_000]);
    expect(outcome.conflicts).toMatchObject([
      { table: 'public.customers', reason: 'overtaken', rows: 1 },
    ]);
    const [taken] = (await live.query('select name from customers where id = 7')).rows;
    expect(taken).toEqual({ name: 'taken while the rescue ran' });
    await live.query('truncate customers cascade');
    expect(await state()).toEqual(destroyed);
  });

  /** Until another session waits for a lock. */
  async function waiting(): Promise<void> {
    for (;;) {
      const found = await live.query(
        `select 1 from pg_stat_activity where application_name = 'lifeboat rescue' and wait_event_type = 'Lock'`,
      );
      if (found.rowCount) return;
    }
  }

  it('leaves the server as before or as after when it is killed', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const file = join(folder, 'work.json');
    const pastUrl = `postgres://postgres@127.0.0.1:${past.port}`;
    writeFileSync(file, JSON.stringify({ pastUrl, liveUrl: live.url(), destruction, folder }));
    const started = performance.now();
    expect(await runChild(file)).toBe(0);
    const fullMs = performance.now() - started;
    expect(await state()).toEqual(whole);
    let killed = 0;
    for (let round = 1; round <= 6; round++) {
      await live.query('truncate customers cascade');
      if ((await runChild(file, (fullMs * round) / 6.5)) === null) killed++;
      // The server ends the transaction of a dead client by itself.
      await idle();
      const now = await state();
      expect([destroyed, whole]).toContainEqual(now);
    }
    expect(killed).toBeGreaterThan(0);
    expect(await runChild(file)).toBe(0);
    expect(await state()).toEqual(whole);
  });

  async function idle(): Promise<void> {
    for (;;) {
      const found = await live.query(
        `select 1 from pg_stat_activity where application_name = 'lifeboat rescue'`,
      );
      if (!found.rowCount) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

/** Exit code of the rescue; null when it was killed after that time. */
function runChild(file: string, killAfterMs?: number): Promise<number | null> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'rescue-child.ts'), file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const timer = killAfterMs ? setTimeout(() => child.kill('SIGKILL'), killAfterMs) : undefined;
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}
