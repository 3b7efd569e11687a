// Goal: rows that went from a live server without a trace in its log are told as such: neither a deletion nor a bad page explains them.
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DamageReport } from '../../src/recovery/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const pageBytes = 8192;
const [{ bin, major } = { bin: undefined, major: 15 }] = serversUnderTest(15);
let server: TestServer;
let own: Installation;

beforeAll(async () => {
  if (!bin) return;
  server = await startPostgres({ bin, major, settings: { autovacuum: 'off' } });
  await server.query('create database shop');
  await server.query('create table orders as select generate_series(1, 3000) as id', 'shop');
  await server.query('create table prices as select generate_series(1, 500) as id', 'shop');
  own = await installation({ connection: server.url('shop'), programs: bin });
});

afterAll(async () => {
  await own?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

it('rows that a lost write took along are missed, of one table and no other', async (context) => {
  need(context, bin, 'no PostgreSQL 15');
  const first = own.spawn('serve');
  await untilRecord(first, ({ type }) => type === 'backup');
  await untilFlushed(server);
  await ended(first, 'SIGTERM');

  // A page that never came to the disk: it is read as empty, and no checksum is wrong.
  const { rows } = await server.query("select pg_relation_filepath('orders') as file", 'shop');
  await server.stop();
  const file = openSync(join(server.dataFolder, rows[0].file), 'r+');
  writeSync(file, Buffer.alloc(pageBytes), 0, pageBytes, 2 * pageBytes);
  closeSync(file);
  await server.start();
  const left = await server.query('select count(*)::int as rows from orders', 'shop');
  expect(left.rows[0].rows).toBeLessThan(3000);

  // The server may note who is running between the two: then the log is behind, and nothing is told for sure.
  let seen = await assessed();
  for (let left = 3; left > 0 && unexplainedOf(seen.report).length === 0; left -= 1) {
    seen = await assessed();
  }
  const { report, exitCode, stdout } = seen;
  expect(unexplainedOf(report), stdout).toMatchObject([
    { object: 'shop.public.orders', severity: 'critical' },
  ]);
  expect(exitCode).toBe(3);
  const [source] = report.sources;
  const tables =
    source && 'tables' in source && source.tables?.looked && source.tables.found.tables;
  expect(tables).toContainEqual(
    expect.objectContaining({
      table: 'orders',
      expectedRows: 3000,
      isUnexplained: true,
      now: expect.objectContaining({ rows: left.rows[0].rows, rowsExact: true }),
    }),
  );
});

/** With all of the log in the repository. */
async function assessed() {
  const service = own.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'catalog');
  await untilFlushed(server);
  await ended(service, 'SIGTERM');
  const { records, exitCode, stdout } = await own.run('assess', '--quick');
  const report = records.find(({ type }) => type === 'damage-report') as unknown as DamageReport;
  return { report, exitCode, stdout };
}

const unexplainedOf = ({ findings }: DamageReport) =>
  findings.filter(({ kind }) => kind === 'rows-unexplained');
