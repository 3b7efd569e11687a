import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { openScratch, type ScratchServer } from '../../src/sources/postgres/restore/index.ts';
import { findServerPrograms } from '../../src/sources/postgres/server/index.ts';
import { isTablespaceCreate, WalReader } from '../../src/wal/index.ts';
import {
  startPostgres,
  type TestServer,
  temporaryFolder,
  unprivileged,
} from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { type ProtectedServer, protectServer, source } from './protected-server.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = temporaryFolder('isolation');
  folders.push(folder);
  await chmod(folder, 0o777);
  return folder;
}

/** A folder that the live server may use as a tablespace. */
async function tablespaceFolder(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path, { recursive: true });
  if (unprivileged.uid !== undefined)
    await chown(path, unprivileged.uid, unprivileged.gid as number);
  return path;
}

/** Names and contents of all files below a folder. */
function hashOf(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const name of names) hash.update(name).update(readFileSync(name));
  return hash.digest('hex');
}

async function ask(scratch: ScratchServer, sql: string, database = 'postgres') {
  const { host, port, user } = scratch.connection(database);
  const client = new pg.Client({ host, port, user, database });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Sockets in state LISTEN (0A) of the network namespace a process is in. */
function listeningSockets(pid: number): string[] {
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .filter((line) => line.trim().split(/\s+/)[3] === '0A'),
  );
}

describe.each(serversUnderTest(15))(
  'a scratch server beside a live one, $name',
  ({ major, bin }) => {
    test('leaves its files, its slots and the network alone, whatever its configuration says', async (context) => {
      const programsFolder = need(context, bin, `no PostgreSQL ${major}`);
      const place = await newFolder();
      const spaces = {
        before: await tablespaceFolder(place, 'before'),
        after: await tablespaceFolder(place, 'after'),
      };
      await using publisher = await startPostgres({
        bin: programsFolder,
        major,
        settings: { wal_level: 'logical' },
      });
      await publisher.query('create table feed (id int primary key)');
      await publisher.query('create publication feed for table feed');
      await using live = await protectServer({ bin: programsFolder, major });
      const finish = await prepareLive(live, publisher, spaces.before);
      const configuration = poison(live.server, place);
      await live.backup();
      writeFileSync(join(live.server.dataFolder, 'postgresql.auto.conf'), configuration);

      // After the base: a tablespace that only the log knows of.
      await live.server.query(`create tablespace after location '${spaces.after}'`);
      await live.server.query(
        'create table kept_after tablespace after as select generate_series(1, 700) as id',
      );
      await live.server.query('alter subscription feed disable');
      await expect
        .poll(async () => (await slotOf(publisher)).active_pid, { timeout: 60_000 })
        .toBeNull();
      await publisher.query('insert into feed select generate_series(1, 50)');
      await live.server.query('checkpoint');
      await finish();
      const files = { before: hashOf(spaces.before), after: hashOf(spaces.after) };
      const slot = await slotOf(publisher);

      const programs = await findServerPrograms(major, { configuredFolder: programsFolder });
      const { repository } = live;
      const scratch = await openScratch({
        repository,
        source,
        target: { kind: 'latest' },
        programs,
      });
      const { dataFolder, socketFolder } = scratch;
      try {
        expect(
          await ask(
            scratch,
            'select (select count(*) from kept_before)::int as b, (select count(*) from kept_after)::int as a',
          ),
        ).toEqual([{ b: 1000, a: 700 }]);
        for (const name of readdirSync(join(dataFolder, 'pg_tblspc'))) {
          expect(() => readlinkSync(join(dataFolder, 'pg_tblspc', name)), name).toThrow('EINVAL');
        }
        expect(
          await ask(
            scratch,
            `select count(*)::int as workers from pg_stat_activity where backend_type like '%logical%'`,
          ),
        ).toEqual([{ workers: 0 }]);
        expect(
          await ask(scratch, 'select subenabled, subslotname, subconninfo from pg_subscription'),
        ).toEqual([{ subenabled: false, subslotname: null, subconninfo: '' }]);
        expect(await ask(scratch, 'select * from pg_replication_slots')).toEqual([]);
        // The libraries that the database asks for do not exist.
        expect(await ask(scratch, 'select 1 as one', 'haunted')).toEqual([{ one: 1 }]);
        const pid = Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')[0]);
        if (scratch.withoutNetwork) {
          expect(readlinkSync(`/proc/${pid}/ns/net`)).not.toBe(readlinkSync('/proc/self/ns/net'));
          expect(listeningSockets(pid)).toEqual([]);
        } else
          expect(process.getuid?.(), 'root always has a network namespace to give').not.toBe(0);
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .filter(Boolean);
        expect(environment.map((entry) => entry.split('=')[0]).sort()).toEqual([
          'HOME',
          'LC_ALL',
          'PATH',
          'TZ',
        ]);

        await ask(scratch, 'delete from kept_before');
        await ask(scratch, 'drop table kept_after');
        await ask(scratch, 'drop tablespace after');
        await ask(scratch, 'select pg_switch_wal()');
        await ask(scratch, 'checkpoint');
      } finally {
        await scratch[Symbol.asyncDispose]();
      }
      expect(existsSync(dataFolder)).toBe(false);
      expect(existsSync(socketFolder)).toBe(false);

      expect({ before: hashOf(spaces.before), after: hashOf(spaces.after) }).toEqual(files);
      expect(await slotOf(publisher)).toEqual(slot);
      expect(readdirSync(place).sort(), 'commands of the hostile configuration ran').toEqual([
        'after',
        'before',
      ]);
      await live.server.stop();
      await live.server.start();
      const { rows } = await live.server.query(
        'select (select count(*) from kept_before)::int as b, (select count(*) from kept_after)::int as a',
      );
      expect(rows).toEqual([{ b: 1000, a: 700 }]);
    });

    test('replays CREATE TABLESPACE in place also where the record is cut by pages and segments', async (context) => {
      const programsFolder = need(context, bin, `no PostgreSQL ${major}`);
      const place = await newFolder();
      await using live = await protectServer({
        bin: programsFolder,
        major,
        initdb: ['--wal-segsize=1'],
        // Without page images the records of a tablespace lie close together.
        settings: { min_wal_size: '8MB', max_wal_size: '64MB', full_page_writes: 'off' },
      });
      const { server, repository } = live;
      const finish = await live.stream();
      await live.backup();
      const deep = Array.from({ length: 4 }, (_, index) => String(index).repeat(190)).join('/');
      const paths: string[] = [];
      const count = 48;
      for (let index = 0; index < count; index++) {
        // Another margin each time, so that the end of the segment meets other parts of the records.
        if (index % 6 === 0) await fillSegment(server, 2000 + index * 17);
        const path = await tablespaceFolder(place, join(`t${index}`, deep));
        await server.query(`create tablespace t${index} location '${path}'`);
        paths.push(path);
      }
      for (let index = 0; index < count; index++) {
        await server.query(
          `create table kept${index} tablespace t${index} as select ${index} as id`,
        );
      }
      await server.query('checkpoint');
      await finish();
      const files = hashOf(place);
      const cut = await cutTablespaceRecords(live);
      expect(cut.byPages).toBeGreaterThan(0);
      expect(cut.bySegments).toBeGreaterThan(0);
      const programs = await findServerPrograms(major, { configuredFolder: programsFolder });
      await using scratch = await openScratch({
        repository,
        source,
        target: { kind: 'latest' },
        programs,
      });
      const names = readdirSync(join(scratch.dataFolder, 'pg_tblspc'));
      expect(names).toHaveLength(paths.length);
      for (const name of names) {
        expect(() => readlinkSync(join(scratch.dataFolder, 'pg_tblspc', name))).toThrow('EINVAL');
      }
      const sum = paths.map((_, index) => `(select id from kept${index})`).join('+');
      expect(await ask(scratch, `select ${sum} as sum`)).toEqual([
        { sum: (count * (count - 1)) / 2 },
      ]);
      expect(hashOf(place)).toBe(files);
    });
  },
);

async function prepareLive(live: ProtectedServer, publisher: TestServer, space: string) {
  const { server } = live;
  await server.query(`create tablespace before location '${space}'`);
  await server.query(
    'create table kept_before tablespace before as select generate_series(1, 1000) as id',
  );
  await server.query('create table feed (id int primary key)');
  const connection = `host=127.0.0.1 port=${publisher.port} user=postgres dbname=postgres`;
  await server.query(`create subscription feed connection '${connection}' publication feed`);
  await server.query('create database haunted');
  await server.query(`alter database haunted set session_preload_libraries = 'no_such_library'`);
  return await live.stream();
}

/** Makes the configuration that the base backup will carry hostile, without the live server reading it; returns the original. */
function poison(server: TestServer, place: string): string {
  const path = join(server.dataFolder, 'postgresql.auto.conf');
  const original = readFileSync(path, 'utf8');
  const trap = (name: string) => `touch ${join(place, name)}; false`;
  const hostile = {
    archive_mode: 'always',
    archive_command: trap('archived'),
    archive_cleanup_command: trap('cleaned'),
    restore_command: trap('restored'),
    recovery_end_command: trap('ended'),
    recovery_target_xid: '3',
    primary_conninfo: `host=127.0.0.1 port=${server.port} user=postgres`,
    primary_slot_name: 'lifeboat_shop',
    shared_preload_libraries: 'no_such_library',
    session_preload_libraries: 'no_such_library',
    local_preload_libraries: 'no_such_library',
    ssl: 'on',
    listen_addresses: '*',
    hot_standby: 'on',
    max_logical_replication_workers: '8',
    hba_file: '/nonexistent',
  };
  for (const [name, value] of Object.entries(hostile))
    appendFileSync(path, `${name} = '${value}'\n`);
  return original;
}

async function slotOf(publisher: TestServer) {
  const { rows } = await publisher.query(
    `select confirmed_flush_lsn::text, active_pid from pg_replication_slots where slot_name = 'feed'`,
  );
  return rows[0];
}

/** Brings the log to about `marginBytes` before the end of a segment of 1 MiB. */
async function fillSegment(server: TestServer, marginBytes: number): Promise<void> {
  const { rows } = await server.query(
    `select (1048576 - (pg_current_wal_insert_lsn() - '0/0') % 1048576)::int as room`,
  );
  const room = rows[0].room;
  // Page headers take their share: 24 bytes of 8192.
  const wanted = Math.floor((room - marginBytes) * (8168 / 8192));
  if (wanted > 0) {
    await server.query(`select pg_logical_emit_message(false, 'fill', repeat('x', ${wanted}))`);
  }
}

/** How many CREATE TABLESPACE records of the log begin in one page, or segment, and end in another. */
async function cutTablespaceRecords(live: ProtectedServer) {
  const log = live.repository.log(source);
  const cut = { byPages: 0, bySegments: 0 };
  for (const { stream, start, end } of await log.coverage()) {
    const reader = new WalReader({ startLsn: start });
    for (const record of reader.read(await log.read(stream, start, end))) {
      if (!isTablespaceCreate(record)) continue;
      const crosses = (size: number) =>
        Math.floor(record.start / size) !== Math.floor((record.end - 1) / size);
      if (crosses(8192)) cut.byPages += 1;
      // Behind its first bytes: the checksum lies in one segment and what it covers in the next.
      if (crosses(2 ** 20) && 2 ** 20 - (record.start % 2 ** 20) > 64) cut.bySegments += 1;
    }
  }
  return cut;
}
