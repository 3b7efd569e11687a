import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { examinePostgres } from '../../src/sources/postgres/doctor/examine-postgres.ts';
import type { Finding } from '../../src/sources/source.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { lacksOf, serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

// Goal: what is wrong with a server is found, and the remedy that doctor prints, run as it stands, puts it right.

describe.each(serversUnderTest(13))('doctor on $name', ({ major, bin, hasTools }) => {
  let server: TestServer;

  beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({
      bin,
      major,
      settings: {
        archive_mode: 'on',
        archive_command: '/bin/false',
        ...(major >= 17 ? { summarize_wal: 'on' } : {}),
        ...(major >= 18 ? { idle_replication_slot_timeout: '60' } : {}),
      },
    });
    await server.query('create role clerk login connection limit 2; create role owner login');
    await server.query(`alter role clerk valid until '${soon()}'`);
    await server.query('create table secret (id int)');
    await server.query('create database closed');
    await server.query('revoke connect on database closed from public');
    await server.query('select pg_switch_wal()');
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  const examine = () =>
    examinePostgres({
      connection: parseConnectionUrl(server.url().replace('postgres@', 'clerk@')),
      slot: 'lifeboat_shop',
      spoolFolder: server.dataFolder,
      programsFolder: bin as string,
    });

  /** What the remedy says to run, as a superuser; one statement at a time, as psql does. */
  async function follow({ remedy, check }: Finding): Promise<void> {
    const sql = /^[^:]*: ((?:[A-Z][^;]*; ?)+)/.exec(remedy)?.[1];
    expect(sql, `${check}: ${remedy}`).toBeDefined();
    for (const each of (sql as string).split(';').filter((part) => part.trim() !== '')) {
      await server.query(each);
    }
  }

  it('its remedies, word for word, leave nothing to say', async () => {
    await expect
      .poll(async () => (await server.query('select failed_count from pg_stat_archiver')).rows[0], {
        timeout: 60_000,
      })
      .not.toEqual({ failed_count: '0' });
    const before = await examine();
    const wrong = (found: readonly Finding[]) =>
      found.filter(({ outcome }) => outcome !== 'ok').map(({ check }) => check);
    const bySql = [
      'replication right',
      'connection limit',
      'password lifetime',
      'databases',
      'reading tables',
      'monitoring',
      'max_slot_wal_keep_size',
      ...(major >= 17 ? ['summarize_wal'] : []),
      ...(major >= 18 ? ['idle_replication_slot_timeout'] : []),
    ];
    expect(wrong(before)).toEqual(expect.arrayContaining([...bySql, 'archive_mode']));
    for (const check of bySql) {
      await follow(before.find((each) => each.check === check && each.outcome !== 'ok') as Finding);
    }
    const archive = before.find(({ check }) => check === 'archive_mode');
    expect(archive?.remedy).toContain("ALTER SYSTEM SET archive_mode = 'off'; then restart");
    await server.query(`alter system set archive_mode = 'off'`);
    await server.stop();
    await server.start();
    const lacks = lacksOf({ hasTools });
    const after = wrong(await examine()).filter((check) => !lacks.test(check));
    expect(after).toEqual(['rescue role']);
  });

  it('names the library that scratch servers lack, and who needs it', async () => {
    await server.query(
      `create function needs_it() returns int language c as '$libdir/plpgsql', 'plpgsql_call_handler';
       update pg_proc set probin = '$libdir/no_such_library' where proname = 'needs_it'`,
    );
    const finding = (await examine()).find(({ check }) => check === 'extensions');
    expect(finding).toMatchObject({
      outcome: 'warning',
      fact: expect.stringContaining('no_such_library (function needs_it of postgres)'),
      remedy: expect.stringContaining(`for PostgreSQL ${major}`),
    });
    await server.query('drop function needs_it()');
  });

  it('compares what the slot may hold back with the room of the server, when that is here', async () => {
    await server.query(`alter system set max_slot_wal_keep_size = '1000TB'`);
    await server.query('select pg_reload_conf()');
    const find = async () =>
      (await examine()).find(({ check }) => check === 'room of the server') as Finding;
    await expect.poll(async () => (await find())?.outcome, { timeout: 60_000 }).toBe('warning');
    await follow(await find());
    await expect.poll(async () => (await find())?.outcome, { timeout: 60_000 }).toBe('ok');
  });

  it('tries to log in for replication, and prints the line that is missing', async () => {
    const hba = join(server.dataFolder, 'pg_hba.conf');
    const open = 'local all all trust\nhost all all 127.0.0.1/32 trust\n';
    writeFileSync(hba, open);
    await server.query('select pg_reload_conf()');
    const find = async () =>
      (await examine()).find(({ check }) => check === 'replication connection') as Finding;
    await expect.poll(async () => (await find()).outcome, { timeout: 60_000 }).toBe('problem');
    const { remedy } = await find();
    const line = 'host replication clerk 127.0.0.1/32 scram-sha-256';
    expect(remedy).toContain(line);
    writeFileSync(hba, `${open}${line.replace('scram-sha-256', 'trust')}\n`);
    await server.query('select pg_reload_conf()');
    await expect.poll(async () => (await find()).outcome, { timeout: 60_000 }).toBe('ok');
  });
});

function soon(): string {
  return new Date(Date.now() + 86_400_000).toISOString();
}
