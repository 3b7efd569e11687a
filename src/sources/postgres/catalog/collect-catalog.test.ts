import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type TestServer } from '../../../../test/support/postgres.ts';
import { serversUnderTest } from '../../../../test/support/servers.ts';
import { need } from '../../../../test/support/skip.ts';
import { parseLsn } from '../../../wal/index.ts';
import type { CatalogRecord } from '../backup-info.ts';
import { parseConnectionUrl } from '../connection-url.ts';
import { connectSql } from '../sql-connection.ts';
import { collectCatalog } from './collect-catalog.ts';
import { readCountedMoment } from './counted-moment.ts';
import { freshColumns } from './fresh-columns.ts';
import { measureTables } from './measure-tables.ts';
import { readRelations } from './read-relations.ts';
import { resolveRelation } from './resolve-relation.ts';

describe.each(serversUnderTest('npm'))('$name', ({ major, bin }) => {
  let server: TestServer;

  beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));
  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major });
    await server.query('create role clerk login');
    await server.query('create database shop');
    await server.query('create database closed allow_connections false');
    await server.query(
      `create schema "odd ""schema""";
     create table "odd ""schema"""."Odd Table" as select generate_series(1, 7) as n;
     create table orders (id int primary key, note text) partition by range (id);
     create table orders_low partition of orders for values from (0) to (100);
     insert into orders select n, 'note' from generate_series(1, 50) n;
     create table own (id int); insert into own values (1), (2), (3);
     alter table own enable row level security; grant select on own to clerk;
     create table shut (id int); analyze shut;
     insert into shut select generate_series(1, 10); analyze shut;
     create materialized view mv as select * from orders;
     create temporary table passing (id int);
     create sequence numbers`,
      'shop',
    );
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  const settings = (user = 'postgres') =>
    parseConnectionUrl(server.url().replace('postgres@', `${user}@`));

  function find(catalog: CatalogRecord, name: string) {
    const database = catalog.databases.find((each) => each.name === 'shop');
    return database?.relations.find((relation) => relation.name === name);
  }

  describe('catalog', () => {
    it('holds every relation with exact counts', async () => {
      const before = (await server.query('select pg_current_wal_lsn()::text as lsn')).rows[0].lsn;
      const catalog = await collectCatalog(settings(), { countRows: true });
      expect(parseLsn(catalog.lsn)).toBeGreaterThanOrEqual(parseLsn(before));
      const control = await server.query(
        'select system_identifier::text as id from pg_control_system()',
      );
      expect(catalog).toMatchObject({ systemId: control.rows[0].id, timeline: 1 });
      // Being connected to a template would make CREATE DATABASE fail.
      expect(catalog.databases.map((database) => database.name).sort()).toEqual([
        'postgres',
        'shop',
      ]);
      expect(find(catalog, 'Odd Table')).toMatchObject({
        schema: 'odd "schema"',
        rows: 7,
        rowsExact: true,
      });
      expect(find(catalog, 'orders_low')).toMatchObject({ kind: 'r', rows: 50, rowsExact: true });
      const parent = find(catalog, 'orders');
      expect(parent).toMatchObject({ kind: 'p', filenode: 0 });
      expect(parent?.rows).toBeUndefined();
      expect(find(catalog, 'mv')).toMatchObject({ kind: 'm', rows: 50 });
      expect(find(catalog, 'numbers')).toMatchObject({ kind: 'S' });
      expect(find(catalog, 'passing')).toBeUndefined();
      expect(find(catalog, 'pg_class')).toMatchObject({ oid: 1259, tablespace: 1663 });
      expect(find(catalog, 'pg_class')?.filenode).toBeGreaterThan(0);
      expect(resolveRelation([catalog], 0, { filenode: 1262 })?.relation.name).toBe('pg_database');
    });

    it('follows filenodes through TRUNCATE', async () => {
      await server.query('create table moving (id int)', 'shop');
      const first = await collectCatalog(settings(), { countRows: false });
      await server.query('truncate moving', 'shop');
      const second = await collectCatalog(settings(), { countRows: false });
      const [old, fresh] = [find(first, 'moving'), find(second, 'moving')];
      expect(fresh?.oid).toBe(old?.oid);
      expect(fresh?.filenode).not.toBe(old?.filenode);
      const shop = second.databases.find((database) => database.name === 'shop');
      const resolved = resolveRelation([first, second], shop?.oid ?? 0, {
        filenode: old?.filenode ?? 0,
      });
      expect(resolved?.relation.name).toBe('moving');
    });

    it('counts no table that is another one by now than in the snapshot', async () => {
      const names = ['emptied', 'gone', 'renamed', 'remade', 'rewritten', 'still'];
      const make = (name: string) =>
        `create table ${name} (id int, at timestamptz default '2026-01-01Z');
         insert into ${name} (id) select generate_series(1, 7); analyze ${name}; create index on ${name} (at);`;
      await server.query(names.map(make).join(''), 'shop');
      await using connection = await connectSql(settings(), { database: 'shop' });
      await connection.script('begin isolation level repeatable read');
      await readCountedMoment(connection, undefined);
      // Before the names are read, and after.
      await server.query('truncate emptied; truncate only orders_low', 'shop');
      const found = await readRelations(connection);
      await server.query(
        `begin; drop table gone; ${make('gone')} commit; truncate remade; insert into remade values (1, '2026-02-02Z');
         alter table rewritten alter id type bigint;
         alter table renamed rename to aside; create table renamed (id int, at timestamptz); insert into renamed values (1, now())`,
        'shop',
      );
      const tables = found.filter(({ relation }) =>
        [...names, 'orders_low'].includes(relation.name),
      );
      const fresh = await freshColumns(connection);
      for (const budgetMs of [60_000, 0]) {
        const deadline = performance.now() + budgetMs;
        const measures = await measureTables(connection, tables, fresh, deadline);
        const [measured, ...others] = tables.filter(({ relation }) => measures.has(relation.oid));
        expect([measured?.relation.name, others.map(({ relation }) => relation.name)]).toEqual([
          'still',
          [],
        ]);
        expect(measures.get(measured?.relation.oid ?? 0)).toMatchObject({
          ...(budgetMs > 0 ? { rows: 7 } : {}),
          freshest: { timeMs: Date.UTC(2026, 0, 1) },
        });
      }
      await server.query(
        `drop table ${['aside', ...names].join(', ')}; insert into orders select n, 'note' from generate_series(1, 50) n`,
        'shop',
      );
    });

    it('estimates what it may not read, and what row security hides', async () => {
      const catalog = await collectCatalog(settings('clerk'), { countRows: true });
      expect(find(catalog, 'shut')).toMatchObject({ rows: 10, rowsExact: false });
      expect(find(catalog, 'own')?.rowsExact).not.toBe(true);
      expect(find(catalog, 'own')?.rows).not.toBe(0);
    });

    it('estimates a table that is locked, and holds no lock on the others meanwhile', async () => {
      const locker = new pg.Client({ connectionString: server.url('shop') });
      await locker.connect();
      try {
        await locker.query('begin; lock table shut in access exclusive mode');
        const catalog = await collectCatalog(settings(), { countRows: true });
        expect(find(catalog, 'shut')).toMatchObject({ rows: 10, rowsExact: false });
        expect(find(catalog, 'orders_low')).toMatchObject({ rows: 50, rowsExact: true });
      } finally {
        await locker.end();
      }
    });

    it('counts nothing without a budget', async () => {
      const catalog = await collectCatalog(settings(), { countRows: true, countBudgetMs: 0 });
      expect(find(catalog, 'shut')).toMatchObject({ rows: 10, rowsExact: false });
      expect(
        catalog.databases.flatMap((each) => each.relations).filter((each) => each.rowsExact),
      ).toEqual([]);
    });

    it('goes on without a database that cannot be read, and stops when told to', async () => {
      await server.query('revoke connect on database shop from public');
      const unreadable: string[] = [];
      const catalog = await collectCatalog(settings('clerk'), {
        countRows: false,
        onUnreadable: (database, error) => void unreadable.push(`${database} ${error.code}`),
      });
      expect(unreadable).toEqual(['shop postgres.refused']);
      expect(catalog.databases.map((database) => database.name)).toEqual(['postgres']);
      await server.query('grant connect on database shop to public');
      const work = collectCatalog(settings(), { countRows: true, signal: AbortSignal.abort() });
      await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    });
  });
});
