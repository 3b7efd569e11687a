import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { backupPostgres, parseConnectionUrl } from '../../src/sources/index.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { relationFiles } from '../support/relation-files.ts';
import { resticRestore, startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const run = promisify(execFile);

const fill = `
  create table still as select n as id, repeat(md5(n::text), 40) as v from generate_series(1, 80000) n;
  create index on still (id);
  create table touched as select n as id, md5(n::text) as v from generate_series(1, 100000) n;
  create table shrunk as select n as id, md5(n::text) as v from generate_series(1, 60000) n;
  create table emptied as select n as id, md5(n::text) as v from generate_series(1, 30000) n;
  create table dropped as select n as id, md5(n::text) as v from generate_series(1, 30000) n;
  create table debit (id int primary key, amount int); create table credit (id int primary key, amount int);
  vacuum freeze`;

/** Everything that changes files in ways of its own. */
const changes = [
  'update touched set v = v || 1 where id % 9000 = 0',
  'delete from shrunk where id > 20000',
  // Cuts the file, which then grows again.
  'vacuum (freeze) shrunk',
  'insert into shrunk select n, md5((n * 7)::text) from generate_series(1, 30000) n',
  'truncate emptied',
  'insert into emptied select n, md5((n * 5)::text) from generate_series(1, 20000) n',
  'drop table dropped',
  'create table anew as select n as id, md5((n * 3)::text) as v from generate_series(1, 30000) n',
  'create index on touched (id)',
  'reindex table shrunk',
  'create database other',
  'vacuum (freeze, analyze) touched, shrunk, emptied, anew',
];

const tables = ['still', 'touched', 'shrunk', 'emptied', 'anew', 'debit'];
const fingerprint = (table: string) =>
  `select count(*)::int as n, md5(string_agg(t::text, '|' order by id)) as sum from ${table} t`;

function keepWriting(server: TestServer): { stop(): Promise<void> } {
  let stopped = false;
  const work = (async () => {
    for (let id = 1; !stopped; id++) {
      await server.query(
        `begin; insert into debit values (${id}, ${id}); insert into credit values (${id}, ${id});
         update touched set v = v where id = ${id}; commit`,
      );
    }
  })();
  return {
    async stop() {
      stopped = true;
      await work;
    },
  };
}

const isLong =
  process.env.LIFEBOAT_SOAK !== undefined || process.env.LIFEBOAT_TEST_MATRIX === 'all';

const servers = serversUnderTest(13).flatMap((server) =>
  // Older ones are made with page checksums by all tests.
  (isLong && server.major >= 18 ? [true, false] : [true]).map((checksums) => ({
    ...server,
    checksums,
  })),
);

describe.each(servers)(
  'a local backup of $name (page checksums: $checksums)',
  ({ major, bin, hasTools, checksums }) => {
    it('leaves unread what WAL proves unchanged, and restores to the same bytes as one that reads all', async (context) => {
      const programs = need(context, bin, `no PostgreSQL ${major}`);
      const restic = need(
        context,
        findProgram('restic-0.19') ?? findProgram('restic'),
        'no restic',
      );
      await using server = await startPostgres({
        bin: programs,
        major,
        settings: { wal_keep_size: '2GB', max_wal_size: '2GB' },
        ...(checksums ? {} : { initdb: ['--no-data-checksums'] }),
      });
      await server.query(fill.replace('vacuum freeze', ''));
      await server.query('vacuum freeze');
      await using stored = await localRepository();
      const backup = (source: string) =>
        backupPostgres({
          settings: parseConnectionUrl(server.url()),
          source,
          repository: stored.repository,
          local: 'auto',
        });
      const first = await backup('shop');
      expect(first.info).toMatchObject({ mode: 'local' });
      expect(first.info.unreadBytes).toBe(undefined);
      for (const change of changes) await server.query(change);
      // The backup's own queries set hint bits; done once before, both that are compared find the same.
      await backup('warm');
      const some = await backup('shop');
      const all = await backup('fresh');
      expect(some.warnings).toEqual([]);
      expect(all.info.unreadBytes).toBe(undefined);
      expect(some.info.unreadBytes).toBeGreaterThan(60_000_000);
      expect(some.info.wholeReadTime).toBe(first.info.startTime);
      {
        using one = await resticRestore(restic, stored.folder, testPassword, some.snapshot);
        using two = await resticRestore(restic, stored.folder, testPassword, all.snapshot);
        const [ours, theirs] = [one, two].map(({ folder }) =>
          relationFiles(join(folder, 'data')),
        ) as [Map<string, Buffer>, Map<string, Buffer>];
        expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
        const different = [...ours].filter(([path, bytes]) => !theirs.get(path)?.equals(bytes));
        // Without checksums hint bits are set and not logged: those are all that may differ.
        if (checksums) expect(different.map(([path]) => path)).toEqual([]);
        if (hasTools)
          await run(join(programs, 'pg_verifybackup'), ['-n', join(one.folder, 'data')]);
      }

      const writer = keepWriting(server);
      await server.query('update touched set v = v || 2 where id % 7000 = 0');
      const loaded = await backup('shop');
      await writer.stop();
      expect(loaded.info.unreadBytes).toBeGreaterThan(60_000_000);
      using restored = await resticRestore(restic, stored.folder, testPassword, loaded.snapshot);
      await using copy = await startStock(programs, join(restored.folder, 'data'));
      for (const table of tables.filter((each) => each !== 'debit' && each !== 'touched')) {
        const theirs = (await server.query(fingerprint(table))).rows;
        expect((await copy.query(fingerprint(table))).rows, table).toEqual(theirs);
      }
      const touched = 'select count(*)::int as n, sum(length(v))::int as sum from touched';
      expect((await copy.query(touched)).rows).toEqual((await server.query(touched)).rows);
      const debit = (await copy.query(fingerprint('debit'))).rows[0];
      expect((await copy.query(fingerprint('credit'))).rows[0]).toEqual(debit);
      if (hasTools && major >= 14) {
        const url = copy.url();
        await run(join(programs, 'pg_amcheck'), ['--install-missing', '--heapallindexed', url]);
      }

      // After a restart nobody knows what was done to the files meanwhile.
      await server.stop();
      await server.start();
      expect((await backup('shop')).info.unreadBytes).toBe(undefined);
    });
  },
);
