import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hbaLines, roleSql, roleStatements } from '../../src/cli/setup/role-sql.ts';
import { collectCatalog } from '../../src/sources/postgres/catalog/collect-catalog.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { lacksOf, serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

// Goal: the role that `init` tells a superuser to make is enough for everything but `rescue`, and can write nothing.

const word = 'correct horse battery';

describe.each(serversUnderTest(13))('the role of init on $name', ({ major, bin, hasTools }) => {
  let server: TestServer;
  let place: Installation;
  const settings = () =>
    parseConnectionUrl(
      `postgres://lifeboat:${encodeURIComponent(word)}@127.0.0.1:${server.port}/shop?sslmode=disable`,
    );

  beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major, settings: { max_slot_wal_keep_size: '1GB' } });
    await server.query('create role owner login');
    await server.query('create database shop owner owner');
    await server.query(
      `set role owner; create table orders as select generate_series(1, 321) as id`,
      'shop',
    );
    for (const { sql, from = 0, to = 99 } of roleStatements(settings())) {
      if (major < from || major > to) continue;
      await server.query(sql, 'shop');
    }
    // What \password does.
    await server.query(
      `set password_encryption = 'scram-sha-256'; alter role lifeboat password '${word}'`,
    );
    const own = ['local all postgres trust', 'host all postgres 127.0.0.1/32 trust'];
    const hba = [...own, ...hbaLines(settings())];
    writeFileSync(join(server.dataFolder, 'pg_hba.conf'), `${hba.join('\n')}\n`);
    await server.query('select pg_reload_conf()');
    const connection = `postgres://lifeboat:${encodeURIComponent(word)}@127.0.0.1:${server.port}/shop?sslmode=disable`;
    place = await installation({ connection, programs: bin });
  });

  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it('satisfies doctor', async () => {
    const { exitCode, records, stdout } = await place.run('doctor');
    expect(exitCode, stdout).toBe(0);
    const findings = records.filter(({ about }) => about === 'source database');
    const unwell = findings.filter(({ outcome }) => outcome !== 'ok');
    // Rows are put back by another role.
    const lacks = lacksOf({ hasTools });
    expect(unwell.map(({ check }) => check).filter((check) => !lacks.test(String(check)))).toEqual([
      'rescue role',
      // Where a recovered database goes is not this role's matter.
      'ground',
    ]);
    for (const check of ['reading tables', 'monitoring', 'replication connection', 'extensions']) {
      expect(findings).toContainEqual(expect.objectContaining({ check, outcome: 'ok' }));
    }
    expect(stdout).not.toContain(word);
  });

  it('counts every row', async () => {
    const catalog = await collectCatalog(settings(), { countRows: true });
    const shop = catalog.databases.find(({ name }) => name === 'shop');
    expect(shop?.relations.find(({ name }) => name === 'orders')).toMatchObject({
      rows: 321,
      rowsExact: true,
    });
  });

  it('backs up, and streams the log', async () => {
    const backup = await place.run('backup');
    expect(backup.exitCode, backup.stdout).toBe(0);
    const service = place.spawn('serve');
    await untilRecord(service, ({ type, phase }) => type === 'stream' && phase === 'streaming');
    await server.query('insert into orders values (322)', 'shop');
    await untilFlushed(server);
    expect(await ended(service, 'SIGTERM')).toBe(0);
    const points = await place.run('points');
    expect(points.exitCode, points.stdout).toBe(0);
    expect(points.records).toContainEqual(expect.objectContaining({ type: 'window' }));
  });

  it('may start and end a backup of the files, where they are on the same machine', async () => {
    const { rows } = await server.query(
      `select oid::regprocedure::text as function, has_function_privilege('lifeboat', oid, 'execute') as may
       from pg_proc where proname in ('pg_backup_start', 'pg_backup_stop', 'pg_start_backup', 'pg_stop_backup')
         and pronargs > 0 order by 1`,
      'shop',
    );
    expect(rows).toHaveLength(2);
    expect(rows.map(({ may }) => may)).toEqual([true, true]);
  });

  it('may write nothing', async () => {
    const { rows } = await server.query(
      `select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
         has_table_privilege('lifeboat', 'orders', 'insert, update, delete, truncate') as writes
       from pg_roles where rolname = 'lifeboat'`,
      'shop',
    );
    expect(Object.values(rows[0])).toEqual([false, false, false, false, false]);
  });
});

it('lines for psql name the versions that they are for, and quote odd names', () => {
  const settings = parseConnectionUrl('postgres://Odd%22Name@db/shop?sslmode=verify-full');
  expect(hbaLines(settings)).toEqual([
    'hostssl replication "Odd""Name" samehost scram-sha-256',
    'hostssl all "Odd""Name" samehost scram-sha-256',
  ]);
  const lines = roleSql(settings).join('\n');
  expect(lines).toMatch(
    /-- PostgreSQL 14 and newer: .*\nGRANT pg_read_all_data TO "Odd""Name";\n-- PostgreSQL 13: /,
  );
  // The files of a server elsewhere cannot be read here.
  expect(lines).not.toContain('backup');
  const here = roleSql(parseConnectionUrl('postgres://me@localhost/shop')).join('\n');
  expect(here).toMatch(/-- PostgreSQL 13 and 14: .*\nGRANT EXECUTE ON FUNCTION pg_start_backup/);
  expect(hbaLines(parseConnectionUrl('postgres://me@/shop?host=/run/postgresql'))).toEqual([
    'local replication me scram-sha-256',
    'local all me scram-sha-256',
  ]);
});
