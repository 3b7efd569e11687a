import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestServer, unprivileged } from '../../../../test/support/postgres.ts';
import { findProgram } from '../../../../test/support/programs.ts';
import { serversUnderTest } from '../../../../test/support/servers.ts';
import { need } from '../../../../test/support/skip.ts';
import { Secret } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { parseConnectionUrl } from '../connection-url.ts';
import { connectSql } from '../sql-connection.ts';
import { connectReplication } from './connect-replication.ts';

const hba = [
  'local all postgres trust',
  'local replication postgres trust',
  'host all postgres 127.0.0.1/32 trust',
  'host replication postgres 127.0.0.1/32 trust',
  'host replication scram_role 127.0.0.1/32 scram-sha-256',
  'host all scram_role 127.0.0.1/32 scram-sha-256',
  'host replication md5_role 127.0.0.1/32 md5',
  'host replication clear_role 127.0.0.1/32 password',
  'host replication plain_role 127.0.0.1/32 trust',
  'hostssl replication tls_role 127.0.0.1/32 trust',
  'host replication nobody_such 127.0.0.1/32 trust',
];

describe.each(serversUnderTest(15, 18))('connection to $name', ({ major, bin }) => {
  const [backupCommand, slowBackupCommand] =
    major < 15
      ? ['BASE_BACKUP FAST NOWAIT NOVERIFY_CHECKSUMS', 'BASE_BACKUP FAST NOWAIT MAX_RATE 32']
      : [
          "BASE_BACKUP (CHECKPOINT 'fast', WAIT false, VERIFY_CHECKSUMS false)",
          "BASE_BACKUP (CHECKPOINT 'fast', WAIT false, MAX_RATE 32)",
        ];
  let server: TestServer;
  const role = (user: string, more: Partial<ConnectionSettings> = {}): ConnectionSettings => ({
    ...parseConnectionUrl(server.url()),
    user,
    ...more,
  });
  const connects = async (settings: ConnectionSettings) => {
    await using connection = await connectReplication(settings);
    return (await connection.identifySystem()).timeline;
  };

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major });
    await server.query(`
      set password_encryption = 'scram-sha-256';
      create role scram_role login replication password 'pass word';
      create role clear_role login replication password 'clear';
      create role tls_role login replication;
      create role plain_role login;
      create role no_entry login replication;
      set password_encryption = 'md5';
      create role md5_role login replication password 'old';`);
    writeFileSync(join(server.dataFolder, 'pg_hba.conf'), `${hba.join('\n')}\n`);
    await server.query('select pg_reload_conf()');
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  it('logs in by trust, password, md5 and SCRAM', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    expect(await connects(role('postgres'))).toBe(1);
    expect(await connects(role('scram_role', { password: new Secret('pass word') }))).toBe(1);
    expect(await connects(role('md5_role', { password: new Secret('old') }))).toBe(1);
    expect(await connects(role('clear_role', { password: new Secret('clear') }))).toBe(1);
  });

  it('says what is wrong with a login', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    for (const user of ['scram_role', 'md5_role', 'clear_role']) {
      const wrong = role(user, { password: new Secret('no-such-word') });
      const error = await connects(wrong).catch((each: unknown) => each);
      expect(error).toMatchObject({ code: 'postgres.refused', context: { sqlstate: '28P01' } });
      expect(JSON.stringify(error)).not.toContain('no-such-word');
    }
    await expect(connects(role('scram_role'))).rejects.toMatchObject({
      code: 'postgres.refused',
      message: expect.stringContaining('wants a password'),
    });
    await expect(connects(role('no_entry'))).rejects.toMatchObject({
      code: 'postgres.refused',
      hint: expect.stringContaining('host replication no_entry 127.0.0.1/32 scram-sha-256'),
    });
    await expect(connects(role('nobody_such'))).rejects.toMatchObject({ code: 'postgres.refused' });
    await expect(connects(role('plain_role'))).rejects.toMatchObject({
      code: 'postgres.no-replication',
      hint: expect.stringContaining('ALTER ROLE plain_role REPLICATION'),
    });
  });

  it('finds the password of either way of connecting in a password file', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const file = join(server.dataFolder, '..', 'pgpass');
    const { PGPASSFILE: before } = process.env;
    process.env.PGPASSFILE = file;
    const sql = async () => {
      await using connection = await connectSql(role('scram_role'));
      return (await connection.rows('select 1 as one'))[0];
    };
    try {
      for (const connect of [sql, () => connects(role('scram_role'))]) {
        await expect(connect()).rejects.toMatchObject({
          code: 'postgres.refused',
          message: expect.stringContaining('wants a password'),
        });
      }
      writeFileSync(file, `127.0.0.1:${server.port}:postgres:scram_role:pass word\n`);
      chmodSync(file, 0o600);
      expect(await sql()).toEqual({ one: 1 });
      expect(await connects(role('scram_role'))).toBe(1);
      chmodSync(file, 0o644);
      for (const connect of [sql, () => connects(role('scram_role'))]) {
        const error = await connect().catch((caught: unknown) => caught);
        expect(error).toMatchObject({ hint: `Run: chmod 600 ${file}` });
        expect(JSON.stringify(error)).not.toContain('pass word');
      }
    } finally {
      if (before === undefined) delete process.env.PGPASSFILE;
      else process.env.PGPASSFILE = before;
    }
  });

  it('says when nothing listens', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    for (const place of [{ port: 1 }, { host: '/nonexistent' }]) {
      await expect(connects(role('postgres', place))).rejects.toMatchObject({
        code: 'postgres.unreachable',
        retryable: true,
      });
    }
  });

  it('goes on after an error', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await using connection = await connectReplication(role('postgres'));
    expect(Math.floor(connection.serverVersion / 10000)).toBe(major);
    await expect(connection.query('DROP_REPLICATION_SLOT no_such_slot')).rejects.toMatchObject({
      code: 'postgres.query',
      context: { sqlstate: '42704' },
    });
    expect(await connection.show('wal_segment_size')).toBe('16MB');
    const { systemId } = await connection.identifySystem();
    const control = await server.query('select system_identifier from pg_control_system()');
    expect(systemId).toBe(control.rows[0].system_identifier);
  });

  it('holds a base backup back while its handler is busy, and loses nothing', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await using connection = await connectReplication(role('postgres'));
    const events: string[] = [];
    const chunks: Buffer[] = [];
    let busy = false;
    await connection.copyOut(backupCommand, {
      onResult: ({ columns }) => void events.push(columns.join()),
      onCopyBegin: (index) => void events.push(`begin ${index}`),
      onCopyData: async (payload) => {
        expect(busy).toBe(false);
        busy = true;
        if (chunks.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        // From 15 on each message begins with what it is.
        if (major < 15) chunks.push(Buffer.from(payload));
        else if (payload[0] === 0x64) chunks.push(Buffer.from(payload.subarray(1)));
        busy = false;
      },
      onCopyEnd: (index) => void events.push(`end ${index}`),
    });
    expect(events).toEqual([
      'recptr,tli',
      'spcoid,spclocation,size',
      'begin 0',
      'end 0',
      'recptr,tli',
    ]);
    const listing = execFileSync('tar', ['-tf', '-'], { input: Buffer.concat(chunks) }).toString();
    expect(listing).toContain('global/pg_control');
    expect(listing).toContain('backup_label');
  });

  it('stops at once when it is cancelled', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const controller = new AbortController();
    await using connection = await connectReplication(role('postgres'), {
      signal: controller.signal,
    });
    const copy = connection.copyOut(backupCommand, {
      onResult: () => {},
      onCopyBegin: () => {},
      onCopyData: () => controller.abort(),
      onCopyEnd: () => {},
    });
    await expect(copy).rejects.toMatchObject({ code: 'cancelled' });
    await expect(connection.identifySystem()).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('says when the server ends the connection', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    await using connection = await connectReplication(role('postgres'), {
      applicationName: 'to-be-ended',
    });
    const ended = connection.copyOut(slowBackupCommand, {
      onResult: async () => {
        await server.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to-be-ended'`,
        );
      },
      onCopyBegin: () => {},
      onCopyData: () => {},
      onCopyEnd: () => {},
    });
    await expect(ended).rejects.toMatchObject({
      code: 'postgres.connection-lost',
      retryable: true,
    });
  });

  it('speaks TLS and verifies what the mode asks for', async (context) => {
    need(context, bin, `no PostgreSQL ${major}`);
    const openssl = need(context, findProgram('openssl'), 'no openssl on PATH');
    await expect(connects(role('postgres', { sslmode: 'require' }))).rejects.toMatchObject({
      code: 'postgres.refused',
      message: expect.stringContaining('does not offer TLS'),
    });
    expect(await connects(role('postgres', { sslmode: 'prefer' }))).toBe(1);

    const cert = join(server.dataFolder, 'server.crt');
    const key = join(server.dataFolder, 'server.key');
    execFileSync(
      openssl,
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
      ].concat(['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert]),
      { stdio: 'ignore' },
    );
    chmodSync(key, 0o600);
    if (unprivileged.uid !== undefined)
      chownSync(key, unprivileged.uid, unprivileged.gid as number);
    chmodSync(cert, 0o644);
    appendFileSync(join(server.dataFolder, 'postgresql.conf'), '\nssl = on\n');
    await server.query('select pg_reload_conf()');
    expect(readFileSync(cert, 'utf8')).toContain('BEGIN CERTIFICATE');

    const tls = (more: Partial<ConnectionSettings>) => connects(role('tls_role', more));
    // The reload takes a moment.
    for (let attempt = 0; attempt < 50; attempt += 1) {
      if (await tls({ sslmode: 'require' }).catch(() => undefined)) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await expect(tls({ sslmode: 'disable' })).rejects.toMatchObject({ code: 'postgres.refused' });
    expect(await tls({ sslmode: 'prefer' })).toBe(1);
    expect(await tls({ sslmode: 'verify-ca', sslRootCert: cert })).toBe(1);
    expect(await tls({ sslmode: 'verify-full', host: 'localhost', sslRootCert: cert })).toBe(1);
    const untrusted = [
      { sslmode: 'verify-ca' },
      { sslmode: 'verify-full', sslRootCert: cert },
    ] as const;
    for (const each of untrusted) {
      await expect(tls(each)).rejects.toMatchObject({ code: 'postgres.untrusted' });
    }
    await expect(tls({ sslmode: 'verify-ca', sslRootCert: '/nonexistent' })).rejects.toMatchObject({
      code: 'file.unreadable',
    });
  });
});
