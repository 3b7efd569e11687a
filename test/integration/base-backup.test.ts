import { execFile } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/core/index.ts';
import {
  backupPostgres,
  listPostgresSnapshots,
  parseConnectionUrl,
  readBackupCatalog,
  readBackupInfo,
} from '../../src/sources/index.ts';
import { parseLsn } from '../../src/wal/index.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';
import { startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { embeddedPostgresBin, findProgram } from '../support/programs.ts';
import { resticRestore, startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const run = promisify(execFile);
const restic = () => findProgram('restic-0.19') ?? findProgram('restic');

/** Debian's 0.14, the oldest that knows the format, and the newest. */
const restics = ['restic', 'restic-0.19'];
const stories = serversUnderTest(15, 'npm').flatMap((server) =>
  restics.map((program) => ({ ...server, program })),
);

const fingerprint = (table: string) =>
  `select count(*) as n, md5(string_agg(t::text, '|' order by id)) as sum from ${table} t`;

/** Tables that stay as they are, one of them in a tablespace, and two that a writer keeps in step. */
async function fill(server: TestServer): Promise<string> {
  const tablespace = join(server.dataFolder, '..', 'tablespace');
  mkdirSync(tablespace);
  if (unprivileged.uid !== undefined)
    chownSync(tablespace, unprivileged.uid, unprivileged.gid as number);
  await server.query(`create tablespace elsewhere location '${tablespace}'`);
  await server.query('create database shop');
  await server.query(
    `create table still as select n as id, md5(n::text) || repeat('x', n % 300) as v from generate_series(1, 60000) n;
     create table apart (id int primary key, v text) tablespace elsewhere;
     insert into apart select n, md5(n::text) from generate_series(1, 5000) n;
     create table debit (id int primary key, amount int); create table credit (id int primary key, amount int)`,
    'shop',
  );
  return tablespace;
}

/** Commits pairs of rows until told to stop; resolves with the last committed id. */
function keepWriting(server: TestServer): AsyncDisposable & { stop(): Promise<number> } {
  let stopped = false;
  let last = 0;
  const work = (async () => {
    while (!stopped) {
      const id = last + 1;
      await server.query(
        `begin; insert into debit values (${id}, ${id}); insert into credit values (${id}, ${id});
         update debit set amount = amount + 1 where id > ${id - 20}; update credit set amount = amount + 1 where id > ${id - 20}; commit`,
        'shop',
      );
      last = id;
    }
  })();
  const stop = async () => {
    stopped = true;
    await work;
    return last;
  };
  return { stop, [Symbol.asyncDispose]: () => stop().then(() => {}) };
}

describe('base backup', () => {
  for (const { name, major, bin, program } of stories) {
    it(`of ${name} under load starts with stock programs after ${program} restored it`, async (context) => {
      const programs = need(context, bin, `no PostgreSQL ${major}`);
      const resticProgram = need(context, findProgram(program), `no ${program} on PATH`);
      await using server = await startPostgres({ bin: programs, major });
      const livePath = await fill(server);
      await using stored = await localRepository();
      const settings = parseConnectionUrl(server.url());
      const { repository } = stored;
      const backup = () => backupPostgres({ settings, source: 'shop', repository });

      await using writer = keepWriting(server);
      const first = await backup();
      const second = await backup();
      const committed = await writer.stop();
      expect(first.warnings).toEqual([]);
      expect(second.warnings).toEqual([]);
      // Only what changed, and WAL, is new.
      expect(second.bytesNew).toBeLessThan(first.bytesNew * 0.75);

      const listed = await listPostgresSnapshots(repository, 'shop');
      expect(listed.map(({ snapshot }) => snapshot.id)).toEqual([second.snapshot, first.snapshot]);
      expect(listed[0]?.info).toEqual(second.info);
      const snapshot = await repository.findSnapshot(second.snapshot);
      expect(snapshot).toMatchObject({
        paths: ['/lifeboat/shop'],
        tags: ['lifeboat', 'kind:postgres', 'source:shop'],
        parent: first.snapshot,
      });
      const info = await readBackupInfo(repository, snapshot);
      expect(info).toMatchObject({ format: 1, source: 'shop', timeline: 1, dataChecksums: true });
      expect(Math.floor(info.serverVersion / 10_000)).toBe(major);
      expect(parseLsn(info.stopLsn)).toBeGreaterThan(parseLsn(info.startLsn));
      expect(info.tablespaces).toEqual([{ oid: expect.any(Number), location: livePath }]);

      const catalog = await readBackupCatalog(repository, snapshot);
      const shop = catalog.databases.find((database) => database.name === 'shop');
      const table = shop?.relations.find((relation) => relation.name === 'still');
      expect(table).toMatchObject({ schema: 'public', kind: 'r', rows: 60_000, rowsExact: true });
      const toast = shop?.relations.find((relation) => relation.toastOf === table?.oid);
      expect(toast).toMatchObject({ schema: 'pg_toast', kind: 't' });
      expect(await repository.records.list({ kind: 'catalog', source: 'shop' })).toHaveLength(2);

      using restored = await resticRestore(
        resticProgram,
        stored.folder,
        testPassword,
        second.snapshot,
      );
      const dataFolder = join(restored.folder, 'data');
      const mode = lstatSync(dataFolder).mode & 0o777;
      expect(mode).toBe(0o700);
      const tablespace = join(dataFolder, 'pg_tblspc', String(info.tablespaces[0]?.oid));
      expect(lstatSync(tablespace).isDirectory()).toBe(true);
      const names = readdirSync(dataFolder);
      expect(names).toContain('backup_label');
      expect(names.filter((each) => /^(tablespace_map|postmaster\.)/.test(each))).toEqual([]);
      const verify = join(programs, 'pg_verifybackup');
      if (findProgram(verify.slice(1)) ?? readdirSync(programs).includes('pg_verifybackup')) {
        await run(verify, ['-n', dataFolder]);
      }

      await using copy = await startStock(programs, dataFolder);
      for (const each of ['still', 'apart']) {
        const [theirs, ours] = [
          await server.query(fingerprint(each), 'shop'),
          await copy.query(fingerprint(each), 'shop'),
        ];
        expect(ours.rows, each).toEqual(theirs.rows);
      }
      const debit = (await copy.query(fingerprint('debit'), 'shop')).rows[0];
      expect((await copy.query(fingerprint('credit'), 'shop')).rows[0]).toEqual(debit);
      expect(Number(debit.n)).toBeGreaterThan(0);
      expect(Number(debit.n)).toBeLessThanOrEqual(committed);
      // What happens to the copy's tablespace must not happen to the live one.
      await copy.query('delete from apart; vacuum apart; checkpoint', 'shop').catch(() => {});
      await copy.query('truncate apart', 'shop');
      expect((await server.query('select count(*)::int as n from apart', 'shop')).rows).toEqual([
        { n: 5000 },
      ]);
    });
  }

  it('of a standby starts on its own; odd file names and tablespaces in place survive', async (context) => {
    const resticProgram = need(context, restic(), 'no restic on PATH');
    const programs = embeddedPostgresBin();
    const settings = { allow_in_place_tablespaces: 'on' };
    await using primary = await startPostgres({ bin: programs, major: 18, settings });
    await primary.query("create tablespace inside location ''");
    await primary.query('create table t tablespace inside as select 1 as id');
    const oddName = Buffer.from('odd \xff\xfe n\u00e4me', 'latin1');
    writeFileSync(Buffer.concat([Buffer.from(`${primary.dataFolder}/`), oddName]), 'kept', {
      mode: 0o644,
    });
    await using stored = await localRepository();
    const backup = (url: string) =>
      backupPostgres({
        settings: parseConnectionUrl(url),
        source: 'one',
        repository: stored.repository,
      });
    const first = await backup(primary.url());
    expect(first.warnings).toEqual([]);
    using restored = await resticRestore(
      resticProgram,
      stored.folder,
      testPassword,
      first.snapshot,
    );
    const odd = Buffer.concat([Buffer.from(join(restored.folder, 'data/')), oddName]);
    expect(readFileSync(odd, 'utf8')).toBe('kept');
    const dataFolder = join(restored.folder, 'data');
    writeFileSync(join(dataFolder, 'standby.signal'), '');
    await using standby = await startStock(programs, dataFolder, {
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres`,
    });
    await primary.query('insert into t values (2)');
    while ((await standby.query('select count(*)::int as n from t')).rows[0].n < 2) await sleep(20);
    const second = await backup(standby.url());
    expect(second.warnings).toEqual([]);
    using again = await resticRestore(resticProgram, stored.folder, testPassword, second.snapshot);
    expect(existsSync(join(again.folder, 'data/standby.signal'))).toBe(false);
    await using copy = await startStock(programs, join(again.folder, 'data'));
    const found = await copy.query(
      'select array_agg(id order by id) as ids, pg_is_in_recovery() as standby from t',
    );
    expect(found.rows).toEqual([{ ids: [1, 2], standby: false }]);
  });

  it('brings the history of a later timeline along', async (context) => {
    const resticProgram = need(context, restic(), 'no restic on PATH');
    const programs = embeddedPostgresBin();
    await using server = await startPostgres({ bin: programs, major: 18 });
    await server.query('create table t as select 1 as id');
    await using stored = await localRepository();
    const { repository } = stored;
    const first = await backupPostgres({
      settings: parseConnectionUrl(server.url()),
      source: 'one',
      repository,
    });
    using restored = await resticRestore(
      resticProgram,
      stored.folder,
      testPassword,
      first.snapshot,
    );
    const dataFolder = join(restored.folder, 'data');
    writeFileSync(join(dataFolder, 'recovery.signal'), '');
    await using promoted = await startStock(programs, dataFolder, { restore_command: 'false' });
    while ((await promoted.query('select pg_is_in_recovery() as r')).rows[0].r) await sleep(20);
    const second = await backupPostgres({
      settings: parseConnectionUrl(promoted.url()),
      source: 'one',
      repository,
    });
    expect(second.info.timeline).toBe(2);
    using again = await resticRestore(resticProgram, stored.folder, testPassword, second.snapshot);
    const history = readFileSync(join(again.folder, 'data/pg_wal/00000002.history'), 'utf8');
    expect(history).toMatch(/^1\t/);
    await using copy = await startStock(programs, join(again.folder, 'data'));
    expect((await copy.query('select id from t')).rows).toEqual([{ id: 1 }]);
  });

  it('adds a configuration when the server keeps its own elsewhere', async (context) => {
    const resticProgram = need(context, restic(), 'no restic on PATH');
    const programs = embeddedPostgresBin();
    await using made = await startPostgres({ bin: programs, major: 18 });
    await made.stop();
    const outside = join(made.dataFolder, '..');
    for (const file of ['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf']) {
      await run('mv', [join(made.dataFolder, file), join(outside, file)]);
    }
    await using server = await startStock(programs, made.dataFolder, {
      config_file: join(outside, 'postgresql.conf'),
      hba_file: join(outside, 'pg_hba.conf'),
      ident_file: join(outside, 'pg_ident.conf'),
      max_prepared_transactions: '7',
    });
    await using stored = await localRepository();
    const summary = await backupPostgres({
      settings: parseConnectionUrl(server.url()),
      source: 'one',
      repository: stored.repository,
    });
    using restored = await resticRestore(
      resticProgram,
      stored.folder,
      testPassword,
      summary.snapshot,
    );
    const dataFolder = join(restored.folder, 'data');
    const text = readFileSync(join(dataFolder, 'postgresql.conf'), 'utf8');
    expect(text).toContain('max_prepared_transactions = 7');
    expect(readFileSync(join(dataFolder, 'pg_hba.conf'), 'utf8')).not.toMatch(/trust/);
    await using copy = await startStock(programs, dataFolder);
    await expect(copy.query('select 1')).rejects.toThrow(/pg_hba/);
  });
});
