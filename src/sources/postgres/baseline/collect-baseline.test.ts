import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestServer } from '../../../../test/support/postgres.ts';
import { embeddedPostgresBin } from '../../../../test/support/programs.ts';
import { parseLsn } from '../../../wal/index.ts';
import { parseConnectionUrl } from '../connection-url.ts';
import { collectBaseline } from './collect-baseline.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
  await server.query(`
    create table orders (id int primary key, created_at timestamptz, updated_at timestamp, expires_at timestamptz);
    create table plans (id int, expires_at timestamptz);
    create table odd (id int, "Logged ""at""" timestamptz, day date);
    create index on odd ("Logged ""at""");
    create unlogged table cache (id int);
    insert into orders values (1, '2026-01-01Z', '2026-02-03 04:05:06', '2099-01-01Z'), (2, '2026-01-02Z', 'infinity', null);
    insert into odd values (1, '2026-03-01Z', '2026-04-01'), (2, 'infinity', null), (3, '294000-01-01Z', null);
    insert into cache values (1)`);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function tables(countBudgetMs?: number, user = 'postgres') {
  const settings = parseConnectionUrl(server.url().replace('postgres@', `${user}@`));
  const options = countBudgetMs === undefined ? {} : { countBudgetMs };
  const { baseline } = await collectBaseline(settings, 'timer', options);
  const database = baseline.databases.find(({ name }) => name === 'postgres');
  const found = (name: string) => database?.tables.find((each) => each.name === name);
  return { baseline, database, found };
}

async function isWaiting(): Promise<boolean> {
  const { rowCount } = await server.query(
    "select from pg_stat_activity where pid <> pg_backend_pid() and query like '%pg_current_wal_flush_lsn()%'",
  );
  return rowCount === 1;
}

describe('a baseline', () => {
  it('holds counts, sizes, and the newest moment of the column that tells of writing', async () => {
    const { found } = await tables();
    expect(found('orders')).toMatchObject({ rows: 2, rowsExact: true, schema: 'public' });
    expect(found('orders')?.bytes).toBeGreaterThan(8192);
    // Not when an order expires; and what is infinitely late says nothing.
    expect(found('orders')?.freshest).toEqual({
      column: 'updated_at',
      time: '2026-02-03T04:05:06.000Z',
    });
    expect(found('plans')?.freshest).toBeUndefined();
    expect(found('cache')).toMatchObject({ rows: 1, isUnlogged: true });
    expect(found('odd')?.freshest).toBeUndefined();
    await server.query('delete from odd where id > 1');
    expect((await tables()).found('odd')?.freshest).toEqual({
      column: 'Logged "at"',
      time: '2026-03-01T00:00:00.000Z',
    });
  });

  it('counts deleted rows since the statistics began', async () => {
    await server.query('insert into plans select generate_series(1, 9)');
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    await client.query('delete from plans where id < 8');
    await client.end();
    await expect
      .poll(async () => (await tables()).found('plans')?.deletedRows, { timeout: 20_000 })
      .toBe(7);
  });

  it('says which transactions are in the counts', async () => {
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    await client.query('begin; insert into plans values (77)');
    const xid = Number((await client.query('select txid_current() as xid')).rows[0].xid);
    await server.query('insert into plans values (78)');
    const { database, baseline } = await tables();
    await client.query('commit');
    await client.end();
    const { counted, lsn } = database?.moment ?? {};
    expect(counted).toMatchObject({ kind: 'snapshot', xmin: xid, running: [xid] });
    expect(parseLsn(lsn ?? '')).toBeGreaterThanOrEqual(parseLsn(baseline.lsn));
    expect(parseLsn(baseline.wholeFrom.lsn)).toBeLessThanOrEqual(parseLsn(baseline.lsn));
  });

  it('holds no commit that a crash could take back', async () => {
    const [writer] = (
      await server.query("select pid from pg_stat_activity where backend_type = 'walwriter'")
    ).rows;
    // What was committed without waiting for the disk stays in memory as long as it is stopped.
    process.kill(writer.pid, 'SIGSTOP');
    const goOn = () => process.kill(writer.pid, 'SIGCONT');
    try {
      await server.query(
        'begin; set local synchronous_commit = off; insert into plans values (79); commit',
      );
      let isDone = false;
      const work = tables().finally(() => {
        isDone = true;
      });
      await expect.poll(async () => isDone || (await isWaiting()), { timeout: 60_000 }).toBe(true);
      if (!isDone) goOn();
      const { database, found } = await work;
      const [{ flushed, rows }] = (
        await server.query(
          'select pg_current_wal_flush_lsn()::text as flushed, count(*)::int as rows from plans',
        )
      ).rows;
      expect(found('plans')).toMatchObject({ rows, rowsExact: true });
      expect(parseLsn(flushed)).toBeGreaterThanOrEqual(parseLsn(database?.moment.lsn ?? ''));
    } finally {
      goOn();
    }
  });

  it('names tables that the role may not read, so that they do not look gone', async () => {
    await server.query('create role clerk login; analyze orders');
    const { found } = await tables(undefined, 'clerk');
    expect(found('orders')).toMatchObject({ rows: 2, rowsExact: false });
    expect(found('orders')?.bytes).toBeUndefined();
  });

  it('of tables that there was no time to count knows size and what an index knows', async () => {
    const { found } = await tables(0);
    expect(found('orders')).toMatchObject({ bytes: expect.any(Number) });
    expect(found('orders')?.rowsExact).not.toBe(true);
    expect(found('orders')?.freshest).toBeUndefined();
    expect(found('odd')?.freshest).toMatchObject({ column: 'Logged "at"' });
  });
});
