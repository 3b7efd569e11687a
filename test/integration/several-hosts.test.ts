import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { backupPostgres } from '../../src/sources/postgres/base-backup/backup-postgres.ts';
import { preferPrimary } from '../../src/sources/postgres/connection-settings.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { examinePostgres } from '../../src/sources/postgres/doctor/examine-postgres.ts';
import { connectReplication } from '../../src/sources/postgres/protocol/connect-replication.ts';
import { connectSql } from '../../src/sources/postgres/sql-connection.ts';
import { localRepository } from '../support/local-repository.ts';
import { freePort, startPostgres, type TestServer } from '../support/postgres.ts';
import type { StockServer } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { startStandby } from '../support/standby.ts';

// Goal: of the servers that a URL names, the one that is wanted is found, by SQL and by replication alike; where none will do,
// the error says what each of them said.

describe.each(serversUnderTest(18))('several hosts, $name', ({ major, bin }) => {
  let primary: TestServer;
  let standby: StockServer;
  let nobody: number;

  beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));

  beforeAll(async () => {
    if (!bin) return;
    nobody = await freePort();
    primary = await startPostgres({ bin, major });
    await primary.query(
      `create role reader login; create role frozen login replication;
       alter role frozen set default_transaction_read_only = on`,
    );
    standby = await startStandby(primary);
  });

  afterAll(async () => {
    await standby?.[Symbol.asyncDispose]();
    await primary?.[Symbol.asyncDispose]();
  });

  const settings = (ports: readonly number[], wanted?: string, user = 'postgres') => {
    const hosts = ports.map((port) => `127.0.0.1:${port}`).join();
    const attribute = wanted === undefined ? '' : `&target_session_attrs=${wanted}`;
    return parseConnectionUrl(`postgres://${user}@${hosts}/postgres?sslmode=disable${attribute}`);
  };

  /** The ports that SQL and replication lead to, or the errors. */
  async function both(ports: readonly number[], wanted?: string, user?: string) {
    const url = settings(ports, wanted, user);
    const sql = async () => {
      await using connection = await connectSql(url);
      const [row] = await connection.rows<{ port: string }>(
        `select current_setting('port') as port`,
      );
      expect(connection.settings.port).toBe(Number(row?.port));
      return Number(row?.port);
    };
    const replication = async () => {
      await using connection = await connectReplication(url);
      expect(connection.settings.port).toBe(Number(await connection.show('port')));
      return connection.settings.port;
    };
    return [await sql().catch((each) => each), await replication().catch((each) => each)];
  }

  it('are tried in order, those that do not answer too', async () => {
    const [a, b] = [primary.port, standby.port];
    expect(await both([a, b])).toEqual([a, a]);
    expect(await both([b, a])).toEqual([b, b]);
    expect(await both([nobody, b, a])).toEqual([b, b]);
  });

  it('are chosen by what they are', async () => {
    const [a, b] = [primary.port, standby.port];
    for (const wanted of ['primary', 'read-write']) {
      expect(await both([nobody, b, a], wanted), wanted).toEqual([a, a]);
    }
    for (const wanted of ['standby', 'read-only', 'prefer-standby']) {
      expect(await both([a, b], wanted), wanted).toEqual([b, b]);
    }
    expect(await both([nobody, a], 'prefer-standby')).toEqual([a, a]);
    expect(preferPrimary(settings([b, a])).targetSession).toBe('primary');
    expect(preferPrimary(settings([b])).targetSession).toBeUndefined();
  });

  it('a primary that is set read-only is still the primary', async () => {
    const { port } = primary;
    expect(await both([port], 'primary', 'frozen')).toEqual([port, port]);
    const [sql, replication] = await both([port], 'read-write', 'frozen');
    expect(sql).toMatchObject({ message: expect.stringContaining('a primary, read-only') });
    expect(replication).toBe(port);
  });

  it('say what is wrong with each when none will do', async () => {
    for (const error of await both([nobody, standby.port], 'primary')) {
      expect(error).toMatchObject({ code: 'postgres.unreachable', retryable: true });
      expect(error.message).toMatch(
        new RegExp(
          `127.0.0.1:${nobody}.*ECONNREFUSED.*; 127.0.0.1:${standby.port} is a standby, not primary`,
        ),
      );
    }
    const [, replication] = await both([nobody, primary.port], undefined, 'reader');
    expect(replication).toMatchObject({
      code: 'postgres.no-replication',
      message: expect.stringMatching(/ECONNREFUSED.*;.*replication/i),
      hint: expect.stringContaining('ALTER ROLE reader REPLICATION'),
    });
    const single = await both([standby.port], 'primary');
    for (const error of single) expect(error.message).toContain('is a standby, not primary');
  });

  it('are all looked at by doctor, and give one backup', async () => {
    const ports = [nobody, standby.port, primary.port];
    const findings = await examinePostgres({
      connection: settings(ports, 'primary'),
      slot: 'lifeboat_shop',
      spoolFolder: primary.dataFolder,
      programsFolder: primary.bin,
    });
    const about = (check: string) => findings.filter((each) => each.check === check);
    expect(about('connection')).toMatchObject([
      { outcome: 'ok', fact: expect.stringContaining(`:${primary.port}/`) },
    ]);
    expect(about('other host')).toMatchObject([
      { outcome: 'warning', fact: expect.stringContaining('ECONNREFUSED') },
      { outcome: 'ok', fact: expect.stringContaining('a standby of the same cluster') },
    ]);
    await using stored = await localRepository();
    const { repository } = stored;
    await backupPostgres({ settings: settings(ports, 'primary'), source: 'shop', repository });
    expect(await repository.snapshots()).toHaveLength(1);
  });

  it('closes what it does not keep', async () => {
    await both([primary.port, standby.port], 'standby');
    await expect
      .poll(async () => {
        const { rows } = await primary.query(
          `select count(*)::int as n from pg_stat_activity where application_name = 'lifeboat'`,
        );
        return rows[0].n;
      })
      .toBe(0);
  });
});
