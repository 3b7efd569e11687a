import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { connectReplication } from '../../src/sources/postgres/protocol/connect-replication.ts';
import { connectSql } from '../../src/sources/postgres/sql-connection.ts';
import { type Certificate, TestAuthority } from '../support/certificates.ts';
import {
  startPostgres,
  type TestServer,
  temporaryFolder,
  unprivileged,
} from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

// Goal: SQL and replication encrypt and verify alike, as libpq does, and say in words what is wrong with a certificate.

const hba = [
  'local all all trust',
  'host all postgres 127.0.0.1/32 trust',
  ...['all', 'replication'].flatMap((database) => [
    `hostssl ${database} encrypted 127.0.0.1/32 trust`,
    `hostnossl ${database} plain 127.0.0.1/32 trust`,
    `hostssl ${database} certified 127.0.0.1/32 cert`,
  ]),
];

describe.each(serversUnderTest(18))('TLS with $name', ({ major, bin }) => {
  const openssl = findProgram('openssl');
  const folder = temporaryFolder('tls');
  let server: TestServer;
  let authority: TestAuthority;
  let stranger: TestAuthority;

  beforeEach((context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    need(context, openssl, 'no openssl on PATH');
  });

  beforeAll(async () => {
    if (!bin || !openssl) return;
    chmodSync(folder, 0o755);
    authority = new TestAuthority(openssl, folder, 'authority');
    stranger = new TestAuthority(openssl, folder, 'stranger');
    server = await startPostgres({ bin, major });
    for (const role of ['encrypted', 'plain', 'certified']) {
      await server.query(`create role ${role} login replication`);
    }
    writeFileSync(join(server.dataFolder, 'pg_hba.conf'), `${hba.join('\n')}\n`);
    give('root.crt', authority.cert);
    await server.query(`alter system set ssl_ca_file = 'root.crt'`);
    await present(authority.issue('server', ['localhost']));
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function give(name: string, from: string): void {
    const path = join(server.dataFolder, name);
    cpSync(from, path);
    chmodSync(path, 0o600);
    if (unprivileged.uid !== undefined) chownSync(path, unprivileged.uid, unprivileged.gid ?? 0);
  }

  /** From here on the server shows this certificate. */
  async function present({ cert, key }: Certificate): Promise<void> {
    give('server.crt', cert);
    give('server.key', key);
    await server.query('alter system set ssl = on');
    await server.stop();
    await server.start();
  }

  const settings = (role: string, options: Record<string, string>, host = 'localhost') => {
    const query = new URLSearchParams({ ...options, dbname: 'postgres' });
    return parseConnectionUrl(`postgres://${role}@${host}:${server.port}?${query}`);
  };

  /** How both ways of connecting end: whether the connection is encrypted, or the error. */
  async function both(role: string, options: Record<string, string>, host?: string) {
    const wanted = settings(role, options, host);
    const isEncrypted = async (pid: number) => {
      const { rows } = await server.query(`select ssl from pg_stat_ssl where pid = ${pid}`);
      return rows[0]?.ssl as boolean;
    };
    const sql = async () => {
      await using connection = await connectSql(wanted);
      const [row] = await connection.rows<{ pid: number }>('select pg_backend_pid() as pid');
      return await isEncrypted(row?.pid ?? 0);
    };
    const replication = async () => {
      await using connection = await connectReplication(wanted, { applicationName: 'tls-test' });
      await connection.identifySystem();
      const { rows } = await server.query(
        `select pid from pg_stat_activity where application_name = 'tls-test'`,
      );
      return await isEncrypted(rows[0].pid);
    };
    const outcomes = [];
    for (const connect of [sql, replication]) {
      outcomes.push(await connect().catch((error: unknown) => error));
    }
    return outcomes;
  }

  const twice = (wanted: unknown) => [wanted, wanted];
  const refused = expect.objectContaining({ code: 'postgres.refused' });
  const untrusted = (fact: RegExp) =>
    expect.objectContaining({
      code: 'postgres.untrusted',
      message: expect.stringMatching(fact),
      hint: expect.any(String),
    });

  it('is used or left as the mode says', async () => {
    expect(await both('encrypted', { sslmode: 'disable' })).toEqual(twice(refused));
    expect(await both('encrypted', { sslmode: 'allow' })).toEqual(twice(true));
    expect(await both('encrypted', { sslmode: 'prefer' })).toEqual(twice(true));
    expect(await both('encrypted', { sslmode: 'require' })).toEqual(twice(true));
    expect(await both('plain', { sslmode: 'disable' })).toEqual(twice(false));
    expect(await both('plain', { sslmode: 'allow' })).toEqual(twice(false));
    expect(await both('plain', { sslmode: 'prefer' })).toEqual(twice(false));
    expect(await both('plain', { sslmode: 'require' })).toEqual(twice(refused));
  });

  it('verifies authority and name as the mode says', async () => {
    const ca = { sslrootcert: authority.cert };
    const issuer = untrusted(/not signed by/);
    expect(await both('encrypted', { sslmode: 'verify-full', ...ca })).toEqual(twice(true));
    expect(await both('encrypted', { sslmode: 'verify-ca', ...ca }, '127.0.0.1')).toEqual(
      twice(true),
    );
    expect(await both('encrypted', { sslmode: 'verify-full', ...ca }, '127.0.0.1')).toEqual(
      twice(untrusted(/another name than 127\.0\.0\.1.*localhost/)),
    );
    expect(await both('encrypted', { sslmode: 'verify-full' })).toEqual(twice(issuer));
    expect(await both('encrypted', { sslmode: 'verify-full', sslrootcert: 'system' })).toEqual(
      twice(untrusted(/that this machine trusts/)),
    );
    const other = { sslrootcert: stranger.cert };
    for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
      expect(await both('encrypted', { sslmode, ...other }), sslmode).toEqual(twice(issuer));
    }
    expect(await both('encrypted', { sslmode: 'verify-ca', sslrootcert: '/nonexistent' })).toEqual(
      twice(expect.objectContaining({ code: 'file.unreadable' })),
    );
    expect(
      await both('encrypted', { sslmode: 'verify-ca', sslrootcert: join(folder, 'authority.key') }),
    ).not.toEqual(twice(true));
  });

  it('trusts what the machine trusts with sslrootcert=system', async () => {
    const script = `
      import { parseConnectionUrl } from '${join(import.meta.dirname, '../../src/sources/postgres/connection-url.ts')}';
      import { connectReplication } from '${join(import.meta.dirname, '../../src/sources/postgres/protocol/connect-replication.ts')}';
      await using c = await connectReplication(parseConnectionUrl(process.argv[1]));
      console.log((await c.identifySystem()).timeline);`;
    const url = `postgres://encrypted@localhost:${server.port}/postgres?sslrootcert=system`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, url], {
      env: { PATH: process.env.PATH, SSL_CERT_FILE: authority.cert },
    });
    expect(out.toString()).toBe('1\n');
  });

  it('shows our certificate to a server that asks for one', async () => {
    const verified = { sslmode: 'verify-full', sslrootcert: authority.cert };
    const own = authority.issue('client', ['certified']);
    const mine = { sslcert: own.cert, sslkey: own.key };
    expect(await both('certified', { ...verified, ...mine })).toEqual(twice(true));
    expect(await both('certified', verified)).toEqual(twice(refused));
    const theirs = stranger.issue('client', ['certified']);
    expect(
      await both('certified', { ...verified, sslcert: theirs.cert, sslkey: theirs.key }),
    ).toEqual(twice(untrusted(/handshake failed/)));
    const other = authority.issue('other', ['somebody']);
    expect(
      await both('certified', { ...verified, sslcert: other.cert, sslkey: other.key }),
    ).toEqual(twice(refused));
    chmodSync(own.key, 0o644);
    expect(await both('certified', { ...verified, ...mine })).toEqual(
      twice(expect.objectContaining({ code: 'config.invalid', hint: `Run: chmod 600 ${own.key}` })),
    );
  });

  it('refuses a certificate that has expired', async () => {
    await present(authority.issue('expired', ['localhost'], -1));
    const ca = { sslrootcert: authority.cert };
    expect(await both('encrypted', { sslmode: 'verify-full', ...ca })).toEqual(
      twice(untrusted(/expired/)),
    );
    expect(await both('encrypted', { sslmode: 'require' })).toEqual(twice(true));
  });
});
