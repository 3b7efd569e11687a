// Rows that were put back are no damage any more: not to `assess`, and not to a recovery of something else. A fall that stands stays one,
// and so does the next one. All by the real command line.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DamageReport } from '../../src/recovery/index.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const missing = 'no server programs of this version';

describe.each(serversUnderTest(18))('a table whose rows are back, $name', ({ bin, major }) => {
  let server: TestServer;
  let own: Installation;

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major });
    await server.query('create table orders as select generate_series(1, 5000) as id');
    await server.query('create table audit as select generate_series(1, 5000) as id');
    own = await installation({ connection: server.url(), programs: bin });
    await run('backup');
  });

  afterAll(async () => {
    await own?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const run = (...args: string[]) =>
    lifeboatInProcess(
      [...args, '--config', join(own.folder, 'lifeboat.yaml'), '--json'],
      { PATH: process.env.PATH ?? '', HOME: own.folder },
      own.folder,
    );

  /** The tables that are called damaged. */
  async function fallen() {
    const { records } = await run('assess', '--quick');
    const report = records.find(({ type }) => type === 'damage-report') as unknown as DamageReport;
    const falls = report.findings.filter(({ kind }) => kind === 'drift' || kind === 'rows-fewer');
    return falls.map(({ object }) => object).toSorted();
  }

  const lose = (table: string) => server.query(`delete from ${table} where id > 100`);

  test('is not damaged, while another that fell is', async (context) => {
    need(context, bin, missing);
    await lose('orders');
    await lose('audit');
    await run('backup');
    expect(await fallen()).toEqual(['postgres.public.audit', 'postgres.public.orders']);
    await server.query('insert into orders select generate_series(101, 4600)');
    expect(await fallen()).toEqual(['postgres.public.audit']);
    await run('backup');
    expect(await fallen()).toEqual(['postgres.public.audit']);
  });

  test('is damaged when they are lost again, and is told again', async (context) => {
    need(context, bin, missing);
    await lose('orders');
    const { records } = await run('backup');
    expect(records.find(({ type }) => type === 'backup')).toMatchObject({
      drift: [{ kind: 'rows', table: 'orders', from: 5000, to: 100 }],
    });
    expect(await fallen()).toEqual(['postgres.public.audit', 'postgres.public.orders']);
  });
});
