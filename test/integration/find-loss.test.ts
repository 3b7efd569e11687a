import { rmSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import {
  findLoss,
  type LossReport,
  logOf,
  planRescue,
  type RescueRecord,
} from '../../src/recovery/index.ts';
import { createSource, type PostgresSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { parseLsn } from '../../src/wal/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { waldump } from '../support/wal.ts';
import { type ProtectedServer, protectServer, source as sourceName } from './protected-server.ts';

// Goal: from "rows are missing" to the rows being back. Method: a protected server suffers a DELETE that cascades, a
// TRUNCATE and a DROP TABLE between ordinary work; what is found is held against the server's own pg_waldump.

const setup = `
  create table customers (id serial primary key, name text);
  create table orders (id bigserial primary key, customer int references customers on delete cascade, what text);
  create table favourites (id int primary key, customer int references customers on delete set null);
  create table products (id serial primary key, name text);
  create table prices (id int generated always as identity primary key, product int references products, price numeric);
  create table settings (key text primary key, value text);
  insert into customers (name) select 'customer ' || i from generate_series(1, 1000) i;
  insert into orders (customer, what) select 1 + i % 1000, md5(i::text) from generate_series(1, 5000) i;
  insert into favourites select i, i from generate_series(1, 100) i;
  insert into products (name) select 'product ' || i from generate_series(1, 300) i;
  insert into prices (product, price) select 1 + i % 300, i / 7.0 from generate_series(1, 900) i;
  insert into settings select 'key ' || i, 'v' from generate_series(1, 50) i;
  create index on orders (customer)`;

describe.each(serversUnderTest(15))('finding a loss on $name', ({ major, bin, hasTools }) => {
  const stateFolder = temporaryFolder('find-loss');
  const xids: Record<string, number> = {};
  const then: Record<string, string> = {};
  let shop: ProtectedServer;
  let source: PostgresSource;
  let report: LossReport;
  let start: bigint;

  beforeAll(async () => {
    if (!bin) return;
    shop = await protectServer({ bin, major, settings: { wal_keep_size: '1GB' } });
    const { server, repository } = shop;
    await server.query(setup);
    const connection = parseConnectionUrl(server.url());
    source = await createSource({
      kind: 'postgres',
      name: sourceName,
      connection,
      stateFolder,
      programsFolder: bin,
    });
    const stopStreaming = await shop.stream();
    start = BigInt(`0x${(await shop.backup()).startLsn.replace('/', '').padStart(8, '0')}`);
    await server.query(`insert into customers (name) values ('after the backup')`);
    await source.recordCatalog({ repository });
    // From here on only the running server knows the file of this table ...
    await ordinaryWork('customers');
    for (const table of ['customers', 'orders', 'favourites', 'products', 'prices']) {
      then[table] = await contents(table);
    }
    xids.delete = await transaction(
      'savepoint a',
      'delete from customers where id <= 400',
      'release savepoint a',
      // What the transaction made itself and removed again is no loss.
      `insert into customers (name) values ('short-lived')`,
      `delete from customers where name = 'short-lived'`,
    );
    await server.query(`insert into customers (name) values ('since the DELETE')`);
    xids.truncate = await transaction('truncate products restart identity cascade');
    await server.query(`insert into products (name) values ('since the TRUNCATE')`);
    xids.drop = await transaction('drop table settings');
    // ... and of this one only the record from before.
    await ordinaryWork('orders');
    await stopStreaming();
    report = await findLoss(await logOf({ source, repository }));
  });

  afterAll(async () => {
    await shop?.[Symbol.asyncDispose]();
    rmSync(stateFolder, { recursive: true, force: true });
  });

  async function transaction(...statements: string[]): Promise<number> {
    const client = new pg.Client({ connectionString: shop.server.url() });
    await client.connect();
    await client.query('begin');
    for (const statement of statements) await client.query(statement);
    const { rows } = await client.query('select txid_current()::int as xid');
    await client.query('commit');
    await client.end();
    return rows[0].xid;
  }

  /** None of this is a loss. */
  async function ordinaryWork(rewritten: string): Promise<void> {
    await shop.server.query('begin; delete from orders; rollback');
    await shop.server.query(`vacuum full ${rewritten}`);
    await shop.server.query(`update orders set what = 'changed' where id = 5000`);
    await shop.server.query('checkpoint');
  }

  async function contents(table: string): Promise<string> {
    const { rows } = await shop.server.query(
      `select coalesce(md5(string_agg(t::text, '|' order by id)), '') || ' ' || count(*) as text from ${table} t`,
    );
    return rows[0].text;
  }

  function suspect(xid: number | undefined) {
    return report.suspects.find((each) => each.xid === xid);
  }

  it('names exactly the transactions that destroyed something', (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const found = report.suspects.map(({ kind, xid }) => [kind, xid]);
    expect(found.sort()).toEqual([
      ['delete', xids.delete],
      ['drop-table', xids.drop],
      ['truncate', xids.truncate],
    ]);
    expect(report.searched).toHaveLength(1);
    expect(report.notSearched).toHaveLength(1);
  });

  it('agrees with pg_waldump on position and rows', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    context.skip(!hasTools, 'no pg_waldump');
    const records = await waldump(shop.server, start - (start % 0x100_0000n));
    for (const xid of Object.values(xids)) {
      const commit = records.find(
        (each) =>
          each.xid === xid && each.manager === 'Transaction' && /COMMIT/.test(each.description),
      );
      expect(suspect(xid)?.commitLsn).toBe(commit?.lsn);
      expect(suspect(xid)?.target.lsn).toBe(commit?.lsn);
    }
    const deletedFrom = suspect(xids.delete)?.tables.map((table) => [
      table.name,
      table.deleted,
      table.updated,
      table.rowsSource,
    ]);
    // 400 customers, and one that the transaction had made itself: the log counts it, the rescue does not want it.
    expect(deletedFrom).toEqual([
      ['orders', 2000, 0, 'wal'],
      ['customers', 401, 0, 'wal'],
      ['favourites', 0, 100, 'wal'],
    ]);
    const dumped = records.filter(
      (each) =>
        [xids.delete, ...(suspect(xids.delete)?.subXids ?? [])].includes(each.xid) &&
        each.manager === 'Heap' &&
        /^DELETE/.test(each.description),
    );
    expect(dumped).toHaveLength(2401);
  });

  it('says of a TRUNCATE and a DROP where the row counts come from', (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    for (const [xid, name, rows] of [
      [xids.truncate, 'products', 300],
      [xids.truncate, 'prices', 900],
      [xids.drop, 'settings', 50],
    ] as const) {
      const table = suspect(xid)?.tables.find((each) => each.name === name);
      expect(table).toMatchObject({ rows, rowsSource: 'baseline' });
      expect(Date.parse(table?.rowsTime ?? '')).toBeLessThan(
        Date.parse(suspect(xid)?.commitTime ?? ''),
      );
    }
    expect(suspect(xids.drop)).toMatchObject({ action: 'restore', recoverable: true });
    expect(suspect(xids.delete)).toMatchObject({ action: 'rescue', recoverable: true });
  });

  it('rescues the DELETE: dry run, rows, references, and nothing the second time', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { repository } = shop;
    const selection = { xid: xids.delete as number };
    await using prepared = await planRescue({ repository, source, selection });
    expect(prepared.plan).toMatchObject({
      xid: xids.delete,
      rowsDestroyed: 2400,
      rowsToPutBack: 2400,
      rowsAlreadyThere: 0,
      rowsInConflict: 0,
    });
    expect(prepared.plan.references).toMatchObject([
      { table: 'public.favourites', toPutBack: 100 },
    ]);
    const outcome = await prepared.run();
    expect(outcome).toMatchObject({ rowsPutBack: 2400, referencesPutBack: 100, rowsInConflict: 0 });
    await shop.server.query(`delete from customers where name = 'since the DELETE' returning id`);
    for (const table of ['customers', 'orders', 'favourites']) {
      // An order was changed to what it was already.
      expect(await contents(table)).toBe(then[table]);
    }
    await using again = await planRescue({ repository, source, selection });
    expect(again.plan).toMatchObject({ rowsToPutBack: 0, rowsAlreadyThere: 2400 });
    const records = await repository.records.list({ kind: 'rescue', source: sourceName });
    expect(records.map((each) => (each.body as RescueRecord).phase)).toEqual(['intent', 'done']);
  });

  it('rescues the TRUNCATE beside the row that took a key since', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { repository, server } = shop;
    const selection = { commitLsn: suspect(xids.truncate)?.commitLsn ?? '' };
    await using prepared = await planRescue({ repository, source, selection });
    expect(prepared.plan.sequences).toHaveLength(2);
    const conflictFolder = stateFolder;
    const outcome = await prepared.run({ conflictFolder });
    expect(outcome).toMatchObject({ rowsPutBack: 299 + 900, rowsInConflict: 1 });
    expect(await contents('prices')).toBe(then.prices);
    const { rows } = await server.query('select name from products where id = 1');
    expect(rows).toEqual([{ name: 'since the TRUNCATE' }]);
    await server.query(`update products set name = 'product 1' where id = 1`);
    expect(await contents('products')).toBe(then.products);
    const next = await server.query(`insert into products (name) values ('x') returning id`);
    expect(next.rows[0].id).toBeGreaterThan(300);
  });

  it('searches what is left when a segment of the log is lost, and says what is not', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const request = await logOf({ source, repository: shop.repository });
    const first = parseLsn(report.searched[0]?.fromLsn ?? '');
    const damagedAt = (lost: (start: bigint) => boolean) =>
      new Proxy(shop.repository, {
        get: (target, name) => {
          if (name !== 'log')
            return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
          return (name: string) => {
            const log = target.log(name);
            const read: typeof log.read = async (stream, start, ...more) => {
              if (lost(start)) throw new LifeboatError('repository.damaged', 'it is damaged');
              return await log.read(stream, start, ...more);
            };
            return new Proxy(log, {
              get: (own, key) =>
                key === 'read'
                  ? read
                  : (Reflect.get(own, key).bind?.(own) ?? Reflect.get(own, key)),
            });
          };
        },
      });
    const found = await findLoss({ ...request, repository: damagedAt((start) => start === first) });
    expect(found.notSearched[0]).toMatch(/: .*it is damaged$/);
    expect(found.suspects.map(({ xid }) => xid).sort()).toEqual(
      report.suspects.map(({ xid }) => xid).sort(),
    );
    // What lies in the lost segment may be theirs, too.
    expect(found.suspects.every(({ certain }) => !certain)).toBe(true);
    const all = findLoss({ ...request, repository: damagedAt(() => true) });
    await expect(all).rejects.toMatchObject({ code: 'repository.damaged' });
  });

  it('refuses what rows cannot bring back, and what is not there', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const { repository } = shop;
    await expect(
      planRescue({ repository, source, selection: { xid: xids.drop as number } }),
    ).rejects.toMatchObject({ code: 'rescue.unsupported' });
    await expect(
      planRescue({ repository, source, selection: { xid: 4_000_000 } }),
    ).rejects.toMatchObject({ code: 'rescue.no-suspect' });
  });
});
