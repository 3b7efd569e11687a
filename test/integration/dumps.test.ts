import { execFile } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation } from '../../src/repository/index.ts';
import { lifeboat, spawnLifeboat, untilRecord } from '../support/command-line.ts';
import { ended } from '../support/installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const run = promisify(execFile);
const content = `select md5(string_agg(o::text, ',' order by id)) as md5 from shop.orders o`;

/** As on a managed server: a role without REPLICATION that may only read. */
describe.each(serversUnderTest(18))('a server protected by dumps alone, $name', (tested) => {
  const { bin, major, hasTools } = tested;
  let server: TestServer;
  let folder: string;
  let first: string;
  let before: string;

  const cli = (...args: string[]) => lifeboat([...args, '--json'], { cwd: folder });
  const md5 = async (database: string) => (await server.query(content, database)).rows[0].md5;
  const last = async (...args: string[]) => {
    const { exitCode, records, stdout } = await cli(...args);
    return { exitCode, stdout, ...(records.at(-1) as Record<string, unknown>) } as Record<
      string,
      unknown
    > & { exitCode: number };
  };

  beforeEach((context) => {
    need(context, bin, `PostgreSQL ${major} is not installed`);
    need(context, hasTools ? true : undefined, 'its packages have no pg_dump');
  });
  beforeAll(async () => {
    if (!bin || !hasTools) return;
    // No walsender: what needs replication would fail here.
    const settings = { wal_level: 'minimal', max_wal_senders: '0', max_replication_slots: '0' };
    server = await startPostgres({ bin, major, settings });
    await server.query(`create role dumper login; create role clerk password 'kept elsewhere'`);
    await server.query('create database shop');
    await server.query(`create database "Odd / ""name"" = 'x'"`);
    await server.query(
      `create schema shop; create table shop.orders (id int primary key, note text);
       alter table shop.orders owner to clerk; select lo_from_bytea(4711, 'large');
       insert into shop.orders select i, md5(i::text) || md5((-i)::text) || repeat(md5((i * 7)::text), 8)
         from generate_series(1, 100000) i`,
      'shop',
    );
    const grants =
      major >= 14
        ? 'grant pg_read_all_data to dumper'
        : 'grant usage on schema shop to dumper; grant select on all tables in schema shop to dumper';
    await server.query(`${grants}; grant select on large object 4711 to dumper`, 'shop');
    folder = temporaryFolder('dumps');
    chmodSync(folder, 0o755);
    const location = new LocalLocation(join(folder, 'repository'));
    await using _ = await initRepository({ location, password: new Secret('test') });
    writeFileSync(join(folder, 'password'), 'test\n', { mode: 0o600 });
    const connection = server.url('shop').replace('postgres@', 'dumper@');
    writeFileSync(
      join(folder, 'lifeboat.yaml'),
      `name: managed
state: state
repositories:
  main: { location: repository, password: { file: password } }
sources:
  dumps: { kind: postgres-dump, connection: "${connection}", programs: "${bin}", backup: "0 * * * *" }
`,
    );
  }, 120_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('doctor says what works and what does not', async () => {
    const { exitCode, records } = await cli('doctor');
    const facts = new Map(records.map((each) => [each.check, each]));
    expect(facts.get('connection')).toMatchObject({ outcome: 'ok' });
    expect(facts.get('client programs')).toMatchObject({ outcome: 'ok' });
    expect(facts.get('passwords of roles')).toMatchObject({
      outcome: major >= 14 ? 'ok' : 'warning',
    });
    expect(facts.get('dumps only')?.fact).toContain('no moments in between');
    expect(exitCode).toBe(0);
  });

  it('serve takes the first dump by itself; status and points know no window', async () => {
    const service = spawnLifeboat(['serve', '--json'], { cwd: folder });
    const backup = await untilRecord(service, ({ type }) => type === 'backup');
    expect(backup).toMatchObject({ source: 'dumps', warnings: [], filesTotal: 5 });
    first = backup.snapshot as string;
    before = await md5('shop');
    expect(await ended(service, 'SIGTERM')).toBe(0);
    const status = await cli('status');
    expect(status.records[0]).toMatchObject({ kind: 'postgres-dump', snapshots: 1 });
    expect(status.records[0]).not.toHaveProperty('window');
    expect(status.exitCode).toBe(0);
    expect(await last('points')).toMatchObject({ type: 'snapshot', id: first });
  }, 60_000);

  it('a second dump of a database that changed a little stores little', async () => {
    await server.query(
      `update shop.orders set note = 'changed' where id between 5000 and 5200;
       insert into shop.orders select i, md5(i::text) from generate_series(200001, 200500) i`,
      'shop',
    );
    const second = await last('backup');
    expect(second).toMatchObject({ exitCode: 0, source: 'dumps' });
    // Where the cuts fall is the key's chance: some pieces of 1 to 8 MiB differ.
    expect(second.bytesTotal).toBeGreaterThan(30e6);
    expect(second.bytesNew).toBeLessThan((second.bytesTotal as number) / 2);
  }, 60_000);

  it('stock pg_restore and psql load what `dump` writes', async () => {
    const file = join(folder, 'shop.dump');
    const { stdout } = await run(
      process.execPath,
      [join(import.meta.dirname, '../../src/cli/main.ts'), 'dump', first, '/databases/shop.dump'],
      { cwd: folder, encoding: 'buffer', maxBuffer: 2 ** 28 },
    );
    writeFileSync(file, stdout);
    await server.query('create database stock');
    await run(join(bin as string, 'pg_restore'), ['-1', '-d', server.url('stock'), file]);
    expect(await md5('stock')).toBe(before);
    const globals = await lifeboat(['dump', first, '/globals.sql'], { cwd: folder });
    expect(globals.stdout).toMatch(/CREATE ROLE clerk/);
    // pg_read_all_data reads the passwords too.
    expect(/PASSWORD/.test(globals.stdout)).toBe(major >= 14);
    const about = await lifeboat(['dump', first, '/lifeboat/dump.json'], { cwd: folder });
    expect(JSON.parse(about.stdout)).toMatchObject({
      serverVersion: expect.any(Number),
      databases: expect.arrayContaining([
        expect.objectContaining({ name: 'shop', path: '/databases/shop.dump' }),
      ]),
      globals: { withoutPasswords: major < 14 },
    });
  }, 60_000);

  it('extract loads the newest dump, or a named one, in one transaction', async () => {
    await server.query('create database newest');
    await server.query('create database named');
    const into = (database: string) => ['--database', 'shop', '--into', server.url(database)];
    expect(await last('extract', ...into('newest'))).toMatchObject({
      type: 'extract',
      exitCode: 0,
    });
    expect(await md5('newest')).toBe(await md5('shop'));
    const blob = await server.query(`select convert_from(lo_get(4711), 'UTF8') as text`, 'newest');
    expect(blob.rows[0].text).toBe('large');
    await last('extract', ...into('named'), '--snapshot', first);
    expect(await md5('named')).toBe(before);
    const again = await last('extract', ...into('named'));
    expect(again).toMatchObject({ exitCode: 1, code: 'extract.failed' });
    expect(await md5('named')).toBe(before);
    await server.query('create database part');
    const part = [...into('part'), '--schema', 'shop'];
    const misspelt = await last('extract', ...part, '--schema', 'shpo');
    expect(misspelt).toMatchObject({ exitCode: 1, code: 'extract.missing' });
    const schemas = `select from pg_namespace where nspname in ('shop', 'shpo')`;
    expect((await server.query(schemas, 'part')).rowCount).toBe(0);
    expect(await last('extract', ...part)).toMatchObject({ type: 'extract', exitCode: 0 });
    expect(await md5('part')).toBe(await md5('shop'));
    const secret = server.url('named').replace('postgres@', 'postgres:hunter2@');
    const refused = await last('extract', '--database', 'shop', '--into', secret);
    expect(refused).toMatchObject({ exitCode: 2, code: 'usage.invalid' });
    expect(JSON.stringify(refused)).not.toContain('hunter2');
    expect(await last('extract', ...into('named'), '--at', 'latest')).toMatchObject({
      exitCode: 2,
    });
    expect(await last('find-loss', 'dumps')).toMatchObject({ exitCode: 2 });
    expect(await last('find-loss')).toMatchObject({ message: 'dumps is a source of dumps' });
  }, 120_000);

  it('a dump that fails publishes nothing', async () => {
    await server.query('create table shop.secret (id int)', 'shop');
    await server.query(
      `alter table shop.secret enable row level security; insert into shop.secret values (1)`,
      'shop',
    );
    const failed = await last('backup');
    expect(failed).toMatchObject({ exitCode: 1, code: 'dump.failed' });
    expect((await cli('points')).records).toHaveLength(2);
    await server.query('drop table shop.secret', 'shop');
    expect((await cli('check', '--read-data')).records.at(-1)).toMatchObject({ errors: 0 });
  }, 60_000);
});
