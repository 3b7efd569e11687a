import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupPostgres, parseConnectionUrl } from '../../src/sources/index.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';
import { startPausingProxy } from '../support/pausing-proxy.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { embeddedPostgresBin, findProgram } from '../support/programs.ts';
import { resticRestore, startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const pageBytes = 8192;

async function fileOf(server: TestServer, table: string): Promise<string> {
  const { rows } = await server.query(`select pg_relation_filepath('${table}') as path`);
  return rows[0].path;
}

function flipByte(server: TestServer, file: string, page: number): void {
  const handle = openSync(join(server.dataFolder, file), 'r+');
  const byte = Buffer.alloc(1);
  const at = page * pageBytes + 5000;
  readSync(handle, byte, 0, 1, at);
  writeSync(handle, Buffer.of((byte[0] as number) ^ 0x40), 0, 1, at);
  closeSync(handle);
}

const rows = `create table orders as select n as id, md5(n::text) as v from generate_series(1, 20000) n;
  create table filler as select n, repeat(md5(n::text), 20) as v from generate_series(1, 130000) n; checkpoint`;

describe('damaged pages', () => {
  for (const { name, major, bin: programs } of serversUnderTest(15)) {
    it(`of ${name} are named, and the backup is stored all the same`, async (context) => {
      const bin = need(context, programs, `no PostgreSQL ${major}`);
      await using server = await startPostgres({ bin, major });
      await server.query(rows);
      const path = await fileOf(server, 'orders');
      await server.stop();
      flipByte(server, path, 7);
      flipByte(server, path, 9);
      await server.start();
      await using stored = await localRepository();
      const { repository } = stored;
      const settings = parseConnectionUrl(server.url());
      const summary = await backupPostgres({ settings, source: 'shop', repository });
      const relation = 'postgres.public.orders';
      expect(summary.info.damagedPages).toEqual([
        { path, block: 7, relation },
        { path, block: 9, relation },
      ]);
      // The row count meets the damaged page too, so there is no exact one.
      expect(summary.warnings).toHaveLength(1);
      expect(summary.warnings[0]).toMatch(
        /2 damaged pages in postgres\.public\.orders .*block 7, 9;/,
      );
      expect(await repository.snapshots()).toHaveLength(1);
    });
  }

  it('that WAL of the backup replaces are none', async (context) => {
    const restic = need(
      context,
      findProgram('restic-0.19') ?? findProgram('restic'),
      'no restic on PATH',
    );
    const bin = embeddedPostgresBin();
    // The background writer would mend the file before it is read.
    const settings = { bgwriter_lru_maxpages: '0', shared_buffers: '128MB' };
    await using server = await startPostgres({ bin, major: 18, settings });
    await server.query(rows);
    const path = await fileOf(server, 'orders');
    // The server holds the good pages in memory; what the backup reads are the bad ones of the disk, as if torn.
    await server.query('select count(*) from orders');
    // Reading sets hint bits; unless they are written now, the backup's own checkpoint would mend the file.
    await server.query('checkpoint');
    for (const page of [7, 9]) flipByte(server, path, page);
    await using stored = await localRepository();
    // The first change after the backup's checkpoint logs the whole page: 7 is replaced, 9 is not.
    const change = async () => {
      await server.query("update orders set v = 'changed' where ctid = '(7,3)'");
    };
    using proxy = await startPausingProxy(server.port, 'START WAL LOCATION', change);
    const summary = await backupPostgres({
      settings: parseConnectionUrl(server.url().replace(`:${server.port}/`, `:${proxy.port}/`)),
      source: 'shop',
      repository: stored.repository,
      countBudgetMs: 0,
    });
    expect(proxy.hasPaused()).toBe(true);
    expect(summary.info.damagedPages).toEqual([
      { path, block: 9, relation: 'postgres.public.orders' },
    ]);
    using restored = await resticRestore(restic, stored.folder, testPassword, summary.snapshot);
    await using copy = await startStock(bin, join(restored.folder, 'data'));
    const read = (page: number) =>
      copy.query(
        `select count(*)::int as n from orders where ctid >= '(${page},0)' and ctid < '(${page + 1},0)'`,
      );
    expect((await read(7)).rows[0].n).toBeGreaterThan(0);
    await expect(read(9)).rejects.toThrow(/invalid page in block 9/);
  });

  it('are not looked for without page checksums', async () => {
    const bin = embeddedPostgresBin();
    await using server = await startPostgres({ bin, major: 18, initdb: ['--no-data-checksums'] });
    await server.query(rows);
    flipByte(server, await fileOf(server, 'orders'), 7);
    await using stored = await localRepository();
    const settings = parseConnectionUrl(server.url());
    const summary = await backupPostgres({
      settings,
      source: 'shop',
      repository: stored.repository,
      countBudgetMs: 0,
    });
    expect(summary.info).toMatchObject({ dataChecksums: false, damagedPages: [] });
    expect(summary.warnings).toEqual([]);
  });
});
