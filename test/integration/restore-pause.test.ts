// Pause, look, nudge: a copy stands at a moment, open for reading, and goes on until it is the right one.
import { once } from 'node:events';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import {
  openScratch,
  type PausedServer,
  restoreToMoment,
} from '../../src/sources/postgres/restore/index.ts';
import {
  findServerPrograms,
  type ServerPrograms,
} from '../../src/sources/postgres/server/index.ts';
import { spawnLifeboat, untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { untilFlushed } from '../support/until-flushed.ts';
import {
  type ProtectedServer,
  protectServer,
  type RecordedMoment,
  source,
} from './protected-server.ts';

const notes = 'select note from ledger order by id';

async function ask(server: { socketFolder: string; port: number; user: string }, sql: string) {
  const { socketFolder: host, port, user } = server;
  const client = new pg.Client({ host, port, user, database: 'postgres' });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<{ note: string }>(sql)).rows.map(({ note }) => note);
  } finally {
    await client.end();
  }
}

describe.each(serversUnderTest(18))('a copy that stands still, $name', ({ name, major, bin }) => {
  let live: ProtectedServer;
  let programs: ServerPrograms;
  const moments: RecordedMoment[] = [];

  beforeAll(async () => {
    if (!bin) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    // More than what a copy is given by itself: to be read, it needs as much.
    const settings = { max_connections: '120', max_worker_processes: '20' };
    live = await protectServer({ bin, major, settings, initdb: ['--wal-segsize=1'] });
    const { server } = live;
    await server.query('create table ledger (id serial primary key, note text not null)');
    const finish = await live.stream();
    await live.backup();
    for (const note of ['one', 'two', 'three', 'four', 'five']) {
      await server.query(`insert into ledger (note) values ('${note}')`);
      moments.push(await live.moment());
      await server.query('select pg_switch_wal()');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await finish();
    // Raised within the log: 14 and newer stop there by themselves.
    await server.query('alter system set max_connections = 140');
    await server.stop();
    await server.start();
    const finishAgain = await live.stream();
    await server.query(`insert into ledger (note) values ('six')`);
    await finishAgain();
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
  });
  const at = (index: number) =>
    ({ kind: 'lsn', lsn: (moments[index] as RecordedMoment).lsn, inclusive: false }) as const;

  test('shows each moment under one socket, goes only on, and is taken as it stands', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { repository } = live;
    const look = async (server: PausedServer) => {
      expect(await ask(server, notes)).toEqual(['one']);
      await expect(ask(server, 'delete from ledger')).rejects.toThrow(/read-only/);
      const next = await server.nextCommit();
      await server.goOn({ kind: 'lsn', lsn: next?.lsn as never, inclusive: true });
      expect(await ask(server, notes)).toEqual(['one', 'two']);
      const where = await server.where();
      expect(where.lastCommit?.getTime()).toBe(next?.time.getTime());
      await server.goOn({ kind: 'time', time: (moments[3] as RecordedMoment).time });
      expect(await ask(server, notes)).toEqual(['one', 'two', 'three', 'four']);
      await expect(server.goOn(at(1))).rejects.toMatchObject({ code: 'target.behind' });
      expect(await ask(server, notes)).toHaveLength(4);
    };
    await using scratch = await openScratch({
      repository,
      source,
      target: at(0),
      programs,
      look,
    });
    expect(await ask(scratch, notes)).toEqual(['one', 'two', 'three', 'four']);
    await ask(scratch, `insert into ledger (note) values ('mine')`);
    expect(await ask(scratch, notes)).toHaveLength(5);
  });

  test('a folder that is restored is taken as it stands, at the end of the log too', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { repository } = live;
    const parent = temporaryFolder('pause');
    chmodSync(parent, 0o755);
    const folder = join(parent, 'restored');
    try {
      const look = async (server: PausedServer) => {
        await server.goOn({ kind: 'latest' });
        expect(await server.nextCommit()).toBeUndefined();
        expect(await ask(server, notes)).toHaveLength(6);
        // Whoever starts it now by hand gets no server of it.
        await expect(startStock(bin, folder)).rejects.toThrow();
      };
      await restoreToMoment({ repository, source, target: at(0), folder, programs, look });
      await using stock = await startStock(bin, folder);
      expect((await stock.query(notes)).rows).toHaveLength(6);
      expect((await stock.query('show archive_mode')).rows).toEqual([{ archive_mode: 'off' }]);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  });

  test('one that is given up leaves nothing', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { repository } = live;
    let socketFolder = '';
    const look = async (server: PausedServer) => {
      socketFolder = server.socketFolder;
      throw new Error('no');
    };
    await expect(
      openScratch({ repository, source, target: at(0), programs, look }),
    ).rejects.toThrow('no');
    expect(existsSync(socketFolder)).toBe(false);
  });
});

describe('by command', () => {
  const bin = embeddedPostgresBin();
  let server: TestServer;
  let place: Installation;
  let position: string;

  beforeAll(async () => {
    server = await startPostgres({ bin, major: 18, initdb: ['--wal-segsize=1'] });
    place = await installation({ connection: server.url(), programs: bin });
    await server.query('create table ledger (id serial primary key, note text)');
    const service = place.spawn('serve');
    await untilRecord(service, ({ type }) => type === 'backup');
    await server.query(`insert into ledger (note) values ('one')`);
    position = (await server.query('select pg_current_wal_insert_lsn()::text as lsn')).rows[0].lsn;
    for (const note of ['two', 'three', 'four']) {
      await server.query(`insert into ledger (note) values ('${note}')`);
    }
    await untilFlushed(server);
    expect(await ended(service, 'SIGTERM')).toBe(0);
  });
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it('goes on and back by the words of a script, until one is accepted', async () => {
    const config = join(place.folder, 'lifeboat.yaml');
    const child = spawnLifeboat(
      ['open', '--at', position, '--pause', '--config', config, '--json'],
      {
        stdin: 'pipe',
        env: { TMPDIR: place.temporaryFolder },
      },
    );
    child.stderr?.resume();
    // No progress of anything that is not under way.
    const underWay = new Set<unknown>();
    const strays: unknown[] = [];
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      const { type, task } = JSON.parse(line);
      if (type === 'task-begin') underWay.add(task);
      if (type === 'task-end') underWay.delete(task);
      if (type === 'task-progress' && !underWay.has(task)) strays.push(line);
    });
    const closed = once(child, 'close');
    const say = async (line: string, type = 'paused') => {
      const answer = untilRecord(child, (record) => record.type === type);
      child.stdin?.write(`${line}\n`);
      return (await answer) as never as { socketFolder: string; port: number; user: string };
    };
    const first = await untilRecord(child, ({ type }) => type === 'paused');
    expect(await ask(first as never, notes)).toEqual(['one']);
    expect(await ask(await say('next'), notes)).toEqual(['one', 'two']);
    expect(await ask(await say('to latest'), notes)).toHaveLength(4);
    expect(await say('drop everything', 'warning')).toMatchObject({
      message: expect.stringContaining('drop everything'),
    });
    expect(await say('next', 'warning')).toMatchObject({
      message: expect.stringContaining('last'),
    });
    expect(await ask(await say(`to ${position}`), notes)).toEqual(['one']);
    const opened = await say('accept', 'open');
    expect(await ask(opened, `insert into ledger (note) values ('mine') returning note`)).toEqual([
      'mine',
    ]);
    child.kill('SIGINT');
    expect((await closed)[0]).toBe(0);
    expect(strays).toEqual([]);
    expect(existsSync(opened.socketFolder)).toBe(false);
  });
});
