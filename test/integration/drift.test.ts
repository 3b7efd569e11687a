// A fall of a table that nobody announced is told by `serve`, by `backup` and by `status`, until it is acknowledged; an announced
// one is not. All by the real command line.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const missing = 'no server programs of this version';

describe.each(serversUnderTest(18))('drift, $name', ({ bin, major }) => {
  let server: TestServer;
  let own: Installation;

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major });
    await server.query(`create table orders as select i as id, now() as placed_at from generate_series(1, 500) i;
      create table audit as select generate_series(1, 500) as id;
      create table "Odd table" as select generate_series(1, 500) as id`);
    own = await installation({ connection: server.url(), programs: bin });
  });

  afterAll(async () => {
    await own?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function drifted() {
    const { records } = await own.run('status');
    const seen = records.find(({ type }) => type === 'source-status');
    return (seen as { drift: { kind: string; table: string; from: number; to: number }[] }).drift;
  }

  test('is told by the timer of `serve`, with the span that find-loss needs', async (context) => {
    need(context, bin, missing);
    const first = own.spawn('serve');
    await untilRecord(first, ({ type }) => type === 'backup');
    await ended(first, 'SIGTERM');
    expect(await drifted()).toEqual([]);

    await server.query('delete from orders where id <= 400');
    const second = own.spawn('serve');
    const event = await untilRecord(second, ({ type }) => type === 'drift');
    expect(event).toMatchObject({
      source: 'database',
      drift: [
        {
          kind: 'rows',
          database: 'postgres',
          schema: 'public',
          table: 'orders',
          from: 500,
          to: 100,
        },
      ],
    });
    expect(await drifted()).toMatchObject([{ table: 'orders', from: 500, to: 100 }]);
    const status = await own.run('status');
    expect(status.exitCode).toBe(1);

    await untilFlushed(server);
    const [{ fromTime, toTime }] = event.drift as [{ fromTime: string; toTime: string }];
    const found = await own.run('find-loss', '--since', fromTime, '--until', toTime);
    expect(found.records).toContainEqual(
      expect.objectContaining({ type: 'suspect', kind: 'delete' }),
    );
    await ended(second, 'SIGTERM');
  });

  test('stays until it is acknowledged, and is not told twice', async (context) => {
    need(context, bin, missing);
    const again = await own.run('backup');
    expect(again.records.find(({ type }) => type === 'backup')).not.toHaveProperty('drift');
    expect(await drifted()).toHaveLength(1);
    const other = await own.run('announce', '--table', 'ord*s_', '--for', '1m');
    expect(other.exitCode).toBe(0);
    expect(other.records).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('ord*s_') }),
    );
    expect(await drifted()).toHaveLength(1);
    await own.run('announce', '--table', 'public.orders', '--for', '0', '--reason', 'meant');
    expect(await drifted()).toEqual([]);
    await own.run('backup');
    expect(await drifted()).toEqual([]);
  });

  test('of an announced table is not told; of another it is, by `backup` and `baseline`', async (context) => {
    need(context, bin, missing);
    await own.run('announce', '--table', 'audit', '--for', '1h');
    await server.query('truncate audit; drop table "Odd table"');
    const backup = await own.run('backup');
    expect(backup.records.find(({ type }) => type === 'backup')).toMatchObject({
      drift: [{ kind: 'gone', table: 'Odd table', from: 500, to: 0 }],
    });
    expect(await drifted()).toMatchObject([{ kind: 'gone', table: 'Odd table' }]);
    const shown = await own.run('baseline', 'database');
    expect(shown.records).toContainEqual(
      expect.objectContaining({ type: 'baseline-table', name: 'audit', rows: 0, change: -500 }),
    );
    expect(shown.records).toContainEqual(
      expect.objectContaining({ type: 'drift', kind: 'gone', table: 'Odd table' }),
    );
    const one = await own.run('baseline', '--table', 'orders');
    const tables = one.records.filter(({ type }) => type === 'baseline-table');
    expect(tables).toMatchObject([
      { name: 'orders', rows: 100, freshest: { column: 'placed_at' } },
    ]);
  });

  test('is watched as the configuration says', async (context) => {
    need(context, bin, missing);
    expect((await own.run('announce')).exitCode).toBe(2);
    expect((await own.run('announce', '--all', '--table', 'x')).exitCode).toBe(2);
    await own.run('announce', '--all', '--for', '0');
    expect(await drifted()).toEqual([]);
    own.configure({ drift: '{ dropAtMost: 50%, ignore: ["public.ord*"] }' });
    await server.query('create table ledger as select generate_series(1, 1000) as id');
    await own.run('backup');
    await server.query('delete from ledger where id <= 400; delete from orders');
    await own.run('backup');
    expect(await drifted()).toEqual([]);
    own.configure({});
    await own.run('backup');
    expect(await drifted()).toMatchObject([
      { table: 'orders', from: 100, to: 0 },
      { table: 'ledger', from: 1000, to: 600 },
    ]);
  });
});
