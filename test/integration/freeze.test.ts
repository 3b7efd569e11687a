import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commandsOf, PersistentWriter, rightsOf } from '../support/freeze-scene.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

describe.each(serversUnderTest(13, 18))('a freeze of databases on $name', ({ major, bin }) => {
  let server: TestServer;
  let place: Installation;
  let run: ReturnType<typeof commandsOf>;
  const rows = async () =>
    (await server.query('select count(*)::int as n from orders', 'shop')).rows[0].n;
  const app = (database = 'shop') =>
    `postgres://app@127.0.0.1:${server.port}/${database}?sslmode=disable`;

  beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major });
    await server.query(`create role owner login; create role app login; create role report login;
      create role "Odd ""one""" login`);
    for (const name of ['shop', 'stock', 'plain']) {
      await server.query(`create database ${name} owner owner`);
    }
    await server.query(
      'set role owner; create table orders (id serial); grant all on orders, orders_id_seq to app',
      'shop',
    );
    // Rights of every shape: from others than the owner, with and without the option to pass them on, the default, a limit, settings.
    await server.query(`revoke connect on database stock from public; grant connect on database stock to app with grant option;
      grant connect, create on database stock to "Odd ""one"""`);
    await server.query('set role app; grant connect on database stock to report');
    await server.query(`alter database stock set default_transaction_read_only = off;
      alter database stock set work_mem = '5MB'; alter database stock connection limit 7;
      alter role app in database shop set lock_timeout = '1s'`);
    place = await installation({ connection: server.url('shop'), programs: bin });
    run = commandsOf(place);
    const backup = await run('backup');
    expect(backup.exitCode, backup.stdout + backup.stderr).toBe(0);
  });

  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  // One that failed in the middle must not be why the next one fails.
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await run('thaw', '--yes', 'test');
  });

  it('keeps writers out, not replication, not us, and puts back every byte', async () => {
    const before = await rightsOf(server);
    const folder = temporaryFolder('receive');
    mkdirSync(join(folder, 'wal'));
    const stream = spawn(
      join(bin as string, 'pg_receivewal'),
      ['-d', server.url('postgres'), '-D', folder, '--no-loop'],
      { stdio: 'ignore' },
    );
    const walSenders = async () =>
      (await server.query('select pid from pg_stat_replication order by 1')).rows.map(
        ({ pid }) => pid,
      );
    while ((await walSenders()).length === 0) await new Promise((done) => setTimeout(done, 50));
    const streaming = await walSenders();
    const idle = new pg.Client({ connectionString: app() });
    const idleEnded = new Promise<void>((done) => idle.on('error', () => done()));
    await idle.connect();
    await idle.query('begin');
    await idle.query('insert into orders default values');
    await using writer = new PersistentWriter(app());
    await writer.until('written', 3);

    const dry = await run('freeze', '--dry-run');
    expect(dry.exitCode, dry.stdout + dry.stderr).toBe(0);
    expect(await rightsOf(server)).toEqual(before);
    const wrong = await run('freeze', '--yes', 'production');
    expect(wrong.exitCode).toBe(2);
    expect(await rightsOf(server)).toEqual(before);

    const frozen = await run('freeze', '--yes', 'test');
    expect(frozen.exitCode, frozen.stdout + frozen.stderr).toBe(0);
    await idleEnded;
    const count = await rows();
    await writer.until('refused', 3);
    expect(await rows()).toBe(count);
    for (const database of ['shop', 'stock', 'plain', 'postgres']) {
      const client = new pg.Client({ connectionString: app(database) });
      client.on('error', () => {});
      await expect(client.connect()).rejects.toThrow(/permission denied|too many connections/);
    }
    expect(await walSenders()).toEqual(streaming);
    expect(stream.exitCode).toBeNull();

    const backup = await run('backup');
    expect(backup.exitCode, backup.stdout + backup.stderr).toBe(0);
    const status = await run('status');
    expect(status.records).toContainEqual(
      expect.objectContaining({
        type: 'source-status',
        frozen: expect.objectContaining({ isTooLong: false, isHalf: false, gaps: [] }),
      }),
    );

    const asFrozen = await server.query(
      'select oid, xmin, datacl::text from pg_database order by 1',
    );
    const again = await run('freeze', '--yes', 'test');
    expect(again.exitCode, again.stdout + again.stderr).toBe(0);
    expect(again.records.at(-1)).toMatchObject({ type: 'freeze', changed: 0, isComplete: true });
    expect(
      (await server.query('select oid, xmin, datacl::text from pg_database order by 1')).rows,
    ).toEqual(asFrozen.rows);

    const thawed = await run('thaw', '--yes', 'test');
    expect(thawed.exitCode, thawed.stdout + thawed.stderr).toBe(0);
    expect(await rightsOf(server)).toEqual(before);
    await writer.until('written', 2);
    expect(await walSenders()).toEqual(streaming);
    stream.kill();
    await ended(stream);
    rmSync(folder, { recursive: true });
    const freezes = join(place.stateFolder, 'freezes');
    expect(readdirSync(freezes).filter((name) => name.endsWith('.json'))).toEqual([]);
    const [history] = readdirSync(join(freezes, 'history'));
    expect(
      JSON.parse(readFileSync(join(freezes, 'history', history as string), 'utf8')),
    ).toMatchObject({ phase: 'thawed', sources: [] });
    expect((await run('thaw', '--yes', 'test')).records.at(-1)).toMatchObject({
      code: 'thaw.nothing',
    });
  });

  it('names a superuser who comes back, and a subscription, and is not complete', async () => {
    const before = await rightsOf(server);
    await server.query(
      `create subscription feed connection 'host=127.0.0.1 port=1 dbname=none' publication none with (connect = false)`,
      'stock',
    );
    await server.query('alter subscription feed enable', 'stock');
    await using writer = new PersistentWriter(server.url('shop'));
    await writer.until('written', 2);
    const frozen = await run('freeze', '--yes', 'test');
    expect(frozen.exitCode, frozen.stdout).toBe(3);
    const record = frozen.records.find(({ type }) => type === 'freeze') as {
      gaps: { what: string; remedy: string }[];
    };
    expect(record.gaps).toEqual([
      expect.objectContaining({
        kind: 'session',
        source: 'database',
        what: 'a session of postgres from 127.0.0.1 (pooler) in shop came back behind the freeze',
        remedy: expect.stringContaining('pg_hba.conf'),
      }),
      expect.objectContaining({
        kind: 'subscription',
        what: 'the subscription feed writes to stock',
        sql: ['ALTER SUBSCRIPTION "feed" DISABLE;'],
      }),
    ]);
    expect(frozen.records.at(-1)).toMatchObject({ type: 'error', code: 'freeze.incomplete' });
    const thawed = await run('thaw', '--yes', 'test');
    expect(thawed.exitCode, thawed.stdout).toBe(0);
    expect(await rightsOf(server)).toEqual(before);
    await server.query('alter subscription feed disable', 'stock');
    await server.query('alter subscription feed set (slot_name = none)', 'stock');
    await server.query('drop subscription feed', 'stock');
  });

  it('is thawed from a repository by a host that knows nothing', async () => {
    const before = await rightsOf(server);
    const frozen = await run('freeze', '--yes', 'test');
    expect(frozen.exitCode, frozen.stdout).toBe(0);
    rmSync(join(place.stateFolder, 'freezes'), { recursive: true });
    expect(existsSync(join(place.stateFolder, 'freezes'))).toBe(false);
    const thawed = await run('thaw', '--yes', 'test');
    expect(thawed.exitCode, thawed.stdout + thawed.stderr).toBe(0);
    expect(thawed.records).toContainEqual(
      expect.objectContaining({ type: 'thaw-plan', from: 'repositories' }),
    );
    expect(await rightsOf(server)).toEqual(before);
    expect((await run('thaw', '--yes', 'test')).records.at(-1)).toMatchObject({
      code: 'thaw.nothing',
    });
  });

  it('leaves what somebody has changed since', async () => {
    const before = await rightsOf(server);
    expect((await run('freeze', '--yes', 'test')).exitCode).toBe(0);
    await server.query(
      'alter database plain connection limit 3; grant create on database plain to report',
      'template1',
    );
    const thawed = await run('thaw', '--yes', 'test');
    expect(thawed.exitCode, thawed.stdout).toBe(0);
    expect(thawed.stdout).toContain(
      'the connection limit of plain was changed since to 3: it stays',
    );
    const { rows: now } =
      await server.query(`select datconnlimit, has_database_privilege('report', oid, 'create') as may,
      has_database_privilege('app', oid, 'connect') as connects from pg_database where datname = 'plain'`);
    expect(now).toEqual([{ datconnlimit: 3, may: true, connects: true }]);
    await server.query(
      'alter database plain connection limit -1; revoke create on database plain from report',
    );
    await server.query(`update pg_database set datacl = null where datname = 'plain'`);
    expect(await rightsOf(server)).toEqual(before);
  });

  it('changes nothing on a server that is not the one that was backed up', async () => {
    await using other = await startPostgres({ bin: bin as string, major });
    await other.query('create database shop');
    const before = await rightsOf(other);
    place.configure({ connection: other.url('shop') });
    const frozen = await run('freeze', '--yes', 'test');
    place.configure({ connection: server.url('shop') });
    expect(frozen.exitCode).toBe(1);
    expect(frozen.records.at(-1)).toMatchObject({ code: 'postgres.other-cluster' });
    expect(await rightsOf(other)).toEqual(before);
    expect((await run('thaw', '--yes', 'test')).records.at(-1)).toMatchObject({
      code: 'thaw.nothing',
    });
  });
});
