// One accident of each row of the decision matrix, recovered by the command line alone:
//
//   accidental DELETE    point in time    data loss none
//   table DROP           from a backup    minutes
//   database corruption  restore, replay  minimal
//   complete loss        latest backup    hours
//   partial corruption   selective table  minimal
//
// What is lost here is asserted: nothing of what was committed, but in a complete loss what had not left the host yet.
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Ledger } from '../crash/ledger.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const schema = `
  create table customers (id int primary key, name text not null);
  create table orders (id int primary key, customer int not null, note text not null);
  insert into customers select i, md5(i::text) from generate_series(1, 2000) i;
  insert into orders select i, 1 + i % 2000, repeat(md5(i::text), 4) from generate_series(1, 5000) i`;

type Ask = Pick<TestServer, 'query'>;

/** Every row of a table, as one text. */
async function content(server: Ask, table: string): Promise<string> {
  const { rows } = await server.query(
    `select count(*) || ' ' || md5(string_agg(t::text, ',' order by id)) as content from ${table} t`,
  );
  return rows[0].content;
}

describe.each(serversUnderTest(18))('accidents, $name', ({ bin, major, hasTools }) => {
  let server: TestServer;
  let own: Installation;
  let serving: ChildProcess;

  beforeEach((context) => {
    need(context, bin, 'no server programs of this version');
    need(context, hasTools ? true : undefined, 'its packages have no pg_dump');
  });

  beforeAll(async () => {
    if (!bin || !hasTools) return;
    server = await startPostgres({ bin, major });
    await server.query(schema);
    own = await installation({ connection: server.url(), programs: bin });
    serving = own.spawn('serve');
    await untilRecord(serving, ({ type }) => type === 'backup');
    serving.stdout?.resume();
    // After the backup, so that only the log has it.
    await server.query(
      "update customers set name = 'changed' where id % 10 = 0; insert into orders values (5001, 1, 'late')",
    );
  });

  afterAll(async () => {
    await own?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function suspect(kind: string): Promise<string> {
    await untilFlushed(server);
    const { records } = await own.run('find-loss', '--min-rows', '1');
    const found = records.find((each) => each.type === 'suspect' && each.kind === kind);
    expect(found, JSON.stringify(records)).toBeDefined();
    return String(found?.xid);
  }

  async function done(command: string, ...args: string[]) {
    const result = await own.run(command, ...args);
    expect(result, result.stdout + result.stderr).toMatchObject({ exitCode: 0 });
    return result.records.at(-1);
  }

  test('an accidental DELETE: its rows are put back, nothing is lost, nothing written since', async () => {
    const before = await content(server, 'customers');
    await server.query('delete from customers where id <= 1500');
    await server.query("insert into customers values (9001, 'since')");
    const xid = await suspect('delete');
    const rescued = await done('rescue', '--xid', xid, '--yes', 'postgres');
    expect(rescued).toMatchObject({ rowsPutBack: 1500, rowsInConflict: 0 });
    expect((await server.query('select name from customers where id = 9001')).rowCount).toBe(1);
    await server.query('delete from customers where id = 9001');
    expect(await content(server, 'customers')).toBe(before);
  });

  test('a dropped table: comes back as it was just before, nothing is lost', async () => {
    await server.query("insert into orders values (5002, 2, 'seconds before')");
    const before = await content(server, 'orders');
    await server.query('drop table orders');
    await server.query("insert into customers values (9002, 'since')");
    const xid = await suspect('drop-table');
    await done('extract', '--table', 'public.orders', '--before-xid', xid, '--side-schema', 'back');
    expect(await content(server, 'back.orders')).toBe(before);
    await server.query('alter table back.orders set schema public');
    await server.query('insert into orders values (5003, 3, $$it is in use$$)');
    expect((await server.query('select from customers where id = 9002')).rowCount).toBe(1);
  });

  test('a damaged page of one table: that table alone is taken from the log, nothing is lost', async () => {
    const before = await content(server, 'customers');
    await damage('customers');
    await expect(content(server, 'customers')).rejects.toThrow(/invalid page/);
    const orders = await content(server, 'orders');
    await untilFlushed(server);
    await done('extract', '--table', 'public.customers', '--side-schema', 'whole');
    await server.query('drop table customers; alter table whole.customers set schema public');
    expect(await content(server, 'customers')).toBe(before);
    expect(await content(server, 'orders')).toBe(orders);
  });

  test('a damaged database: restored beside with all of the log, nothing is lost', async () => {
    const tables = ['customers', 'orders'];
    const before = await Promise.all(tables.map((table) => content(server, table)));
    await damage('customers');
    await damage('orders');
    await expect(content(server, 'orders')).rejects.toThrow(/invalid page/);
    // What can still be written is.
    await server.query('create table since as select 1 as id');
    await untilFlushed(server);
    const folder = join(own.folder, 'whole');
    await done('restore', '--to', folder);
    await using restored = await startStock(bin as string, folder);
    const after = await Promise.all(tables.map((table) => content(restored, table)));
    expect(after).toEqual(before);
    expect(await content(restored, 'since')).toMatch(/^1 /);
  });

  test('the whole host gone: restored to the last commit that had left it', async () => {
    const ledger = await Ledger.open(server.url());
    ledger.start();
    await ledger.flushesMore();
    await ledger.flushesMore();
    const { written, committed } = await ledger.stop().then(() => ledger.promised());
    await server.kill();
    rmSync(server.dataFolder, { recursive: true, force: true });
    await ended(serving, 'SIGKILL');

    const folder = join(own.folder, 'latest');
    await done('restore', '--to', folder);
    await using restored = await startStock(bin as string, folder);
    const { rows } = await restored.query('select id from journal order by id');
    const ids = rows.map(({ id }) => Number(id));
    // No hole, everything that was written, and at most what was committed within the last moments is lost.
    expect(ids).toEqual(Array.from(ids, (_, at) => at + 1));
    expect(ids.length).toBeGreaterThanOrEqual(written);
    expect(ids.length).toBeLessThanOrEqual(committed);
    expect(written).toBeGreaterThan(0);
    expect(await content(restored, 'since')).toMatch(/^1 /);
  });

  /** Flips bits of a row on the disk, behind the server's back. */
  async function damage(table: string): Promise<void> {
    await server.query('checkpoint');
    const { rows } = await server.query(`select pg_relation_filepath('${table}') as path,
      (select (ctid::text::point)[0]::int from ${table} order by id limit 1) as block`);
    await server.stop();
    const { path, block } = rows[0] as { path: string; block: number };
    const file = openSync(join(server.dataFolder, path), 'r+');
    const at = block * 8192 + 8000;
    const bytes = Buffer.alloc(64);
    readSync(file, bytes, 0, bytes.length, at);
    const flipped = bytes.map((byte) => byte ^ 0xff);
    writeSync(file, flipped, 0, flipped.length, at);
    closeSync(file);
    await server.start();
  }
});
