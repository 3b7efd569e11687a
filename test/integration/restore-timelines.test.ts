// Forked timelines of real promotions: the newest is followed, another one only by its name.
import {
  chmodSync,
  chownSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listRecoveryPoints } from '../../src/sources/index.ts';
import type { RecoveryTarget } from '../../src/sources/postgres/backup-info.ts';
import { openScratch, restoreToMoment } from '../../src/sources/postgres/restore/index.ts';
import {
  findServerPrograms,
  type ServerPrograms,
} from '../../src/sources/postgres/server/index.ts';
import { parseLsn, parseSegmentName } from '../../src/wal/index.ts';
import { type TestServer, temporaryFolder, unprivileged } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import {
  contentOfScratch,
  type ProtectedServer,
  protectServer,
  type RecordedMoment,
  source,
} from './protected-server.ts';

const segmentBytes = 2 ** 20;
/** Of each moment. */
const timelines: Record<string, number> = {
  shared: 1,
  lostFirst: 1,
  second: 2,
  third: 3,
  last: 3,
};

/** Stores what lies in pg_wal, as an archive of that server would have it. */
async function archive({ repository }: ProtectedServer, dataFolder: string): Promise<void> {
  const log = repository.log(source);
  const folder = join(dataFolder, 'pg_wal');
  for (const name of readdirSync(folder).sort()) {
    if (statSync(join(folder, name)).isDirectory()) continue;
    const bytes = readFileSync(join(folder, name));
    if (name.endsWith('.history')) await log.appendFile(name, bytes);
    const position = parseSegmentName(name, segmentBytes);
    if (!position) continue;
    const stream = name.slice(0, 8);
    const isHeld = (await log.coverage()).some(
      (span) => span.stream === stream && span.start <= position.start && position.start < span.end,
    );
    if (!isHeld && isWritten(bytes, position.start)) {
      await log.appendSegment(stream, position.start, bytes);
    }
  }
}

/** Segments are made ahead by renaming old ones: the address in the first page says whether it is this one. */
function isWritten(bytes: Buffer, start: bigint): boolean {
  return bytes.length === segmentBytes && bytes.readBigUInt64LE(8) === start;
}

describe.each(serversUnderTest(15))('timelines, $name', ({ name, major, bin }) => {
  let live: ProtectedServer;
  let programs: ServerPrograms;
  let copies: string;
  const moments: Record<string, RecordedMoment> = {};

  const insert = async (server: TestServer, note: string) => {
    await server.query(`insert into ledger (note) values ('${note}')`);
    await server.query(`select pg_logical_emit_message(true, 'fill', repeat('x', 100000))`);
  };

  /** Writes until the present segment is full, so that all of it can be archived. */
  const switchSegment = (server: TestServer) => server.query('select pg_switch_wal()');

  /** Stops the server, keeps a copy of its data, promotes it, and goes on there. */
  const promote = async (server: TestServer, keep: string) => {
    await server.stop();
    const copy = join(copies, keep);
    cpSync(server.dataFolder, copy, { recursive: true });
    const signal = join(server.dataFolder, 'standby.signal');
    writeFileSync(signal, '');
    if (unprivileged.uid !== undefined) chownSync(signal, unprivileged.uid, unprivileged.gid ?? 0);
    await server.start();
    await server.query('select pg_promote()');
  };

  /** Goes on with the copy instead, as an old primary does that nobody stopped; then back to the promoted one. */
  const goOnWithCopy = async (server: TestServer, copy: string, work: () => Promise<void>) => {
    await server.stop();
    const promoted = join(copies, 'promoted');
    cpSync(server.dataFolder, promoted, { recursive: true });
    replaceBy(server, join(copies, copy));
    await server.start();
    await work();
    await archive(live, server.dataFolder);
    await server.stop();
    replaceBy(server, promoted);
    rmSync(promoted, { recursive: true });
    await server.start();
  };

  beforeAll(async () => {
    if (!bin) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    copies = temporaryFolder('timelines');
    live = await protectServer({
      bin,
      major,
      settings: { wal_keep_size: '1GB', max_wal_size: '1GB' },
      initdb: ['--wal-segsize=1'],
    });
    const { server } = live;
    await server.query('create table ledger (id bigserial primary key, note text not null)');
    await live.backup();
    await insert(server, 'before the fork');
    moments.shared = await live.moment();
    await insert(server, 'shared');
    await promote(server, 'first');
    await insert(server, 'second timeline');
    moments.second = await live.moment();
    await insert(server, 'second timeline again');
    await server.query(`select pg_create_restore_point('on the second')`);
    await switchSegment(server);
    await goOnWithCopy(server, 'first', async () => {
      for (let round = 0; round < 40; round++) await insert(server, 'lost on the first');
      moments.lostFirst = await live.moment();
      await insert(server, 'lost on the first, again');
      await server.query(`select pg_create_restore_point('on the lost one')`);
      await switchSegment(server);
    });
    await promote(server, 'third');
    await insert(server, 'third timeline');
    moments.third = await live.moment();
    await insert(server, 'third timeline again');
    moments.last = await live.moment();
    await switchSegment(server);
    await archive(live, server.dataFolder);
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
    if (copies) rmSync(copies, { recursive: true, force: true });
  });

  const at = (target: RecoveryTarget, timeline?: number) =>
    openScratch({
      repository: live.repository,
      source,
      target,
      programs,
      ...(timeline === undefined ? {} : { timeline }),
    });
  const expectContent = async (moment: string, target: RecoveryTarget, timeline?: number) => {
    await using scratch = await at(target, timeline);
    const { count, md5 } = moments[moment] as RecordedMoment;
    expect(await contentOfScratch(scratch), moment).toEqual({ count, md5 });
    expect(scratch.reachedTimeline, moment).toBe(timelines[moment]);
  };
  const position = (moment: string): RecoveryTarget => ({
    kind: 'lsn',
    lsn: (moments[moment] as RecordedMoment).lsn,
    inclusive: false,
  });

  test('the newest is followed, through all its ancestors', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    await expectContent('last', { kind: 'latest' });
    for (const moment of ['shared', 'second', 'third']) {
      await expectContent(moment, position(moment));
    }
    await using scratch = await at({ kind: 'name', name: 'on the second' });
    expect((await contentOfScratch(scratch)).count).toBe(4);
  });

  test('a window says where it leaves each timeline', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { windows } = await listRecoveryPoints({ repository: live.repository, source });
    expect(windows[0]).toMatchObject({ timeline: 3, forks: [{ timeline: 1 }, { timeline: 2 }] });
    const [first, second] = windows[0]?.forks?.map(({ lsn }) => parseLsn(lsn)) ?? [];
    expect(first).toBeGreaterThan((moments.shared as RecordedMoment).lsn);
    expect(first).toBeLessThan((moments.lostFirst as RecordedMoment).lsn);
    expect(second).toBeGreaterThan((moments.second as RecordedMoment).lsn);
  });

  test('a moment of a lost timeline is refused with its name, and reached by it', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { time } = moments.lostFirst as RecordedMoment;
    const lost = { kind: 'name', name: 'on the lost one' } as const;
    for (const target of [position('lostFirst'), lost]) {
      await expect(at(target)).rejects.toMatchObject({
        code: 'target.outside-window',
        message: expect.stringMatching(/lies on timeline 1, .*no part of timeline 3.*part at 0\//),
        hint: expect.stringContaining('--timeline 1'),
      });
    }
    await expectContent('lostFirst', position('lostFirst'), 1);
    await expectContent('lostFirst', { kind: 'time', time }, 1);
    await using scratch = await at(lost, 1);
    expect((await contentOfScratch(scratch)).count).toBe(43);
    // What the branches share needs no name, and has the same content by each.
    await expectContent('shared', position('shared'), 1);
    await expectContent('second', position('second'), 2);
  });

  test('a timeline of which nothing is stored is refused with those that are', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    await expect(at({ kind: 'latest' }, 7)).rejects.toMatchObject({
      code: 'target.outside-window',
      message: expect.stringContaining('timeline 7'),
      hint: expect.stringContaining('1, 2, 3'),
    });
  });

  test('a restore begins a timeline that nobody has', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const folder = join(copies, 'restored');
    chmodSync(copies, 0o755);
    const { repository } = live;
    const target = position('second');
    const restored = await restoreToMoment({ repository, source, target, folder, programs });
    expect(restored.timeline).toBe(4);
  });
});

/** The server is stopped; its data becomes a copy's. */
function replaceBy(server: TestServer, from: string): void {
  for (const entry of readdirSync(server.dataFolder)) {
    rmSync(join(server.dataFolder, entry), { recursive: true });
  }
  cpSync(from, server.dataFolder, { recursive: true });
  if (unprivileged.uid === undefined) return;
  const give = (path: string) => {
    chownSync(path, unprivileged.uid as number, unprivileged.gid as number);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) give(inner);
      else chownSync(inner, unprivileged.uid as number, unprivileged.gid as number);
    }
  };
  give(server.dataFolder);
}
