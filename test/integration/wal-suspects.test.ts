import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { findSuspects, type Suspect, type SuspectThresholds } from '../../src/wal/index.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { currentLsn, indexOf, TestDirectory, waldump } from '../support/wal.ts';

/** One connection, so that statements share transactions. */
async function connect(server: TestServer, database = 'postgres') {
  const client = new pg.Client({ connectionString: server.url(database) });
  await client.connect();
  return {
    /** Runs the statements in one transaction and returns its number. */
    async transaction(...statements: string[]): Promise<number> {
      await client.query('begin');
      for (const statement of statements) await client.query(statement);
      const { rows } = await client.query(
        'select pg_current_xact_id()::text::bigint % 4294967296 as xid',
      );
      await client.query('commit');
      return Number(rows[0].xid);
    },
    run: (statement: string) => client.query(statement),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

const shop = `
  create table customers (id int primary key, name text);
  create table orders (id int primary key, customer int references customers on delete cascade, note text);
  create table lines (id int primary key, "order" int references orders on delete cascade);
  create index on orders (customer); create index on lines ("order");
  create table settings (id int primary key, value text);
  create table notes (id int primary key, body text);
  create table spare (id serial primary key, t text);
  create table fresh (id int primary key, t text);
  insert into customers select i, 'name ' || i from generate_series(1, 2000) i;
  insert into orders select i, (i % 2000) + 1, repeat('n', 50) from generate_series(1, 6000) i;
  insert into lines select i, (i % 6000) + 1 from generate_series(1, 12000) i;
  insert into settings select i, 'v' from generate_series(1, 20) i;
  insert into spare (t) select 'x' from generate_series(1, 500) i;
  alter table notes alter column body set storage external;
  insert into notes select i, repeat(md5(i::text), 200) from generate_series(1, 300) i;
  create materialized view summary as select customer, count(*) from orders group by 1;
  create table parts (id int, k int) partition by list (k);
  create table parts1 partition of parts for values in (1);
  create table parts2 partition of parts for values in (2);
  insert into parts select i, 1 from generate_series(1, 400) i;
  create schema old;
  create table old.a (id int primary key); create table old.b (id int); create view old.v as select * from old.a;
  insert into old.a select generate_series(1, 77); insert into old.b select generate_series(1, 33);
`;

async function suspectsOf(
  server: TestServer,
  from: bigint,
  directory: TestDirectory,
  thresholds?: Partial<SuspectThresholds>,
): Promise<Suspect[]> {
  return findSuspects(indexOf(server, from).committed(), directory, thresholds);
}

const found = (suspect: Suspect | undefined) =>
  suspect && {
    kind: suspect.kind,
    tables: Object.fromEntries(
      suspect.tables.map((table) => [`${table.schema}.${table.name}`, table.rows]),
    ),
  };

const servers = [
  ...serversUnderTest(18).map((each) => ({ ...each, level: 'replica' })),
  ...serversUnderTest(15).map((each) => ({ ...each, level: 'logical' })),
];

describe.each(servers)(
  'losses on $name with wal_level=$level',
  ({ major, bin: programs, hasTools, level }) => {
    const start = (context: Parameters<typeof need>[0]) => {
      const bin = need(context, programs, `no PostgreSQL ${major}`);
      return startPostgres({
        bin,
        major,
        settings: {
          wal_level: level,
          wal_keep_size: '1GB',
          fsync: 'off',
          max_prepared_transactions: '5',
        },
      });
    };

    it('are found with exact transaction, position and rows', async (context) => {
      await using server = await start(context);
      await server.query(shop);
      await server.query('create database doomed');
      const directory = await new TestDirectory().add(server);
      await directory.add(server, 'doomed');
      const from = await currentLsn(server);
      await using session = await connect(server);
      await using other = await connect(server);
      const expected = new Map<number, unknown>();
      const expectLoss = (xid: number, kind: string, tables: Record<string, number | null>) =>
        expected.set(xid, { kind, tables });

      expectLoss(await session.transaction('delete from lines where id <= 150'), 'delete', {
        'public.lines': 150,
      });
      await session.run('checkpoint');
      // Cascades: 1 customer in 20, their 3 orders each, their lines, less those deleted above.
      const counts = await session.run(`select
      (select count(*)::int from customers where id % 20 = 0) as customers,
      (select count(*)::int from orders where customer % 20 = 0) as orders,
      (select count(*)::int from lines l join orders o on o.id = l."order" where o.customer % 20 = 0) as lines`);
      await other.run('begin');
      await other.run('delete from settings where id > 5');
      expectLoss(await session.transaction('delete from customers where id % 20 = 0'), 'delete', {
        'public.customers': counts.rows[0].customers,
        'public.orders': counts.rows[0].orders,
        'public.lines': counts.rows[0].lines,
      });
      const late = await other.run('select pg_current_xact_id()::text::int as xid');
      await other.run('commit');
      expectLoss(late.rows[0].xid, 'delete', { 'public.settings': 15 });

      expectLoss(
        await session.transaction(
          'savepoint a',
          'delete from notes where id <= 10',
          'rollback to a',
          'savepoint b',
          'delete from notes where id between 11 and 120',
          'release b',
          'savepoint c',
          'update notes set body = $$x$$ where id = 200',
          'release c',
        ),
        'delete',
        { 'public.notes': 110 },
      );
      const prepared = await connect(server);
      await prepared.run('begin');
      await prepared.run('savepoint s');
      await prepared.run('delete from orders where id % 7 = 1');
      const deleted = await prepared.run('select pg_current_xact_id()::text::int as xid');
      const left = await session.run('select count(*)::int as n from orders where id % 7 = 1');
      await prepared.run(`prepare transaction 'two'`);
      await prepared[Symbol.asyncDispose]();
      await session.transaction('insert into fresh values (1)');
      const lines = await session.run(
        `select count(*)::int as n from lines l join orders o on o.id = l."order" where o.id % 7 = 1`,
      );
      await session.run(`commit prepared 'two'`);
      expectLoss(deleted.rows[0].xid, 'delete', {
        'public.orders': left.rows[0].n,
        'public.lines': lines.rows[0].n,
      });
      expectLoss(await session.transaction('truncate spare restart identity'), 'truncate', {
        'public.spare': 500,
      });
      expectLoss(
        await session.transaction(
          'truncate notes',
          `insert into notes select i, repeat(md5(i::text), 200) from generate_series(1, 40) i`,
        ),
        'truncate',
        { 'public.notes': 300 },
      );
      await directory.add(server);
      const truncated = await session.transaction('truncate customers cascade');
      const rows = (name: string) => directory.byName(name)?.rows;
      expectLoss(truncated, 'truncate', {
        'public.customers': rows('customers') as number,
        'public.orders': rows('orders') as number,
        'public.lines': rows('lines') as number,
      });
      expectLoss(await session.transaction('drop table settings'), 'drop-table', {
        'public.settings': 5,
      });
      expectLoss(await session.transaction('drop schema old cascade'), 'drop-schema', {
        'old.a': 77,
        'old.b': 33,
      });
      expectLoss(
        await session.transaction('update parts set id = id + 1 where id <= 300'),
        'mass-update',
        { 'public.parts1': 300 },
      );
      expectLoss(await session.transaction('delete from parts where id > 301'), 'delete', {
        'public.parts1': 99,
      });
      await session.run('drop database doomed');

      const suspects = await suspectsOf(server, from, directory);
      // Without pg_waldump only the findings are compared, not their positions.
      const dump = hasTools ? await waldump(server, from) : [];
      for (const [xid, loss] of expected) {
        const suspect = suspects.find((each) => each.xid === xid);
        expect(found(suspect), `transaction ${xid}`).toEqual(loss);
        expect(suspect?.certain).toBe(true);
        if (!hasTools) continue;
        const commit = dump.find(
          (each) =>
            each.manager === 'Transaction' &&
            ((each.xid === xid && /^COMMIT /.test(each.description)) ||
              each.description.startsWith(`COMMIT_PREPARED ${xid}:`)),
        );
        expect(suspect?.commitLsn).toBe(commit?.lsn);
        expect(suspect?.target).toEqual({ lsn: commit?.lsn, inclusive: false, timeline: 1 });
        const first = dump.find((each) => each.xid === xid || suspect?.subXids.includes(each.xid));
        expect(suspect?.firstLsn).toBe(first?.lsn);
      }
      const dropped = suspects.filter((each) => !expected.has(each.xid));
      const drop = dump.find(
        (each) => each.manager === 'Database' && /^DROP/.test(each.description),
      );
      expect(dropped).toMatchObject([
        {
          kind: 'drop-database',
          databases: [{ name: 'doomed' }],
          target: hasTools ? { lsn: drop?.lsn } : {},
        },
      ]);
      expect(suspects[0]?.severity).toBe('critical');
      expect(suspects.at(-1)?.kind).toBe('mass-update');
      const notes = suspects.find((each) => each.tables[0]?.inserted === 40);
      expect(notes?.tables).toMatchObject([{ name: 'notes', action: 'truncated' }]);
      expect(JSON.parse(JSON.stringify(suspects))).toEqual(suspects);
    });

    it('are not seen in what only looks alike', async (context) => {
      await using server = await start(context);
      await server.query(shop);
      const directory = await new TestDirectory().add(server);
      const from = await currentLsn(server);
      await using session = await connect(server);
      await session.run('begin');
      await session.run('delete from lines');
      await session.run('truncate notes');
      await session.run('drop table spare');
      await session.run('rollback');
      await session.run(
        'begin; savepoint s; delete from lines; rollback to s; insert into fresh values (1); commit',
      );
      await session.run(`begin; truncate orders, lines; prepare transaction 'never'`);
      await session.run(`rollback prepared 'never'`);
      await session.run('vacuum full orders');
      await session.run('cluster lines using lines_pkey');
      await session.run('alter table customers alter column id type bigint');
      await session.run('alter table fresh add column n int default random() * 10');
      await session.run('vacuum full fresh');
      await session.run('vacuum full');
      await session.run('reindex table orders');
      await session.run('reindex table concurrently lines');
      await session.run('create index on orders (note)');
      await session.run('create index concurrently on lines (id)');
      await session.run('drop index orders_note_idx');
      await session.run('analyze');
      await session.run('vacuum');
      await session.run('refresh materialized view summary');
      await session.run(`update customers set name = 'one' where id = 7`);
      await session.run('delete from parts where id = 400');
      await session.run(`update notes set body = repeat('y', 5000) where id = 9`);
      await session.run('update parts set k = 2 where id <= 50');
      await session.run(`insert into fresh values (5, 'a') on conflict (id) do update set t = 'b'`);
      await session.run(`insert into fresh values (5, 'a') on conflict (id) do update set t = 'b'`);
      if (major >= 15) {
        await session.run(`merge into fresh f using (values (5), (6)) v (id) on f.id = v.id
      when matched then update set t = 'm' when not matched then insert (id, t) values (v.id, 'n')`);
      }
      await session.run('create temp table scratch as select * from orders');
      await session.run('delete from scratch');
      await session.run('truncate scratch');
      await session.run('drop table scratch');
      await session.run(`begin; create table staging as select * from orders; delete from staging;
      truncate staging; drop table staging; commit`);
      await session.run('create database other');
      await session.run('alter table notes drop column body');
      await session.run('alter sequence spare_id_seq restart');

      const suspects = await suspectsOf(server, from, directory);
      expect(suspects).toEqual([]);
      // With the lowest threshold single deleted rows appear, and still nothing else.
      await directory.add(server);
      const all = await suspectsOf(server, from, directory, { minRows: 1 });
      expect(all.map(found)).toEqual([{ kind: 'delete', tables: { 'public.parts1': 1 } }]);
    });

    it('are found where a transaction rewrote a table before it deleted its rows', async (context) => {
      await using server = await start(context);
      await server.query(shop);
      const directory = await new TestDirectory().add(server);
      const from = await currentLsn(server);
      await using session = await connect(server);
      const rows = Number((await server.query('select count(*) from orders')).rows[0].count);
      const xid = await session.transaction(
        'alter table orders add column weight float8 default random()',
        'delete from orders',
      );
      const [suspect, ...others] = await suspectsOf(server, from, directory);
      expect(others).toEqual([]);
      expect(suspect).toMatchObject({ xid, kind: 'delete', certain: false });
      const orders = suspect?.tables.find((table) => table.name === 'orders');
      expect(orders).toMatchObject({ action: 'deleted', deleted: rows, filenode: null });
    });

    it('are named after the files of a table changed, and after catalogs were rewritten', async (context) => {
      await using server = await start(context);
      await server.query(shop);
      const directory = await new TestDirectory().add(server);
      const from = await currentLsn(server);
      await using session = await connect(server);
      await session.run('vacuum full');
      const names = new Map<number, unknown>();
      names.set(await session.transaction('truncate spare, lines'), {
        kind: 'truncate',
        tables: { 'public.lines': 12_000, 'public.spare': 500 },
      });
      names.set(await session.transaction('drop table settings'), {
        kind: 'drop-table',
        tables: { 'public.settings': 20 },
      });
      names.set(await session.transaction('drop schema old cascade'), {
        // pg_namespace has a new file too, and unlike pg_class it is not in the map of files.
        kind: 'drop-table',
        tables: { 'old.a': 77, 'old.b': 33 },
      });
      await session.run('create table unheard_of as select * from orders');
      const nameless = await session.transaction('drop table unheard_of');
      const mixed = await session.transaction(
        'alter table customers alter column id type bigint',
        'truncate notes',
      );
      const suspects = await suspectsOf(server, from, directory);
      const sorted = (suspect: ReturnType<typeof found>) =>
        suspect && {
          ...suspect,
          tables: Object.fromEntries(Object.entries(suspect.tables).sort()),
        };
      for (const [xid, loss] of names) {
        expect(sorted(found(suspects.find((each) => each.xid === xid)))).toEqual(loss);
      }
      expect(suspects.find((each) => each.xid === nameless)).toMatchObject({
        kind: 'drop-table',
        certain: false,
        tables: [{ name: null, rows: null, rowsSource: 'unknown' }],
      });
      const both = suspects.find((each) => each.xid === mixed);
      expect(both?.kind).toBe('truncate');
      expect(both?.tables.some((table) => table.name === 'notes')).toBe(true);
      expect(suspects.length).toBe(names.size + 2);
    });
  },
);
