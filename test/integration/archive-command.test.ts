import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { LocalLocation, openRepository } from '../../src/repository/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { freePort, startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { type ServerUnderTest, serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { smallDisk } from '../support/small-disk.ts';

const account = process.getuid?.() === 0 ? ', account: nobody' : '';
const isServed = ({ type }: Record<string, unknown>) => type === 'archive';
const patience = { timeout: 60_000, interval: 100 };

interface Scene extends AsyncDisposable {
  readonly live: TestServer;
  readonly place: Installation;
  readonly restoreCommand: string;
  serve(): Promise<ChildProcess>;
  /** Work that fills so many segments. */
  work(segments: number): Promise<void>;
  /** Resolves when the server says that all it has to archive is archived. */
  archived(): Promise<void>;
}

/** A server that archives through a Lifeboat on the same host. */
async function scene(
  { bin, major }: ServerUnderTest,
  options: { readonly location?: string; readonly isAlone: boolean },
): Promise<Scene> {
  const live = await startPostgres({
    bin: bin as string,
    major,
    settings: { archive_mode: 'on', archive_timeout: '0' },
  });
  const { location, isAlone } = options;
  const place = await installation({
    connection: live.url(),
    ...(location === undefined ? {} : { location }),
  });
  const archive = `{ folder: "${join(place.folder, 'hand over')}"${account}${isAlone ? ', only: true' : ''} }`;
  place.configure({ sourceOptions: `, archive: ${archive}` });
  const printed = (await place.run('archive')).records.at(-1) as Record<string, string>;
  const setting = (printed.archiveCommand as string).replaceAll("'", "''");
  await live.query(`alter system set archive_command = '${setting}'`);
  await live.query('create table ledger (id bigserial primary key, note text not null)');
  return {
    live,
    place,
    restoreCommand: printed.restoreCommand as string,
    async serve() {
      const child = place.spawn('serve');
      await untilRecord(child, isServed);
      await live.query('select pg_reload_conf()');
      return child;
    },
    async work(segments) {
      for (let number = 0; number < segments; number++) {
        await live.query(
          `insert into ledger (note) select md5(i::text) from generate_series(1, 1000) i`,
        );
        await live.query('select pg_switch_wal()');
      }
    },
    async archived() {
      const waiting = `select count(*)::int as count from pg_ls_archive_statusdir() where name ~ 'ready$'`;
      await expect.poll(async () => (await live.query(waiting)).rows[0].count, patience).toBe(0);
    },
    async [Symbol.asyncDispose]() {
      await live[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

const contentSql = `select count(*)::int as count, md5(string_agg(id || note, ',' order by id)) as md5 from ledger`;

/** Each takes half a minute: all of them in the soak and in the matrix. */
const majors = process.env.LIFEBOAT_SOAK ? [13, 15, 18] : [18];

describe.each(serversUnderTest(...majors))('archive_command on $name', (server) => {
  const { bin, major, hasTools } = server;
  // Beside a stream, and alone.
  const isAlone = major === 15;
  let made: Scene;
  let copy: string;

  beforeAll(async () => {
    if (!bin || !hasTools) return;
    made = await scene(server, { isAlone });
    copy = join(made.place.folder, 'copy');
    const from = ['-h', '127.0.0.1', '-p', String(made.live.port), '-U', 'postgres'];
    execFileSync(join(bin, 'pg_basebackup'), [...from, '-D', copy, '-X', 'fetch', '-c', 'fast'], {
      stdio: 'ignore',
    });
    rmSync(join(copy, 'standby.signal'), { force: true });
    if (unprivileged.uid !== undefined) {
      execFileSync('chown', ['-R', `${unprivileged.uid}:${unprivileged.gid}`, copy]);
    }
  });
  afterAll(async () => {
    await made?.[Symbol.asyncDispose]();
  });

  it('stores every segment, whatever is killed, and agrees with the stream', async (context) => {
    need(context, bin && hasTools, `no PostgreSQL ${major} with its tools`);
    const { live, place } = made;
    const first = await made.serve();
    await made.work(2);
    await made.archived();
    await ended(first, 'SIGKILL');
    await made.work(1);
    const again = await made.serve();
    await live.kill();
    // As long as processes of the former are still there, it does not start.
    const started = () => live.start().then(() => true, String);
    await expect.poll(started, patience).toBe(true);
    await made.work(2);
    // What was given up on is tried again at the next switch.
    await made.archived();
    const { rows } = await live.query('select last_archived_wal as name from pg_stat_archiver');
    expect(rows[0].name).toMatch(/^[0-9A-F]{24}$/);
    await expect
      .poll(async () => (await place.run('points')).records[0]?.type, patience)
      .toBe('window');
    const checked = await place.run('check', '--read-data');
    expect(checked.exitCode).toBe(0);
    expect(await ended(again, 'SIGTERM')).toBe(0);
    const location = new LocalLocation(place.repositoryFolder);
    await using repository = await openRepository({
      location,
      password: new Secret('correct horse'),
    });
    const spans = await repository.log('database').coverage();
    expect(spans).toHaveLength(1);
  });

  it('gives it back to a recovery and to a standby of stock PostgreSQL', async (context) => {
    need(context, bin && hasTools, `no PostgreSQL ${major} with its tools`);
    const { live, place } = made;
    const child = await made.serve();
    await made.work(4);
    await made.archived();
    const expected = (await live.query(contentSql)).rows[0];
    const port = await freePort();
    const setting = made.restoreCommand.replaceAll("'", "''");
    appendFileSync(
      join(copy, 'postgresql.auto.conf'),
      `port = ${port}\narchive_mode = off\nhot_standby = on\nrestore_command = '${setting}'\n`,
    );
    writeFileSync(join(copy, 'standby.signal'), '');
    if (unprivileged.uid !== undefined) {
      chownSync(join(copy, 'standby.signal'), unprivileged.uid, unprivileged.gid as number);
    }
    // Of everybody, as /tmp is: nobody replaces the folder of root in it.
    chmodSync(place.folder, 0o1777);
    let said = '';
    const start = () => {
      const started = spawn(join(bin as string, 'postgres'), ['-D', copy], {
        ...unprivileged,
        cwd: place.folder,
        env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      started.stderr?.on('data', (data: Buffer) => {
        said += data.toString();
      });
      return started;
    };
    const content = async () => {
      const client = new pg.Client(
        `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`,
      );
      client.on('error', () => {});
      try {
        await client.connect();
        return (await client.query(contentSql)).rows[0];
      } catch {
        return undefined;
      } finally {
        await client.end().catch(() => {});
      }
    };
    const standby = start();
    try {
      await expect.poll(content, patience).toEqual(expected);
      // The service is away for a moment: a standby waits.
      await ended(child, 'SIGKILL');
      await ended(standby, 'SIGINT');
      // Now as a recovery to the end, which must not take its absence for the end.
      const after = await made.serve();
      await made.work(2);
      await made.archived();
      const newest = (await live.query(contentSql)).rows[0];
      renameSync(join(copy, 'standby.signal'), join(copy, 'recovery.signal'));
      const recovering = start();
      await expect.poll(content, patience).toEqual(newest);
      await expect.poll(() => said, patience).toContain('archive recovery complete');
      expect(existsSync(join(copy, 'recovery.signal'))).toBe(false);
      await ended(recovering, 'SIGINT');
      expect(await ended(after, 'SIGTERM')).toBe(0);
    } catch (error) {
      throw new Error(said.slice(-3000), { cause: error });
    } finally {
      await ended(standby, 'SIGKILL');
    }
  });
});

const [server] = serversUnderTest(18) as [ServerUnderTest];

describe(`archive_command on ${server.name}, when the repository`, () => {
  it('is full, it fails; when there is room again, it goes on', async (context) => {
    need(context, server.bin, 'no PostgreSQL 18');
    using disk = smallDisk(context, 96);
    const location = join(disk.folder, 'repository');
    await using made = await scene(server, { location, isAlone: true });
    const child = await made.serve();
    const alarm = untilRecord(child, ({ type }) => type === 'alarm');
    await untilRecord(child, ({ type }) => type === 'backup');
    await made.archived();
    disk.fill(0);
    await made.work(2);
    expect(await alarm).toMatchObject({ source: 'database', code: 'disk.full' });
    const failed = 'select failed_count > 0 as failed from pg_stat_archiver';
    await expect
      .poll(async () => (await made.live.query(failed)).rows[0].failed, patience)
      .toBe(true);
    disk.makeRoom();
    await made.work(1);
    await made.archived();
    expect(await ended(child, 'SIGTERM')).toBe(0);
    expect((await made.place.run('check', '--read-data')).exitCode).toBe(0);
  });

  it('is away, it fails; when it is back, it goes on', async (context) => {
    need(context, server.bin, 'no PostgreSQL 18');
    await using made = await scene(server, { isAlone: true });
    const child = await made.serve();
    await untilRecord(child, ({ type }) => type === 'backup');
    await made.work(1);
    await made.archived();
    const { repositoryFolder } = made.place;
    renameSync(repositoryFolder, `${repositoryFolder}-away`);
    await made.work(1);
    const failed = 'select failed_count > 0 as failed from pg_stat_archiver';
    await expect
      .poll(async () => (await made.live.query(failed)).rows[0].failed, patience)
      .toBe(true);
    rmSync(repositoryFolder, { recursive: true, force: true });
    renameSync(`${repositoryFolder}-away`, repositoryFolder);
    await made.work(1);
    await made.archived();
    expect(await ended(child, 'SIGTERM')).toBe(0);
    expect((await made.place.run('check', '--read-data')).exitCode).toBe(0);
  });
});
