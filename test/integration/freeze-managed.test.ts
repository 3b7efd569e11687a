import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commandsOf, PersistentWriter, rightsOf } from '../support/freeze-scene.ts';
import { type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

interface Gap {
  readonly kind: string;
  readonly what: string;
  readonly sql?: readonly string[];
}

// Goal: the role that a managed server gives (no superuser, owner of its databases) freezes what it may, says the rest, and always comes back.

describe.each(serversUnderTest(15))(
  'a freeze by a role that is no superuser, on $name',
  ({ major, bin }) => {
    let server: TestServer;
    let place: Installation;
    let run: ReturnType<typeof commandsOf>;
    const url = (role: string, database = 'shop') =>
      `postgres://${role}@127.0.0.1:${server.port}/${database}?sslmode=disable`;
    const connects = async (role: string, database = 'shop') => {
      const client = new pg.Client({ connectionString: url(role, database) });
      client.on('error', () => {});
      return await client.connect().then(
        () => client.end().then(() => true),
        () => false,
      );
    };
    const freeze = async () => {
      const result = await run('freeze', '--yes', 'test');
      const record = result.records.find(({ type }) => type === 'freeze');
      return { ...result, gaps: (record?.gaps ?? []) as readonly Gap[] };
    };

    beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));

    beforeAll(async () => {
      if (!bin) return;
      server = await startPostgres({ bin, major });
      await server.query('create role master login createdb createrole; create role app login');
      await server.query('create database shop owner master');
      await server.query('create database other');
      await server.query(
        'create table orders (id serial); grant all on orders, orders_id_seq to public',
        'shop',
      );
      await server.query('grant connect on database shop to app');
      place = await installation({ connection: url('master'), programs: bin });
      run = commandsOf(place);
    });

    afterAll(async () => {
      await place?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    it('closes its own databases, leaves room for itself, and gives the SQL for the others', async () => {
      const before = await rightsOf(server);
      const frozen = await freeze();
      expect(frozen.exitCode, frozen.stdout).toBe(3);
      const names = frozen.gaps.map(({ what }) => what);
      expect(names).toEqual([
        'the role of Lifeboat may not close the database other: it belongs to postgres',
        'the role of Lifeboat may not close the database postgres: it belongs to postgres',
      ]);
      expect(frozen.gaps[0]?.sql).toEqual([
        'ALTER DATABASE "other" SET default_transaction_read_only = on;',
        'GRANT CONNECT ON DATABASE "other" TO "master";',
        'REVOKE CONNECT ON DATABASE "other" FROM PUBLIC;',
        'REVOKE CONNECT ON DATABASE "other" FROM "postgres";',
        'ALTER DATABASE "other" CONNECTION LIMIT 10;',
      ]);
      expect(await connects('app')).toBe(false);
      expect(await connects('master')).toBe(true);
      // What it says is what a superuser can run.
      for (const gap of frozen.gaps) {
        for (const sql of gap.sql ?? []) await server.query(sql, 'template1');
      }
      expect(await connects('app', 'other')).toBe(false);
      await server.query(
        `alter database other reset all; alter database other connection limit -1;
      alter database postgres reset all; alter database postgres connection limit -1;
      update pg_database set datacl = null where datname in ('other', 'postgres')`,
        'template1',
      );
      const thawed = await run('thaw', '--yes', 'test');
      expect(thawed.exitCode, thawed.stdout).toBe(0);
      expect(await rightsOf(server)).toEqual(before);
      expect(await connects('app')).toBe(true);
    });

    it('says whose sessions it could not end, and ends them where it may', async () => {
      await server.query('revoke pg_signal_backend, pg_read_all_stats from master');
      await using writer = new PersistentWriter(url('app'));
      await writer.until('written', 2);
      const frozen = await freeze();
      expect(frozen.exitCode, frozen.stdout).toBe(3);
      const hidden = frozen.gaps.find(({ kind }) => kind === 'session') as Gap;
      expect(hidden.what).toMatch(
        /^a session of app from somewhere \(pooler\) in shop could not be ended/,
      );
      expect(hidden.sql).toEqual([expect.stringMatching(/^SELECT pg_terminate_backend\(\d+\);$/)]);
      await server.query('grant pg_signal_backend, pg_read_all_stats to master');
      const again = await freeze();
      expect(again.gaps.filter(({ kind }) => kind === 'session')).toEqual([]);
      await writer.until('refused', 2);
      const thawed = await run('thaw', '--yes', 'test');
      expect(thawed.exitCode, thawed.stdout).toBe(0);
      await writer.until('written', 1);
    });

    it('names a pooler that uses its own role, and comes back all the same', async () => {
      await using writers = new AsyncDisposableStack();
      for (let each = 0; each < 12; each++) writers.use(new PersistentWriter(url('master')));
      const frozen = await freeze();
      expect(frozen.exitCode, frozen.stdout).toBe(3);
      expect(frozen.gaps.map(({ what }) => what)).toContain(
        'a session of master from 127.0.0.1 (pooler) in shop came back behind the freeze',
      );
      const thawed = await run('thaw', '--yes', 'test');
      expect(thawed.exitCode, thawed.stdout).toBe(0);
    });

    it('by a superuser leaves the role that backs up its way in, and puts back every byte', async () => {
      await server.query('create role lifeboat login replication');
      place.configure({
        connection: url('lifeboat'),
        sourceOptions: `, rescue: { connection: "${server.url('shop')}" }`,
      });
      const before = await rightsOf(server);
      const frozen = await freeze();
      expect(frozen.exitCode, frozen.stdout).toBe(0);
      expect(await connects('lifeboat')).toBe(true);
      expect([await connects('app'), await connects('master')]).toEqual([false, false]);
      const backup = await run('backup');
      expect(backup.exitCode, backup.stdout).toBe(0);
      const thawed = await run('thaw', '--yes', 'test');
      expect(thawed.exitCode, thawed.stdout).toBe(0);
      expect(await rightsOf(server)).toEqual(before);
    });
  },
);
