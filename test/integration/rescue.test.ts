import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planRows, putRowsBack, type RowOutcome, type RowPlan } from '../../src/recovery/index.ts';
import { observeDestruction, rowRescue } from '../support/accident.ts';
import { copyPast, type PastCopy } from '../support/past-copy.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { scenarioSetups } from './rescue-scenarios.ts';

// Goal: after an accident and a rescue, every table holds exactly the rows it should. Method: every scenario is a
// database of one live server; a physical copy of that server, taken before the accidents, is the server of the past.

describe.each(serversUnderTest(18))('rescue on $name', ({ major, bin }) => {
  const folder = temporaryFolder('rescue');
  let live: TestServer;
  let past: PastCopy;

  beforeAll(async () => {
    if (!bin) return;
    live = await startPostgres({ bin, major });
    await live.query('create role shopkeeper login');
    for (const [database, sql] of Object.entries(scenarioSetups)) {
      await live.query(`create database ${database} owner shopkeeper`);
      await live.query(sql, database);
    }
    past = await copyPast(live);
  });

  afterAll(async () => {
    await past?.[Symbol.asyncDispose]();
    await live?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the accident and what came after it, then plans and rescues. */
  async function rescue(
    database: string,
    accident: string,
    tables: Parameters<typeof observeDestruction>[3],
    since = '',
    user = 'postgres',
  ): Promise<{ plan: RowPlan; outcome: RowOutcome; again: RowOutcome }> {
    await live.query(accident, database);
    const destruction = await observeDestruction(live, past, database, tables);
    if (since) await live.query(since, database);
    const work = rowRescue(live, past, destruction, user);
    const before = await contents(database);
    const plan = await planRows(work);
    expect(await contents(database)).toEqual(before);
    const outcome = await putRowsBack({ ...work, conflictFolder: folder, name: database });
    const after = await contents(database);
    const again = await putRowsBack({ ...work, conflictFolder: folder, name: `${database}-again` });
    expect(await contents(database)).toEqual(after);
    expect(again.tables.map((table) => table.putBack)).toEqual(again.tables.map(() => 0));
    return { plan, outcome, again };
  }

  /** Every row of every table as text. */
  async function contents(database: string, server: Pick<TestServer, 'query'> = live) {
    const tables = await server.query(
      `select oid::regclass::text as name from pg_class where relkind = 'r'
       and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema') order by 1`,
      database,
    );
    const rows: Record<string, string[]> = {};
    for (const { name } of tables.rows) {
      const all = await server.query(
        `select t::text as row from only ${name} t order by 1`,
        database,
      );
      rows[name] = all.rows.map((each: { row: string }) => each.row);
    }
    return rows;
  }

  async function one(database: string, sql: string): Promise<unknown> {
    return Object.values((await live.query(sql, database)).rows[0] ?? {})[0];
  }

  it('puts a cascade over several tables back and keeps what was written since', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { plan, outcome } = await rescue(
      'cascade',
      'delete from customers where id <= 50',
      { deleted: ['customers', 'orders', '"Order Lines"'], updated: ['notes'] },
      `insert into customers (name) values ('new one');
       insert into orders (customer_id, total) select max(id), 1 from customers;
       update customers set name = 'renamed since' where id = 60;
       update notes set body = 'edited since' where id = 3`,
    );
    const then = await contents('cascade', past);
    const now = await contents('cascade');
    expect(now.orders?.length).toBe((then.orders?.length ?? 0) + 1);
    expect(now['"Order Lines"']).toEqual(then['"Order Lines"']);
    expect(await one('cascade', `select name from customers where id = 60`)).toBe('renamed since');
    expect(await one('cascade', 'select count(*)::int from customers')).toBe(101);
    expect(await one('cascade', 'select count(*)::int from audit')).toBe(1);
    expect(plan.tables.map((table) => [table.table, table.toPutBack])).toEqual([
      ['public.customers', 50],
      ['public.orders', 150],
      ['public."Order Lines"', 300],
    ]);
    expect(outcome.tables.map((table) => table.putBack)).toEqual([50, 150, 300]);
    // The reference of the note that was edited since is left alone, and said to be.
    expect(plan.references).toEqual([
      expect.objectContaining({ table: 'public.notes', rows: 25, toPutBack: 24, leftAlone: 1 }),
    ]);
    expect(await one('cascade', 'select count(*)::int from notes where customer_id is null')).toBe(
      1,
    );
    expect(outcome.conflicts).toEqual([]);
  });

  it('puts back rows of a table that references itself and of tables in a circle', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { outcome } = await rescue('circle', 'delete from tree where id = 1; delete from boss', {
      deleted: ['tree', 'boss', 'team'],
    });
    expect(await contents('circle')).toEqual(await contents('circle', past));
    expect(outcome.conflicts).toEqual([]);
  });

  it('brings every type back unchanged, with composite keys and odd names', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await rescue('types', 'delete from "We""ird Schema"."Tab le\\x"', {
      deleted: ['"We""ird Schema"."Tab le\\x"'],
    });
    expect(await contents('types')).toEqual(await contents('types', past));
    const hash = `select md5(string_agg(t::text, '|' order by t::text)) from "We""ird Schema"."Tab le\\x" t`;
    const expected = Object.values((await past.query(hash, 'types')).rows[0])[0];
    expect(await one('types', hash)).toBe(expected);
  });

  it('fires no trigger and fills identity, serial and generated columns as they were', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await rescue('triggers', 'delete from items', { deleted: ['items'] });
    const now = await contents('triggers');
    const then = await contents('triggers', past);
    expect(now.items).toEqual(then.items);
    expect(now.audit).toEqual([]);
    expect(await one('triggers', `insert into items (name) values ('x') returning id`)).toBe(101);
  });

  it('puts rows of a partitioned table back into their partitions', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { outcome } = await rescue('partitions', 'delete from events; delete from days', {
      deleted: ['events_1', 'events_2', 'days_1', 'days_2'],
    });
    expect(await contents('partitions')).toEqual(await contents('partitions', past));
    expect(outcome.conflicts).toEqual([]);
  });

  it('keeps rows that took a place since, and saves those that found it taken', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { plan, outcome } = await rescue(
      'conflicts',
      'delete from users; delete from bookings; delete from visits',
      // A child before its parent: whether it is an orphan shows only later.
      { deleted: ['photos', 'visits', 'users', 'bookings'] },
      `insert into users values (1, 'one@example.com', 1, 'same'), (2, 'two@example.com', 2, 'other contents'),
         (200, 'three@example.com', 3, 'took the address'), (201, 'FOUR@example.com', 4, 'took it in capitals');
       insert into bookings values (100, 1, '[5,15)');
       delete from rooms where id = 2`,
    );
    const reasons = plan.tables.map((table) => [
      table.table,
      table.destroyed,
      table.alreadyThere,
      table.toPutBack,
      table.conflicts.map((each) => `${each.reason} ${each.constraint} ${each.rows}`.trim()),
    ]);
    expect(reasons).toEqual([
      [
        'public.users',
        10,
        1,
        6,
        ['changed  1', 'taken users_email_key 1', 'taken users_lower_idx 1'],
      ],
      ['public.visits', 10, 0, 8, ['orphan visits_user_id_fkey 2']],
      ['public.photos', 10, 0, 8, ['orphan photos_visit_id_fkey 2']],
      [
        'public.bookings',
        4,
        0,
        2,
        ['orphan bookings_room_id_fkey 1', 'taken bookings_during_int4range_excl 1'],
      ],
    ]);
    expect(outcome.conflicts.reduce((sum, each) => sum + each.rows, 0)).toBe(9);
    expect(await one('conflicts', 'select note from users where id = 2')).toBe('other contents');
    const taken = outcome.conflicts.find((each) => each.constraint === 'users_email_key');
    expect(readFileSync(taken?.path ?? '', 'utf8')).toBe('3\tthree@example.com\t3\tnote 3\n');
    expect(taken?.copyCommand).toContain('\\copy "public"."users" ("id", "email"');
  });

  it('undoes TRUNCATE RESTART IDENTITY CASCADE beside rows written since', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { plan, outcome } = await rescue(
      'truncated',
      'truncate accounts restart identity cascade',
      { truncated: ['accounts', 'entries'] },
      `insert into accounts (owner) values ('since 1'), ('since 2'), ('since 3')`,
    );
    expect(plan.sequences).toEqual([
      { name: 'public.accounts_id_seq', pastNext: '1001', liveNext: '4' },
      { name: 'public.entries_id_seq', pastNext: '30001', liveNext: '1' },
    ]);
    expect(outcome.tables.map((table) => [table.table, table.putBack])).toEqual([
      ['public.accounts', 997],
      ['public.entries', 2000],
    ]);
    expect(
      await one('truncated', `insert into accounts (owner) values ('next') returning id`),
    ).toBe(1001);
    expect(await one('truncated', 'insert into entries (account_id) values (9) returning id')).toBe(
      30001,
    );
  });

  it('recognises rows without a key by all their columns', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { outcome } = await rescue(
      'keyless',
      `delete from log where line <> 'b' or ctid = '(0,2)'`,
      {
        deleted: ['log'],
      },
    );
    expect(await contents('keyless')).toEqual(await contents('keyless', past));
    expect(outcome.warnings.join()).toContain('has no primary key');
  });

  it('follows columns that were added, dropped, renamed or retyped since', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { plan } = await rescue(
      'altered',
      'delete from stock',
      { deleted: ['stock'] },
      `alter table stock add column added text default 'new'; alter table stock drop column gone;
       alter table stock rename column label to title; alter table stock alter amount type int8;
       alter table stock rename to goods`,
    );
    expect((await live.query('select * from goods order by id', 'altered')).rows).toEqual([
      { id: 1, title: 'one', amount: '10', added: 'new' },
      { id: 2, title: 'two', amount: '20', added: 'new' },
    ]);
    expect(plan.warnings).toHaveLength(4);
  });

  it('refuses a table that was dropped since', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await live.query('delete from stock', 'dropped');
    const destruction = await observeDestruction(live, past, 'dropped', { deleted: ['stock'] });
    await live.query('drop table stock', 'dropped');
    await expect(planRows(rowRescue(live, past, destruction))).rejects.toMatchObject({
      code: 'rescue.unsupported',
      message: 'public.stock no longer exists',
    });
  });

  it('works for the owner of the tables, who is no superuser', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { plan, outcome } = await rescue(
      'owned',
      'delete from parents',
      { deleted: ['parents', 'children'] },
      `insert into parents values (1000, 'since')`,
      'shopkeeper',
    );
    expect(plan.triggers).toBe('owner');
    expect(outcome.tables.map((table) => table.putBack)).toEqual([20, 40]);
    const [now, then] = [await contents('owned'), await contents('owned', past)];
    expect(now.children).toEqual(then.children);
    // By the insertion after the accident.
    expect(now.audit).toEqual(['(INSERT)']);
    expect(await one('owned', 'select count(*)::int from parents')).toBe(21);
    expect(
      await one(
        'owned',
        `select string_agg(tgenabled::text, '' order by tgname) from pg_trigger where not tgisinternal`,
      ),
    ).toBe('DOA');
  });
});
