import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredIntegrityReport, StoredProof } from '../../src/recovery/index.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { connectSql } from '../../src/sources/postgres/sql-connection.ts';
import { lookAtSlot } from '../../src/sources/postgres/stream/slot-look.ts';
import { installation } from '../support/installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

/**
 * What any user may do who owns a table and may create in `public`: functions and an operator that fit a call better than the server's
 * own, and casts of types of their own. Each leaves a file when a superuser runs it.
 */
async function plant(server: TestServer, traces: string): Promise<void> {
  const sql = `
    create role mallory login;
    grant create on schema public to mallory;
    set role mallory;
    create function planted(what text) returns void language plpgsql as $$
      begin
        execute format('copy (select 1) to %L', '${traces}/' || what);
      exception when insufficient_privilege then null;
      end $$;
    create function to_jsonb(s pg_catalog.pg_replication_slots) returns jsonb language plpgsql as $$
      begin perform public.planted('to_jsonb'); return '{}'; end $$;
    create function unnest(list text[]) returns setof text language plpgsql as $$
      begin perform public.planted('unnest'); return query select pg_catalog.unnest(list); end $$;
    create function unlike(a name, b name) returns boolean language plpgsql as $$
      begin perform public.planted('operator'); return true; end $$;
    create operator public.!~ (leftarg = name, rightarg = name, function = public.unlike);`;
  const own = `
    create table notes (id int, note text);
    insert into notes select n, repeat('x', 5000) from generate_series(1, 20) n;
    create function as_text(r notes) returns text language plpgsql as $$
      begin perform public.planted('cast-of-table'); return ''; end $$;
    create cast (notes as text) with function as_text(notes);
    create type tone as enum ('low', 'high');
    create function as_number(value tone) returns int language plpgsql as $$
      begin perform public.planted('cast-of-key'); return 1; end $$;
    create cast (tone as int) with function as_number(tone) as implicit;
    create type mood as enum ('good');
    create table numbers (id int primary key, mood mood unique);
    create table pieces (number tone references numbers, mood mood references numbers (mood));
    insert into numbers values (1, 'good');
    insert into pieces values ('low', 'good');
    create function verify_heapam(relation regclass, check_toast boolean,
        out blkno bigint, out offnum int, out attnum int, out msg text) returns setof record language plpgsql as $$
      begin perform public.planted('amcheck'); return; end $$;
    reset role;
    create extension amcheck`;
  await server.query(sql);
  await server.query('create database shop');
  await server.query(sql.replace('create role mallory login;', '') + own, 'shop');
  // What a copy takes out of its catalog is looked for among such settings.
  await server.query('alter role mallory set enable_seqscan = on');
  // As from an older version, upgraded: others can make the function that it lacks. 13 has none.
  await server.query(
    `create extension amcheck;
     do $$ begin
       alter extension amcheck drop function verify_heapam(regclass, boolean, boolean, text, bigint, bigint);
     exception when undefined_function then null;
     end $$`,
  );
  // DROP DATABASE was interrupted.
  await server.query('create database half');
  await server.query("update pg_database set datconnlimit = -2 where datname = 'half'");
  // They do run for whoever is not on guard.
  await server.query("select nspname !~ 'x' from pg_namespace; select as_number('low')", 'shop');
  expect(readdirSync(traces).sort()).toEqual(['cast-of-key', 'operator']);
  for (const name of readdirSync(traces)) rmSync(join(traces, name));
}

describe.each(serversUnderTest(15))(
  'code that users planted, on $name',
  ({ bin, major, hasTools }) => {
    it('is run neither on the live server nor on a copy, and hides nothing', async (context) => {
      const programs = need(context, hasTools && bin, `no PostgreSQL ${major} with its tools`);
      const traces = temporaryFolder('traces');
      chmodSync(traces, 0o777);
      using _ = { [Symbol.dispose]: () => rmSync(traces, { recursive: true, force: true }) };
      await using server = await startPostgres({ bin: programs, major });
      await plant(server, traces);
      const connection = server.url('shop');
      await using place = await installation({ connection, programs });

      await using sql = await connectSql(parseConnectionUrl(connection));
      await lookAtSlot(sql, 'none');
      await place.run('doctor');
      expect(readdirSync(traces)).toEqual([]);

      const live = await place.run('integrity', '--rate', '1 GiB');
      const report = live.records.find(({ type }) => type === 'integrity');
      const { checks } = report as unknown as StoredIntegrityReport;
      expect(readdirSync(traces)).toEqual([]);
      expect(checks.find(({ check }) => check === 'foreign-keys')).toMatchObject({
        objects: 1,
        notChecked: [
          { what: 'pieces_number_fkey of shop.public.pieces', why: expect.stringMatching(/cast/) },
        ],
      });

      expect((await place.run('backup')).exitCode).toBe(0);
      const result = await place.run('prove');
      const proof = result.records.find(({ type }) => type === 'proof') as unknown as StoredProof;
      expect(proof, result.stderr).toBeDefined();
      expect(readdirSync(traces)).toEqual([]);
      expect(proof.checks.flatMap(({ problems }) => problems)).toEqual([]);
      expect(proof.verdict).toBe('passed');
      const find = (name: string) => proof.checks.find(({ check }) => check === name);
      expect(find('foreign-keys')).toMatchObject({ objects: 2 });
      const tables = find('heap-structure');
      if (major >= 14) expect(tables?.objects).toBeGreaterThan(100);
      const why = major >= 14 ? /ALTER EXTENSION amcheck UPDATE/ : /from PostgreSQL 14 on/;
      expect(tables?.notChecked).toEqual([
        { what: expect.any(String), why: expect.stringMatching(why) },
      ]);
      expect(find('tables-read')?.notChecked).toContainEqual({
        what: 'database half',
        why: expect.any(String),
      });
    });
  },
);
