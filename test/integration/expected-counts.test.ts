// Rows counted at a baseline, carried to another position by the log, are what is there after a restore to that position.
import { execFile } from 'node:child_process';
import { chownSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExpectedCounts, expectedCountsAt } from '../../src/recovery/index.ts';
import { collectBaseline } from '../../src/sources/postgres/baseline/collect-baseline.ts';
import { storeBaseline } from '../../src/sources/postgres/baseline/stored-baselines.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { openScratch, type ScratchServer } from '../../src/sources/postgres/restore/index.ts';
import {
  findServerPrograms,
  type ServerPrograms,
} from '../../src/sources/postgres/server/index.ts';
import { type Lsn, parseLsn } from '../../src/wal/index.ts';
import { temporaryFolder, unprivileged } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { type ProtectedServer, protectServer, source } from './protected-server.ts';

const run = promisify(execFile);
const missingServer = 'no server programs of this version';

const schema = `
  create table plain (id bigserial primary key, note text, changed_at timestamptz default now());
  create table busy (id bigserial primary key, n int);
  create table sub (id int); create table prepared (id int); create table copied (id int);
  create table upserted (id int primary key, n int);
  create table part (id int, region int) partition by list (region);
  create table part_a partition of part for values in (1);
  create table part_b partition of part for values in (2);
  create table truncated (id int); create table twice (id int); create table emptied (id int);
  create table hot (id int primary key, n int) with (fillfactor = 50);
  create table vacuumed (id int primary key, note text); create table clustered (id int primary key);
  create table altered (id int); create table dropped (id int);
  create unlogged table unlogged (id int);
  create materialized view seen as select count(*) as n from hot;
  insert into plain (note) select md5(i::text) from generate_series(1, 400) i;
  insert into part select i, 1 from generate_series(1, 100) i;
  insert into hot select i, 0 from generate_series(1, 200) i;
  insert into vacuumed select i, repeat('x', 3000) from generate_series(1, 150) i;
  insert into clustered select generate_series(1, 90);
  insert into altered select generate_series(1, 70); insert into truncated select generate_series(1, 60);
  insert into emptied select generate_series(1, 30); insert into twice select generate_series(1, 20);
  insert into dropped select 1; insert into unlogged select generate_series(1, 10)`;

describe.each(serversUnderTest(18))('row counts carried by the log, $name', (under) => {
  let live: ProtectedServer;
  let programs: ServerPrograms;
  const clients: pg.Client[] = [];
  const marks: Lsn[] = [];
  const folders: string[] = [];

  async function session(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: live.server.url() });
    client.on('error', () => {});
    await client.connect();
    clients.push(client);
    return client;
  }

  async function mark(): Promise<void> {
    const { rows } = await live.server.query('select pg_current_wal_insert_lsn()::text as lsn');
    marks.push(parseLsn(rows[0].lsn));
  }

  beforeAll(async () => {
    const { bin, major } = under;
    if (!bin) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    live = await protectServer({ bin, major, settings: { max_prepared_transactions: '5' } });
    const { server, repository } = live;
    await server.query(schema);
    const finish = await live.stream();
    await live.backup();

    // Busy all the while, so that the counts are taken amid commits.
    let isStopped = false;
    const writers = [1, 2, 3].map(async (number) => {
      const client = await session();
      for (let round = 0; !isStopped; round++) {
        await client.query('insert into busy (n) select generate_series(1, 3)');
        await client.query(
          'insert into upserted values ($1, 0) on conflict (id) do update set n = upserted.n + 1',
          [round],
        );
        if (round % 3 === number % 3)
          await client.query('delete from busy where id % 11 = $1', [round % 11]);
        await client.query('update hot set n = n + 1 where id = $1', [1 + (round % 200)]);
      }
    });

    // Began long before: its first records lie before the last checkpoint.
    const long = await session();
    await long.query(
      'begin; insert into plain (note) select md5(i::text) from generate_series(1, 11) i',
    );
    await long.query(
      'savepoint kept; insert into sub select generate_series(1, 7); savepoint gone; insert into sub select generate_series(1, 500); rollback to gone',
    );
    await server.query('checkpoint');
    const undone = await session();
    await undone.query(
      'begin; delete from plain where id < 100; insert into sub select generate_series(1, 50)',
    );
    await server.query(
      "begin; insert into prepared select generate_series(1, 13); prepare transaction 'one'",
    );
    await server.query(
      "begin; insert into prepared select generate_series(1, 17); prepare transaction 'two'",
    );

    const settings = parseConnectionUrl(server.url());
    const { baseline } = await collectBaseline(settings, 'timer', {});
    await storeBaseline(repository, source, baseline);

    await long.query('release kept; delete from plain where id between 300 and 305; commit');
    await server.query("commit prepared 'one'");
    await undone.query('rollback');
    await server.query("copy copied from program 'seq 1 1234'");
    await server.query('update part set region = 2 where id <= 40; delete from part where id > 95');
    await server.query('vacuum full vacuumed');
    await server.query('delete from vacuumed where id <= 30');
    await mark();
    await server.query("rollback prepared 'two'");
    await server.query(
      'begin; delete from clustered where id <= 5; cluster clustered using clustered_pkey; insert into clustered values (1001), (1002); commit',
    );
    await server.query('truncate truncated; insert into truncated select generate_series(1, 9)');
    await server.query(
      'begin; truncate twice; insert into twice select generate_series(1, 4); truncate twice; insert into twice values (1); commit',
    );
    await server.query('delete from emptied');
    await server.query('vacuum emptied');
    await server.query(
      "alter table altered alter column id type text using id::text; insert into altered values ('x')",
    );
    await server.query(
      'drop table dropped; create table made as select generate_series(1, 21) as id',
    );
    await server.query('refresh materialized view seen; update hot set n = n + 1');
    await server.query(
      'begin; insert into sub select 1; savepoint a; insert into sub select 2; savepoint b; delete from sub where id = 7; release b; release a; commit',
    );
    isStopped = true;
    await Promise.all(writers);
    await mark();
    if (under.hasTools) await countOnStandby(bin);
    await finish();
  });

  /** Counted on a standby, amid commits that it replays. */
  async function countOnStandby(bin: string): Promise<void> {
    const { server, repository } = live;
    const folder = temporaryFolder('standby');
    folders.push(folder);
    if (unprivileged.uid !== undefined) chownSync(folder, unprivileged.uid, unprivileged.gid ?? 0);
    const data = join(folder, 'data');
    const args = ['-D', data, '-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', '-R'];
    const options = { ...unprivileged, cwd: folder };
    await run(join(bin, 'pg_basebackup'), [...args, '--checkpoint=fast', '--no-sync'], options);
    await using standby = await startStock(bin, data, { hot_standby: 'on' });
    let isStopped = false;
    const writer = (async () => {
      while (!isStopped)
        await server.query('insert into busy (n) values (1); delete from busy where n = 2');
    })();
    const there = parseConnectionUrl(standby.url());
    const { baseline } = await collectBaseline(there, 'timer', {});
    expect(baseline.databases[0]?.moment.counted.kind).toBe('replay');
    await storeBaseline(repository, source, baseline);
    isStopped = true;
    await writer;
    await server.query('delete from plain where id % 2 = 0; insert into copied values (1)');
    await mark();
  }

  afterAll(async () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    for (const client of clients) await client.end().catch(() => {});
    await live?.[Symbol.asyncDispose]();
  });

  async function at(lsn: Lsn) {
    const { repository } = live;
    const scratch = await openScratch({
      repository,
      source,
      target: { kind: 'lsn', lsn, inclusive: false },
      programs,
    });
    const { reachedLsn, reachedTimeline: timeline } = scratch;
    const counts = await expectedCountsAt({ repository, source, lsn: reachedLsn, timeline });
    return { scratch, counts };
  }

  async function compare(scratch: ScratchServer, counts: ExpectedCounts) {
    const { host, port, user, database } = scratch.connection('postgres');
    const client = new pg.Client({ host, port, user, database });
    await client.connect();
    try {
      const { rows } =
        await client.query(`select c.oid, c.relname as name, pg_relation_filenode(c.oid) as filenode,
          case when c.reltablespace = 0 then d.dattablespace else c.reltablespace end as tablespace, d.oid as database
        from pg_class c join pg_database d on d.datname = current_database()
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'm') order by c.relname`);
      const found: Record<string, unknown> = {};
      const expected: Record<string, unknown> = {};
      for (const { name, ...table } of rows) {
        const answer = counts.rowsOf(table);
        const counted = await client.query(`select count(*)::int as n from only "${name}"`);
        found[name] = counted.rows[0].n;
        expected[name] = 'rows' in answer ? answer.rows : answer.unknown;
      }
      const oids = new Set<number>(rows.map(({ oid }) => oid));
      return { found, expected, missing: counts.missing(rows[0].database, oids) };
    } finally {
      await client.end();
    }
  }

  test('at every position', { timeout: 120_000 }, async (context) => {
    need(context, under.bin, missingServer);
    const { scratch, counts } = await at(marks[0] as Lsn);
    await using _ = scratch;
    expect(counts.why).toBeUndefined();
    const first = await compare(scratch, counts);
    expect(first.expected).toEqual(first.found);
    expect(first.found).toMatchObject({
      copied: 1234,
      prepared: 13,
      part_b: 40,
      vacuumed: 120,
      dropped: 1,
      unlogged: 0,
    });
    expect(first.missing).toEqual([]);
  });

  test('after files were changed too, or it says that it does not know', {
    timeout: 120_000,
  }, async (context) => {
    need(context, under.bin, missingServer);
    const { scratch, counts } = await at(marks[1] as Lsn);
    await using _ = scratch;
    const { found, expected, missing } = await compare(scratch, counts);
    const { twice, ...known } = expected;
    const { twice: one, ...counted } = found;
    expect(known).toEqual(counted);
    expect([twice, one]).toEqual(['the log does not tell how many of its rows went', 1]);
    expect(found).toMatchObject({
      clustered: 87,
      truncated: 9,
      altered: 71,
      made: 21,
      emptied: 0,
    });
    expect(missing).toEqual([]);
  });

  test('from a standby', { timeout: 120_000 }, async (context) => {
    need(context, under.bin, missingServer);
    need(context, under.hasTools ? true : undefined, 'no pg_basebackup');
    const { scratch, counts } = await at(marks[2] as Lsn);
    await using _ = scratch;
    const { found, expected } = await compare(scratch, counts);
    // A commit that was being replayed at that very moment may or may not be in the count.
    const { busy, ...known } = expected;
    const { busy: counted, ...others } = found;
    expect(known).toEqual(others);
    expect([counted, 'the log does not tell how many of its rows went']).toContain(busy);
    expect(found).toMatchObject({ copied: 1235, twice: 1 });
  });

  test('knows nothing where there is no baseline before', async (context) => {
    need(context, under.bin, missingServer);
    const { repository } = live;
    const lsn = parseLsn('0/1000028');
    const counts = await expectedCountsAt({ repository, source, lsn, timeline: 1 });
    expect(counts.why).toMatch(/no baseline/);
    const elsewhere = { repository, source, lsn: marks[0] as Lsn, timeline: 2 };
    expect((await expectedCountsAt(elsewhere)).why).toMatch(/no baseline/);
    const quick = { ...elsewhere, timeline: 1, mostLogBytes: 1 };
    expect((await expectedCountsAt(quick)).why).toMatch(/more than a quick look reads/);
    expect(counts.rowsOf({ database: 1, oid: 1, filenode: 1, tablespace: 1663 })).toHaveProperty(
      'unknown',
    );
  });
});
