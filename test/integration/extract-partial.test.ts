import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/core/index.ts';
import { extractParts, type TableName, type WantedParts } from '../../src/recovery/index.ts';
import { createSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { protectServer, source as sourceName } from './protected-server.ts';

const before = `
  create schema shop; create schema other;
  create table shop.orders (id serial primary key, note text, document text);
  create index on shop.orders (note);
  create table shop.moved (id int primary key, note text);
  create table shop.emptied (id int);
  create table shop.events (at date not null, id int) partition by range (at);
  create table other.events_1 partition of shop.events for values from ('2025-01-01') to ('2026-01-01');
  create table other.heap (id int primary key, filler text);
  create table other.grows (id int, filler text); create index on other.grows using gin (to_tsvector('simple', filler));
  create table other.becomes (id int, note text); create materialized view other.view as select 1;
  insert into shop.orders (note, document) select 'order ' || i, repeat(md5(i::text), 300) from generate_series(1, 800) i;
  insert into shop.moved select i, 'moved ' || i from generate_series(1, 2000) i;
  insert into shop.emptied select generate_series(1, 2000);
  insert into shop.events select '2025-01-01'::date + i % 300, i from generate_series(1, 2000) i;
  insert into other.heap select i, repeat('x', 500) from generate_series(1, 30000) i;
  insert into other.grows select i, md5(i::text) from generate_series(1, 3000) i;
  insert into other.becomes select i, 'was other' from generate_series(1, 500) i`;

/** Everything a server does to files while nobody looks. */
const after = [
  `update shop.orders set note = note || '!' where id % 3 = 0; delete from shop.orders where id % 7 = 0;
   insert into shop.orders (note, document) select 'late ' || i, repeat(md5((-i)::text), 300) from generate_series(1, 100) i`,
  'update other.heap set filler = upper(filler) where id % 5 = 0; delete from other.heap where id % 2 = 0',
  `insert into other.grows select i, md5(i::text) from generate_series(1, 3000) i`,
  'vacuum full shop.moved',
  'vacuum other.heap',
  'vacuum full other.grows',
  'vacuum (full) pg_class',
  `truncate shop.emptied; insert into shop.emptied values (1), (2); create index on other.heap (filler);
   alter table other.becomes set schema shop; create table shop.newborn as select * from shop.orders;
   insert into shop.events select '2025-06-01'::date, i from generate_series(1, 500) i;
   drop materialized view other.view; alter table shop.orders add column mood int default 7`,
  'checkpoint',
  'create database late template shop',
];

describe.each(serversUnderTest(13))('only what is needed, $name', (tested) => {
  const { bin, major, hasTools } = tested;

  it('gives the same as a whole copy, with less', async (context) => {
    need(context, bin, `PostgreSQL ${major} is not installed`);
    need(context, hasTools ? true : undefined, 'its packages have no pg_dump');
    const folder = temporaryFolder('partial');
    await using place = await protectServer({ bin: bin as string, major });
    const { server, repository } = place;
    await server.query('create database shop');
    await server.query(before, 'shop');
    const finish = await place.stream();
    await place.backup();
    for (const sql of after) await server.query(sql, 'shop');
    await finish();
    const source = await createSource({
      kind: 'postgres',
      name: sourceName,
      connection: parseConnectionUrl(server.url('shop')),
      stateFolder: folder,
      programsFolder: bin as string,
    });
    let nth = 0;
    const extract = async (parts: Partial<WantedParts>, wholeCopy: boolean) => {
      const path = join(folder, `${nth++}.sql`);
      const events: ProgressEvent[] = [];
      const extracted = await extractParts({
        source,
        repository,
        target: { kind: 'latest' },
        wanted: { database: 'shop', schemas: [], tables: [], ...parts },
        destination: { kind: 'file', path, format: 'plain' },
        wholeCopy,
        progress: (event) => void events.push(event),
      });
      // Newer minor releases write a random word at the begin and at the end.
      const sql = readFileSync(path, 'utf8').replace(/^\\(un)?restrict .*$/gm, '');
      const warnings = events.filter(({ type }) => type === 'warning');
      return { sql, warnings, share: extracted.restoredBytes / extracted.snapshotBytes };
    };
    const shop = (name: string): TableName => ({ schema: 'shop', name });
    const tables = ['orders', 'moved', 'emptied', 'events', 'newborn'].map(shop);

    const less = await extract({ tables }, false);
    expect(less.warnings).toEqual([]);
    expect(less.sql).toContain('late 100');
    const whole = await extract({ tables }, true);
    expect(less.sql).toBe(whole.sql);
    expect(less.share).toBeLessThan(whole.share * 0.8);

    // A table that was somewhere else when the snapshot was taken.
    const doubtful = await extract({ schemas: ['shop'] }, false);
    expect(doubtful.warnings).toMatchObject([{ message: expect.stringContaining('shop.becomes') }]);
    expect(doubtful.sql.match(/was other/g)).toHaveLength(500);

    const database = await extract({}, false);
    expect(database.warnings).toEqual([]);
    expect(database.sql).toBe((await extract({}, true)).sql);
    rmSync(folder, { recursive: true, force: true });
  }, 240_000);
});
