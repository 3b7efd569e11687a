import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { collectDeletedTuples, type TouchedTuples } from '../../src/wal/index.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { currentLsn, indexOf, walPieces } from '../support/wal.ts';

// `born` tells a row that was put in again from one that was only changed.
const shop = `
  create sequence births;
  create table customers (id int primary key, name text, born int default nextval('births')) with (fillfactor = 60);
  create table orders (id int primary key, customer int references customers on delete cascade, note text,
    born int default nextval('births'));
  create index on orders (customer);
  create table lines (id int primary key, "order" int references orders on delete cascade, n int,
    born int default nextval('births'));
  create index on lines ("order");
  insert into customers select i, 'name ' || i from generate_series(1, 300) i;
  insert into orders select i, (i % 300) + 1, repeat('n', i % 900) from generate_series(1, 1200) i;
  insert into lines select i, (i % 1200) + 1, 0 from generate_series(1, 3000) i;
`;
const tables = ['customers', 'orders', 'lines'] as const;

/** Where every row lies, as others see it: before the transaction, as long as that has not committed. */
async function rowsOf(server: TestServer, table: string): Promise<Map<number, string>> {
  const { rows } = await server.query(`select born, ctid::text as tid from ${table}`);
  return new Map(rows.map(({ born, tid }) => [born, tid]));
}

async function filenodeOf(server: TestServer, table: string): Promise<number> {
  const { rows } = await server.query(`select pg_relation_filenode('${table}')::int as filenode`);
  return rows[0].filenode;
}

/** Runs the statements in one transaction and compares what the WAL tells with what the tables show. */
async function compare(
  server: TestServer,
  statements: readonly string[],
  meanwhile: readonly string[] = [],
): Promise<number> {
  await server.query('checkpoint');
  const from = await currentLsn(server);
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  await client.query('begin');
  await client.query('select pg_current_xact_id()');
  for (const statement of meanwhile) await server.query(statement);
  for (const statement of statements) await client.query(statement);
  const before = await Promise.all(tables.map((table) => rowsOf(server, table)));
  const { rows } = await client.query('select pg_current_xact_id()::text::int as xid');
  await client.query('commit');
  await client.end();
  const to = await currentLsn(server);
  const after = await Promise.all(tables.map((table) => rowsOf(server, table)));

  const transaction = indexOf(server, from, { keepUpdatedRows: 1 })
    .committed()
    .find(({ xid }) => xid === rows[0].xid);
  const xids = [rows[0].xid, ...(transaction?.subXids ?? [])];
  const touched = collectDeletedTuples({ ...walPieces(server, from), from, to }, xids);
  let deletedCount = 0;
  for (const [index, table] of tables.entries()) {
    const filenode = await filenodeOf(server, table);
    const found: TouchedTuples | undefined = touched.find((each) => each.filenode === filenode);
    const entries = [...(before[index] ?? [])];
    const deleted = entries.filter(([born]) => !after[index]?.has(born));
    const updated = entries.filter(
      ([born, tid]) => after[index]?.has(born) && after[index]?.get(born) !== tid,
    );
    const sorted = (tids: readonly string[]) => [...tids].sort();
    expect(sorted(found?.deleted.texts() ?? [])).toEqual(sorted(deleted.map(([, tid]) => tid)));
    expect(sorted(found?.updated.texts() ?? [])).toEqual(sorted(updated.map(([, tid]) => tid)));
    deletedCount += deleted.length;
  }
  return deletedCount;
}

/** A small generator of its own, so that a failing run can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Statements that insert, update, lock and delete the same rows again and again, in nested savepoints. */
function statements(seed: number): string[] {
  const below = random(seed);
  const made: string[] = [];
  let savepoints = 0;
  let fresh = 10_000 + seed * 1000;
  for (let step = 0; step < 45; step++) {
    const table = tables[below(3)] as string;
    const id = below(table === 'lines' ? 3000 : table === 'orders' ? 1200 : 300) + 1;
    const range = `id between ${id} and ${id + below(25)}`;
    const newest = `id between ${fresh - 8} and ${fresh}`;
    const target = below(4) === 0 ? newest : range;
    const change: Record<string, string> = {
      customers: `name = name || '+'`,
      orders: `note = note || repeat('o', ${below(600)})`,
      lines: `n = n + 1`,
    };
    const choice = below(10);
    if (choice < 3) made.push(`update ${table} set ${change[table]} where ${target}`);
    else if (choice < 5) made.push(`delete from ${table} where ${target}`);
    else if (choice === 5) made.push(`select 1 from ${table} where ${target} for update`);
    else if (choice === 6) {
      made.push(`insert into lines select ${fresh} + i, null, 0 from generate_series(1, 6) i`);
      fresh += 6;
    } else if (choice === 7) {
      made.push(
        `insert into lines values (${fresh}, null, 1), (${id}, null, 1) on conflict (id) do update set n = lines.n + 10`,
      );
    } else if (choice === 8) made.push(`savepoint s${++savepoints}`);
    else if (savepoints > 0) {
      made.push(`${below(2) === 0 ? 'rollback to' : 'release'} savepoint s${savepoints--}`);
    }
  }
  return made;
}

describe.each(serversUnderTest(17))('deleted rows on $name', ({ major, bin: programs }) => {
  it('are exactly those that the tables miss afterwards', async (context) => {
    const bin = need(context, programs, `no PostgreSQL ${major}`);
    await using server = await startPostgres({
      bin,
      major,
      settings: { wal_keep_size: '1GB', fsync: 'off' },
    });
    await server.query(shop);
    expect(await compare(server, ['delete from customers where id % 30 = 0'])).toBeGreaterThan(100);
    expect(
      await compare(server, [
        'update lines set n = 5 where id % 10 < 4',
        'delete from lines where id % 10 = 2',
        'update lines set n = 6 where id % 10 = 3',
        'delete from lines where id % 10 = 3',
      ]),
    ).toBeGreaterThan(400);
    // Rows that others moved after the transaction began count where they lie at its end.
    await compare(
      server,
      ['delete from orders where id between 100 and 140'],
      ['update orders set note = repeat($$z$$, 700) where id between 90 and 120', 'vacuum orders'],
    );
    let deleted = 0;
    for (let seed = 1; seed <= 25; seed++) deleted += await compare(server, statements(seed));
    expect(deleted).toBeGreaterThan(300);
  });
});
