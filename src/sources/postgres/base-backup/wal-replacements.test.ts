import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestServer } from '../../../../test/support/postgres.ts';
import { embeddedPostgresBin } from '../../../../test/support/programs.ts';
import { type Lsn, lsn, parseLsn } from '../../../wal/index.ts';
import { DamagedPages } from './damaged-pages.ts';
import { parseRelationFile, type RelationFile } from './relation-file.ts';
import { WalReplacements } from './wal-replacements.ts';

const mib16 = 16 * 1024 * 1024;
let server: TestServer;

beforeAll(async () => {
  const settings = { full_page_writes: 'off', wal_log_hints: 'off' };
  const initdb = ['--no-data-checksums'];
  server = await startPostgres({ bin: embeddedPostgresBin(), major: 18, settings, initdb });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function position(): Promise<Lsn> {
  return parseLsn((await server.query('select pg_current_wal_insert_lsn()::text as l')).rows[0].l);
}

async function table(name: string): Promise<{ path: string; relation: RelationFile }> {
  await server.query(`create table ${name} (id int, v text)`);
  await server.query(
    `insert into ${name} select n, repeat('x', 100) from generate_series(1, 200) n`,
  );
  const { rows } = await server.query(`select pg_relation_filepath('${name}') as path`);
  return { path: rows[0].path, relation: parseRelationFile(rows[0].path) as RelationFile };
}

/** Reads all WAL there is, counting from `startLsn`. */
function readAll(damaged: DamagedPages, startLsn: Lsn): number[] {
  const replacements = new WalReplacements(damaged, startLsn, mib16);
  const folder = join(server.dataFolder, 'pg_wal');
  for (const name of readdirSync(folder).sort()) {
    if (!/^[0-9A-F]{24}$/.test(name)) continue;
    replacements.beginFile(name);
    const bytes = readFileSync(join(folder, name));
    for (let at = 0; at < bytes.length; at += 2 ** 20)
      replacements.push(bytes.subarray(at, at + 2 ** 20));
  }
  return damaged.remaining().map((page) => page.block);
}

function suspects(of: { path: string; relation: RelationFile }, ...blocks: number[]): DamagedPages {
  const damaged = new DamagedPages();
  for (const block of blocks) damaged.suspect(of.path, of.relation, block);
  return damaged;
}

describe('WAL replacements', () => {
  it('are full-page images, not mere changes of a page', async () => {
    const orders = await table('orders');
    await server.query('checkpoint');
    const start = await position();
    await server.query("update orders set v = 'changed' where ctid = '(1,1)'");
    expect(readAll(suspects(orders, 0, 1), start)).toEqual([0, 1]);
    await server.query('alter system set full_page_writes = on');
    await server.query('select pg_reload_conf()');
    await server.query('checkpoint');
    await server.query("update orders set v = 'again' where ctid = '(1,2)'");
    expect(readAll(suspects(orders, 0, 1), start)).toEqual([0]);
    // Replay begins at the start of the backup: what was logged before does not count.
    expect(readAll(suspects(orders, 0, 1), await position())).toEqual([0, 1]);
  });

  it('are pages that WAL makes from nothing', async () => {
    const start = await position();
    const fresh = await table('fresh');
    expect(readAll(suspects(fresh, 0, 1, 99), start)).toEqual([99]);
  });

  it('are whole databases that WAL copies', async () => {
    const start = await position();
    await server.query('create database copied strategy file_copy');
    const { rows } = await server.query("select oid from pg_database where datname = 'copied'");
    const of = (database: number) => ({
      path: `base/${database}/1259`,
      relation: parseRelationFile(`base/${database}/1259`) as RelationFile,
    });
    expect(readAll(suspects(of(rows[0].oid), 0, 5), start)).toEqual([]);
    expect(readAll(suspects(of(1), 0, 5), start)).toEqual([0, 5]);
    expect(readAll(suspects(of(rows[0].oid), 0), lsn(start + (1n << 40n)))).toEqual([0]);
  });
});
