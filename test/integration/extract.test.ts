import { execFile } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Destination, extractParts, type WantedParts } from '../../src/recovery/index.ts';
import { parseConnectionUrl } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { ask, type ExtractScene, extractScene } from './extract-scene.ts';

const run = promisify(execFile);
const events = { schema: 'shop', name: 'events' };
const orders = { schema: 'shop', name: 'orders' };

describe.each(serversUnderTest(18))('parts of a moment, $name', (tested) => {
  const { bin, major, hasTools } = tested;
  let scene: ExtractScene;
  let folder: string;

  const extract = (wanted: Partial<WantedParts>, destination: Destination) =>
    extractParts({
      source: scene.source,
      repository: scene.protectedServer.repository,
      target: scene.target,
      wanted: { database: 'shop', schemas: [], tables: [], ...wanted },
      destination,
    });
  const live = (sql: string) => ask(scene.server.url('shop'), sql);
  const side = (schema: string): Destination => {
    return { kind: 'side', schema, connection: scene.source.rescueConnection };
  };
  const newDatabase = async (name: string) => {
    await scene.server.query(`create database ${name}`);
    return scene.server.url(name);
  };

  beforeEach((context) => {
    need(context, bin, `PostgreSQL ${major} is not installed`);
    need(context, hasTools ? true : undefined, 'its packages have no pg_dump');
  });
  beforeAll(async () => {
    if (!bin || !hasTools) return;
    folder = temporaryFolder('extract');
    scene = await extractScene(bin, major);
  }, 120_000);
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('puts tables into a side schema, whole, and leaves the live ones alone', async () => {
    const untouched = `select string_agg(relname || relfilenode || coalesce(relacl::text, ''), ',' order by oid)
      || (select count(*) from shop.orders) || (select count(*) from pg_trigger t
        join pg_class c on c.oid = t.tgrelid and c.relnamespace in ('shop'::regnamespace, 'public'::regnamespace))
      || (select count(*) from public.journal) from pg_class where relnamespace = 'shop'::regnamespace`;
    const before = await live(untouched);
    const wanted = { tables: [orders, { name: 'customers' }, events] };
    const { tables, leftOut } = await extract(wanted, side('rescued "then"'));
    const s = '"rescued ""then"""';
    expect(await live(untouched)).toBe(before);

    const names = ['customers', 'events', 'events_2025', 'events_2026', 'orders'];
    expect(tables.map(({ name }) => name)).toEqual(names);
    expect(await live(`select count(*)::int from ${s}.orders`)).toBe(3050);
    expect(await live(`select count(*)::int from ${s}.events`)).toBe(601);
    const sad = `select count(*)::int from ${s}.customers where mood = 'sad' and doubled = 2 * amount`;
    expect(await live(sad)).toBe(10);
    const comment = `select obj_description('${s}.customers'::regclass)`;
    expect(await live(comment)).toBe('who buys; it\'s "quoted"');

    // Indexes and constraints, but not the key that leads out.
    const count = async (catalog: string, of: string, schema: string) =>
      Number(
        await live(`select count(*) from ${catalog} x join pg_class c on c.oid = x.${of}
          where c.relnamespace = '${schema}'::regnamespace and c.relname in ('orders', 'customers')`),
      );
    const indexes = ['pg_index', 'indrelid'] as const;
    expect(await count(...indexes, s)).toBe(await count(...indexes, 'shop'));
    const constraints = ['pg_constraint', 'conrelid'] as const;
    expect(await count(...constraints, s)).toBe((await count(...constraints, 'shop')) - 1);
    const inner = `select confrelid = '${s}.customers'::regclass from pg_constraint
      where conrelid = '${s}.orders'::regclass and contype = 'f'`;
    expect(await live(inner)).toBe(true);

    // Sequences (recovery may skip up to 32 values), defaults, statistics, policies, rights.
    expect(await live(`select last_value::int from ${s}.orders_id_seq`)).toBeGreaterThanOrEqual(
      3050,
    );
    expect(await live(`select last_value::int from ${s}.ticket`)).toBeGreaterThanOrEqual(4049);
    const draws = `select pg_get_expr(adbin, adrelid) like '%rescued%ticket%' from pg_attrdef
      where adrelid = '${s}.orders'::regclass and adnum = 4`;
    expect(await live(draws)).toBe(true);
    const statistics = `select count(*)::int from pg_statistic_ext where stxnamespace = '${s}'::regnamespace`;
    expect(await live(statistics)).toBe(1);
    const policies = `select count(*)::int from pg_policy where polrelid = '${s}.orders'::regclass`;
    expect(await live(policies)).toBe(1);
    const rights = (schema: string) =>
      live(`select relacl::text || (select attacl::text from pg_attribute where attrelid = c.oid and attname = 'note')
        || pg_get_userbyid(relowner) from pg_class c where oid = '${schema}.orders'::regclass`);
    expect(await rights(s)).toBe(await rights('shop'));
    expect(await live(`select has_schema_privilege('auditor', 'rescued "then"', 'USAGE')`)).toBe(
      false,
    );
    const triggers = `select count(*)::int from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where not tgisinternal and c.relnamespace = '${s}'::regnamespace`;
    expect(await live(triggers)).toBe(0);

    // What did not come along is named, and the SQL for it works.
    const left = leftOut.map(({ what }) => what).join('\n');
    expect(left).toMatch(/foreign key orders_country_fkey.* to public.countries/);
    expect(left).toMatch(/trigger logged/);
    expect(left).toMatch(/rights of gone/);
    await live('create role gone');
    for (const { sql } of leftOut) await live(sql);
    expect(await live(triggers)).toBe(1);
    await live(`drop schema ${s} cascade; drop role gone`);
  }, 120_000);

  it('puts a whole schema beside the live one, with its own types and functions', async () => {
    await extract({ schemas: ['shop'] }, side('then'));
    const belongs = `select string_agg(distinct n.nspname, ',') from pg_attribute a join pg_type t on t.oid = a.atttypid
      join pg_namespace n on n.oid = t.typnamespace
      where a.attrelid = 'then.customers'::regclass and a.attnum > 0 and n.nspname <> 'pg_catalog'`;
    expect(await live(belongs)).toBe('then');
    expect(await live('select count(*)::int from "then".totals')).toBe(500);
    expect(await live('select "then".twice(4)')).toBe(8);
    expect(await live('select count(*)::int from "then".animals')).toBe(2);
    expect(
      await live('select pg_get_viewdef($$"then".happy$$::regclass) not like $$%shop.%$$'),
    ).toBe(true);
    await expect(extract({ schemas: ['shop'] }, side('then'))).rejects.toMatchObject({
      code: 'extract.exists',
    });
    await live('drop schema "then" cascade');

    // What an extension owns in the schema stays where the live one has it.
    await extract({ schemas: ['mixed'] }, side('aside'));
    const email = `select format_type(atttypid, -1) from pg_attribute
      where attrelid = 'aside.people'::regclass and attname = 'email'`;
    expect(await live(email)).toBe('mixed.citext');
    expect(
      await live(`set search_path = mixed; select id from aside.people where email = 'a@B.C'`),
    ).toBe(1);
    await live('drop schema aside cascade');
  }, 120_000);

  it('writes files that pg_restore and psql of that version load', async () => {
    const dump = join(folder, 'shop.dump');
    const file = (path: string, format: 'custom' | 'plain' | 'directory'): Destination => {
      return { kind: 'file', path, format };
    };
    await extract({}, file(dump, 'custom'));
    const url = await newDatabase('from_file');
    await scene.server.query('create role gone');
    await run(join(bin as string, 'pg_restore'), ['-1', '-e', '-d', url, dump]);
    await scene.server.query('drop owned by gone; drop role gone', 'from_file');
    expect(await ask(url, 'select count(*)::int from shop.orders')).toBe(3050);
    const hostile = 'select sum(length(big))::int from "My ""Shop"".x"."Or\'d;ers --"';
    expect(await ask(url, hostile)).toBe(200 * 32 * 400);

    await expect(extract({}, file(dump, 'directory'))).rejects.toMatchObject({
      code: 'extract.exists',
    });
    const plain = join(folder, 'one.sql');
    writeFileSync(join(folder, '.one.sql.lifeboat-99999999'), 'left by a kill');
    const wanted = { tables: [{ schema: 'My "Shop".x', name: "Or'd;ers --" }] };
    await extract(wanted, file(plain, 'plain'));
    const other = await newDatabase('from_plain');
    await ask(other, 'create schema "My ""Shop"".x"');
    await run(join(bin as string, 'psql'), [
      '-X',
      '-1',
      '-v',
      'ON_ERROR_STOP=1',
      '-f',
      plain,
      other,
    ]);
    expect(await ask(other, hostile)).toBe(200 * 32 * 400);
    const parallel = join(folder, 'shop');
    await extract({ schemas: ['shop'] }, file(parallel, 'directory'));
    const third = await newDatabase('from_directory');
    await scene.server.query('create role gone');
    await ask(third, 'create table public.countries (code char(2) primary key)');
    await ask(third, `insert into public.countries values ('CH'), ('DE')`);
    await run(join(bin as string, 'pg_restore'), ['-j', '2', '-e', '-d', third, parallel]);
    await scene.server.query('drop owned by gone; drop role gone', 'from_directory');
    expect(await ask(third, 'select count(*)::int from shop.orders')).toBe(3050);
    expect(readdirSync(folder).sort()).toEqual(['one.sql', 'shop', 'shop.dump']);
  }, 120_000);

  it('carries a database, and tables, into another one; what it cannot take is told', async () => {
    const whole = await newDatabase('copied');
    const intoServer = (url: string): Destination => {
      return { kind: 'server', connection: parseConnectionUrl(url) };
    };
    await extract({}, intoServer(whole));
    expect(await ask(whole, 'select count(*)::int from shop.orders')).toBe(3050);
    const enabled = 'select count(*)::int from pg_trigger where not tgisinternal';
    expect(await ask(whole, enabled)).toBe(1);
    // A second time nothing fits, and nothing changes.
    await expect(extract({}, intoServer(whole))).rejects.toMatchObject({ code: 'extract.failed' });
    expect(await ask(whole, 'select count(*)::int from shop.orders')).toBe(3050);

    const single = await newDatabase('single');
    const { leftOut } = await extract({ tables: [{ name: 'events_2026' }] }, intoServer(single));
    expect(await ask(single, 'select count(*)::int from shop.events_2026')).toBe(236);
    expect(leftOut.map(({ sql }) => sql).join()).toMatch(
      /ATTACH PARTITION .*2026.*FOR VALUES FROM/,
    );
    // A type that is not there: rolled back, and said so.
    await expect(
      extract({ tables: [{ name: 'customers' }] }, intoServer(single)),
    ).rejects.toMatchObject({ code: 'extract.failed', message: expect.stringContaining('mood') });
    expect(await ask(single, "select to_regclass('shop.customers')")).toBe(null);
  }, 120_000);
});
