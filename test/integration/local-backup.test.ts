import { execFile } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/core/index.ts';
import type { Repository } from '../../src/repository/index.ts';
import { backupPostgres, parseConnectionUrl } from '../../src/sources/index.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';
import { startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { resticRestore, startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const run = promisify(execFile);
const restic = () => findProgram('restic-0.19') ?? findProgram('restic');

const fingerprint = (table: string) =>
  `select count(*)::int as n, md5(string_agg(t::text, '|' order by id)) as sum from ${table} t`;
const largeObjects =
  'select count(*)::int as n, md5(string_agg(lo_get(oid)::text, oid::text order by oid)) as sum from pg_largeobject_metadata';

const tablespaceFolder = (server: TestServer, name: string) => join(server.dataFolder, '..', name);

async function makeTablespace(server: TestServer, name: string): Promise<void> {
  const folder = tablespaceFolder(server, name);
  mkdirSync(folder);
  if (unprivileged.uid !== undefined)
    chownSync(folder, unprivileged.uid, unprivileged.gid as number);
  await server.query(`create tablespace ${name} location '${folder}'`);
}

/** Everything that a data directory has besides plain tables. */
async function fill(server: TestServer): Promise<void> {
  await makeTablespace(server, 'elsewhere');
  await server.query('create database shop');
  await server.query(
    `create table still as select n as id, md5(n::text) || repeat('x', n % 300) as v from generate_series(1, 30000) n;
     create index on still (v);
     create table apart (id int primary key, v text) tablespace elsewhere;
     insert into apart select n, md5(n::text) from generate_series(1, 5000) n;
     create unlogged table passing (id int primary key); insert into passing select generate_series(1, 1000);
     select lo_from_bytea(0, decode(repeat(md5(n::text), 500), 'hex')) from generate_series(1, 5) n;
     create table debit (id int primary key, amount int); create table credit (id int primary key, amount int)`,
    'shop',
  );
  writeFileSync(join(server.dataFolder, 'base', 'pgsql_tmp_left_behind'), 'x');
  writeFileSync(join(server.dataFolder, 'added.conf'), '# by hand\n', { mode: 0o644 });
}

/** WAL on another disk: the server follows the link, and so must who reads the files. */
async function moveWal(server: TestServer): Promise<void> {
  await server.stop();
  const elsewhere = join(server.dataFolder, '..', 'wal');
  renameSync(join(server.dataFolder, 'pg_wal'), elsewhere);
  symlinkSync(elsewhere, join(server.dataFolder, 'pg_wal'));
  await server.start();
}

/** Commits pairs of rows, and changes pages, until told to stop. */
function keepWriting(server: TestServer): { stop(): Promise<number> } {
  let stopped = false;
  let last = 0;
  const work = (async () => {
    while (!stopped) {
      const id = last + 1;
      await server.query(
        `begin; insert into debit values (${id}, ${id}); insert into credit values (${id}, ${id}); commit;
         create temp table t${id} as select 1 as id; update apart set v = v where id % 7 = ${id % 7}`,
        'shop',
      );
      last = id;
    }
  })();
  return {
    async stop() {
      stopped = true;
      await work;
      return last;
    },
  };
}

const usual = serversUnderTest(18);

describe.each(usual)('a base backup of $name', ({ major, bin, hasTools }) => {
  it('comes whole from its files as over the connection', async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    const resticProgram = need(context, restic(), 'no restic on PATH');
    await using server = await startPostgres({ bin: programs, major });
    await moveWal(server);
    await fill(server);
    await using stored = await localRepository();
    await using copies = await localRepository();
    // Opened when the data directory was found, and before the server is in backup mode.
    const makeLateTablespace = async () => {
      await makeTablespace(server, 'late');
      await server.query(
        `create table late tablespace late as select n as id, md5(n::text) as v from generate_series(1, 2000) n;
         checkpoint`,
        'shop',
      );
      return copies.repository;
    };
    const backup = (local: string, open?: () => Promise<Repository>) =>
      backupPostgres({
        ...(open ? { alsoTo: [{ name: 'copies', open }] } : {}),
        settings: parseConnectionUrl(server.url('shop')),
        source: 'shop',
        repository: stored.repository,
        local,
        progress: (event) => {
          if (event.type === 'progress' && event.task === 'base-backup') told.push(event);
        },
      });
    const told: Extract<ProgressEvent, { type: 'progress' }>[] = [];
    const session = new pg.Client({ connectionString: server.url('shop') });
    await session.connect();
    await session.query('create temp table own as select generate_series(1, 1000) as id');
    const writer = keepWriting(server);
    const streamed = await backup('never');
    const local = await backup('auto', makeLateTablespace);
    const committed = await writer.stop();
    for (const { done, total = 0, unit } of told) {
      expect([unit, done <= total]).toEqual(['bytes', true]);
    }
    expect(told.at(-1)?.total).toBeGreaterThan(20_000_000);
    await session.end();
    expect([streamed.info.mode, local.info.mode]).toEqual(['streamed', 'local']);
    expect([streamed.warnings, local.warnings]).toEqual([[], []]);
    // The same files are cut in the same way: mostly WAL is new.
    expect(local.bytesNew).toBeLessThan(streamed.bytesNew * 0.8);
    expect(local.info).toMatchObject({
      tablespaces: expect.arrayContaining([
        ...streamed.info.tablespaces,
        { oid: expect.any(Number), location: tablespaceFolder(server, 'late') },
      ]),
      dataChecksums: true,
      damagedPages: [],
    });

    const names: string[][] = [];
    for (const { snapshot } of [streamed, local]) {
      using restored = await resticRestore(resticProgram, stored.folder, testPassword, snapshot);
      const dataFolder = join(restored.folder, 'data');
      names.push(readdirSync(dataFolder).sort());
      expect(readFileSync(join(dataFolder, 'added.conf'), 'utf8')).toBe('# by hand\n');
      expect(existsSync(join(dataFolder, 'base/pgsql_tmp_left_behind'))).toBe(false);
      if (hasTools) {
        await run(join(programs, 'pg_verifybackup'), ['-n', dataFolder]);
        const { stdout } = await run(join(programs, 'pg_controldata'), ['-D', dataFolder], {
          env: { LC_ALL: 'C' },
        });
        expect(stdout).toContain(local.info.systemId);
        expect(stdout).not.toContain('WARNING');
      }
      await using copy = await startStock(programs, dataFolder);
      const late = snapshot === local.snapshot ? [fingerprint('late')] : [];
      for (const query of [fingerprint('still'), fingerprint('apart'), largeObjects, ...late]) {
        const theirs = (await server.query(query, 'shop')).rows;
        expect((await copy.query(query, 'shop')).rows, query).toEqual(theirs);
      }
      expect((await copy.query('select count(*)::int as n from passing', 'shop')).rows).toEqual([
        { n: 0 },
      ]);
      const debit = (await copy.query(fingerprint('debit'), 'shop')).rows[0];
      expect((await copy.query(fingerprint('credit'), 'shop')).rows[0]).toEqual(debit);
      expect(debit.n).toBeGreaterThan(0);
      expect(debit.n).toBeLessThanOrEqual(committed);
      if (hasTools && major >= 14) {
        const url = copy.url('shop');
        await run(join(programs, 'pg_amcheck'), ['--install-missing', '--heapallindexed', url]);
      }
    }
    expect(names[1]).toEqual(names[0]);

    // The server is in no backup mode, and keeps no WAL for us.
    expect(existsSync(join(server.dataFolder, 'backup_label'))).toBe(false);
    const slots = await server.query('select count(*)::int as n from pg_replication_slots');
    expect(slots.rows).toEqual([{ n: 0 }]);
  });
});
