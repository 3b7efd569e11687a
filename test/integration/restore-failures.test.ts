import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import { openScratch, restoreToMoment } from '../../src/sources/postgres/restore/index.ts';
import {
  chooseServerAccount,
  findServerPrograms,
  type ServerPrograms,
  sweepScratch,
} from '../../src/sources/postgres/server/index.ts';
import { readSpool, type SpoolReader } from '../../src/sources/postgres/stream/spool-reader.ts';
import { lsn, parseLsn, segmentName } from '../../src/wal/index.ts';
import { temporaryFolder, unprivileged } from '../support/postgres.ts';
import { postgresBin } from '../support/programs.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import {
  contentOfScratch,
  type ProtectedServer,
  protectServer,
  type RecordedMoment,
  source,
  withLog,
} from './protected-server.ts';

describe.each(serversUnderTest('npm'))('on $name', ({ major, bin: programsFolder }) => {
  const bin = programsFolder ?? '';
  beforeEach((context) => void need(context, programsFolder, `no PostgreSQL ${major}`));
  const segmentBytes = 2n ** 20n;
  const folders: string[] = [];
  let live: ProtectedServer;
  let programs: ServerPrograms;
  const moments: RecordedMoment[] = [];
  let base: { startLsn: string; stopLsn: string };

  async function newFolder(): Promise<string> {
    const parent = temporaryFolder('restore');
    folders.push(parent);
    await chmod(parent, 0o755);
    return join(parent, 'restored');
  }

  /** 500 more rows and some megabytes of log. */
  async function moreRows(): Promise<void> {
    await live.server.query(
      'insert into ledger (note) select md5(i::text) from generate_series(1, 500) i',
    );
    await live.server.query(`select pg_logical_emit_message(false, 'fill', repeat('x', 3000000))`);
    await live.server.query('insert into ledger (note) values (now()::text)');
  }

  beforeAll(async () => {
    if (!programsFolder) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    live = await protectServer({ bin, major, initdb: ['--wal-segsize=1'] });
    await live.server.query('create table ledger (id bigserial primary key, note text not null)');
    const finish = await live.stream();
    base = await live.backup();
    for (let round = 0; round < 3; round++) {
      await moreRows();
      moments.push(await live.moment());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await moreRows();
    await finish();
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  const scratchAt = (
    target: Parameters<typeof openScratch>[0]['target'],
    repository = live.repository,
  ) => openScratch({ repository, source, target, programs });

  describe('a moment that cannot be recovered', () => {
    test('before the first: the error names the first', async () => {
      await expect(
        scratchAt({ kind: 'lsn', lsn: lsn(4096n), inclusive: false }),
      ).rejects.toMatchObject({
        code: 'target.outside-window',
        message: expect.stringContaining(base.stopLsn),
        context: { after: base.stopLsn },
      });
      await expect(scratchAt({ kind: 'time', time: new Date(0) })).rejects.toMatchObject({
        code: 'target.outside-window',
        message: expect.stringMatching(/1970.*the first one after it is 20/),
      });
    });

    test('after the last: the error names the last', async () => {
      const [last] = (await live.repository.log(source).coverage()).toReversed();
      const beyond = lsn((last?.end ?? 0n) + 1n);
      await expect(scratchAt({ kind: 'lsn', lsn: beyond, inclusive: false })).rejects.toMatchObject(
        {
          code: 'target.outside-window',
          message: expect.stringMatching(/the last moment before it is 0\//),
          hint: expect.stringContaining('latest'),
        },
      );
      await expect(scratchAt({ kind: 'time', time: new Date('2100-01-01') })).rejects.toMatchObject(
        {
          code: 'target.outside-window',
          message: expect.stringMatching(/2100.*the last moment before it is 20/),
        },
      );
    });

    test('another source', async () => {
      const { repository } = live;
      await expect(
        openScratch({ repository, source: 'other', target: { kind: 'latest' }, programs }),
      ).rejects.toMatchObject({ code: 'repository.snapshot-missing' });
    });
  });

  test('a missing segment is named, for what lies behind it and for latest; before it all is well', async () => {
    const second = moments[1] as RecordedMoment;
    const hole = second.lsn - (second.lsn % segmentBytes) + segmentBytes;
    const name = segmentName(1, hole, Number(segmentBytes));
    const repository = withLog(live.repository, (log) => ({
      coverage: async (signal) =>
        (await log.coverage(signal)).flatMap((span) =>
          span.start <= hole && hole < span.end
            ? [
                { ...span, end: hole },
                { ...span, start: hole + segmentBytes },
              ]
            : [span],
        ),
    }));
    const behind = (moments[2] as RecordedMoment).lsn;
    await expect(
      scratchAt({ kind: 'lsn', lsn: behind, inclusive: false }, repository),
    ).rejects.toMatchObject({
      code: 'target.outside-window',
      message: expect.stringContaining(name),
      context: { missingSegment: name },
    });
    await expect(scratchAt({ kind: 'latest' }, repository)).rejects.toMatchObject({
      code: 'log.gap',
      message: expect.stringContaining(name),
    });
    await using scratch = await scratchAt(
      { kind: 'lsn', lsn: second.lsn, inclusive: false },
      repository,
    );
    expect(await contentOfScratch(scratch)).toEqual({ count: second.count, md5: second.md5 });
  });

  test('a storage error in the middle aborts the recovery, which is not taken for the end of the log', async () => {
    const failure = new LifeboatError('location.unreachable', 'the storage is gone', {
      retryable: true,
    });
    const middle = (moments[1] as RecordedMoment).lsn;
    const repository = withLog(live.repository, (log) => ({
      read: async (stream, start, end, signal) => {
        // Not at the end of the log, which is looked at before anything is restored.
        if (start > middle && start < middle + 2n * segmentBytes) throw failure;
        return await log.read(stream, start, end, signal);
      },
    }));
    const folder = await newFolder();
    const second = (moments[2] as RecordedMoment).lsn;
    await expect(
      restoreToMoment({
        repository,
        source,
        target: { kind: 'lsn', lsn: second, inclusive: false },
        folder,
        programs,
      }),
    ).rejects.toBe(failure);
    // Not promoted: no new timeline was begun.
    expect(readdirSync(join(folder, 'pg_wal')).filter((name) => name.endsWith('.history'))).toEqual(
      [],
    );
    expect(existsSync(join(folder, 'recovery.signal'))).toBe(true);
  });

  test('damage in the middle of the log is not taken for its end', async () => {
    const middle = (moments[1] as RecordedMoment).lsn;
    const repository = withLog(live.repository, (log) => ({
      read: async (stream, start, end, signal) => {
        const bytes = await log.read(stream, start, end, signal);
        if (start <= middle && middle < end)
          bytes.fill(0xee, Number(middle - start), Number(middle - start) + 64);
        return bytes;
      },
    }));
    await expect(scratchAt({ kind: 'latest' }, repository)).rejects.toMatchObject({
      code: 'recovery.failed',
      hint: expect.stringContaining('check'),
    });
  });

  test('programs of another major version are refused before anything is written', async (context) => {
    const otherMajor = major === 15 ? 18 : 15;
    const other = need(context, postgresBin(otherMajor), `no PostgreSQL ${otherMajor}`);
    const wrong = await findServerPrograms(otherMajor, { configuredFolder: other });
    const folder = await newFolder();
    await expect(
      restoreToMoment({
        repository: live.repository,
        source,
        target: { kind: 'latest' },
        folder,
        programs: wrong,
      }),
    ).rejects.toMatchObject({
      code: 'postgres.wrong-major',
      hint: expect.stringContaining(`${major}`),
    });
    expect(existsSync(folder)).toBe(false);
  });

  test('a folder that is not empty is left as it is', async () => {
    const folder = await newFolder();
    await mkdir(folder);
    await writeFile(join(folder, 'precious'), '');
    await expect(
      restoreToMoment({
        repository: live.repository,
        source,
        target: { kind: 'latest' },
        folder,
        programs,
      }),
    ).rejects.toMatchObject({
      code: 'target.not-empty',
      message: expect.stringContaining('precious'),
    });
    expect(readdirSync(folder)).toEqual(['precious']);
  });

  test('a full disk is told, and what is there cannot be started', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can mount a small file system');
    const mount = dirname(await newFolder());
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=755', 'lifeboat-test', mount], {
        stdio: 'ignore',
      });
    } catch {
      return context.skip('this machine lets nobody mount');
    }
    try {
      const folder = join(mount, 'restored');
      await expect(
        restoreToMoment({
          repository: live.repository,
          source,
          target: { kind: 'latest' },
          folder,
          programs,
        }),
      ).rejects.toMatchObject({
        code: 'disk.full',
        hint: expect.stringContaining('cannot be started'),
      });
      expect(existsSync(join(folder, 'global/pg_control'))).toBe(false);
    } finally {
      execFileSync('umount', [mount]);
    }
  });

  test('an abort ends it, and leaves no scratch server', async () => {
    // A folder of its own: others on this machine have scratch servers too.
    const parent = dirname(await newFolder());
    for (const when of ['restore-files', 'replay']) {
      const stop = new AbortController();
      await expect(
        openScratch({
          repository: live.repository,
          source,
          target: { kind: 'latest' },
          programs,
          folder: parent,
          signal: stop.signal,
          progress: (event) => {
            if (event.type === 'progress' && event.task === when) stop.abort();
          },
        }),
      ).rejects.toMatchObject({ code: 'cancelled' });
    }
    expect(readdirSync(parent)).toEqual([]);
  });

  const killedRestore = `
  import { Secret } from ${JSON.stringify(join(import.meta.dirname, '../../src/core/index.ts'))};
  import { LocalLocation } from ${JSON.stringify(join(import.meta.dirname, '../../src/repository/index.ts'))};
  import { openRepository } from ${JSON.stringify(join(import.meta.dirname, '../../src/repository/open-repository.ts'))};
  import { restoreToMoment } from ${JSON.stringify(join(import.meta.dirname, '../../src/sources/postgres/restore/index.ts'))};
  import { findServerPrograms } from ${JSON.stringify(join(import.meta.dirname, '../../src/sources/postgres/server/index.ts'))};
  const [place, source, folder, bin, major, task, count] = process.argv.slice(1);
  const repository = await openRepository({ location: new LocalLocation(place), password: new Secret('test') });
  const programs = await findServerPrograms(Number(major), { configuredFolder: bin });
  let seen = 0;
  await restoreToMoment({ repository, source, target: { kind: 'latest' }, folder, programs, progress: (event) => {
    if (event.type === 'progress' && event.task === task && ++seen === Number(count)) process.kill(process.pid, 'SIGKILL');
  } });
  await repository[Symbol.asyncDispose]();
`;

  test.each([
    ['restore-files', 1],
    ['replay', 1],
    ['replay', 9],
  ])('kill -9 in %s (%i), then again into a new folder', async (task, count) => {
    const folder = await newFolder();
    const args = [live.location.path, source, folder, bin, String(major), task, String(count)];
    const child = spawn(process.execPath, ['--input-type=module', '-e', killedRestore, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    await sweepScratch();

    // What is left does not start as a server.
    const server = spawn(
      programs.postgres,
      ['-D', folder, '-c', 'listen_addresses=', '-c', 'unix_socket_directories='],
      {
        ...unprivileged,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let log = '';
    server.stderr.on('data', (data: Buffer) => {
      log += data.toString();
      if (log.includes('ready to accept')) server.kill('SIGQUIT');
    });
    await once(server, 'close');
    expect(log).not.toContain('ready to accept');
    const { repository } = live;
    await expect(
      restoreToMoment({ repository, source, target: { kind: 'latest' }, folder, programs }),
    ).rejects.toMatchObject({ code: 'target.not-empty' });

    const again = await restoreToMoment({
      repository,
      source,
      target: { kind: 'latest' },
      folder: await newFolder(),
      programs,
    });
    expect(again.reachedLsn).toBeGreaterThan(moments.at(-1)?.lsn ?? 0n);
    expect(again.account).toBe((await chooseServerAccount())?.name);
  });

  describe('later in the life of the source', () => {
    test('what only the spool holds is restored where the spool survives, torn at its end or not', async () => {
      await moreRows();
      const early = await live.moment();
      await moreRows();
      const late = await live.moment();
      await live.streamToSpoolOnly();
      const spool = (await readSpool(live.spoolFolder)) as SpoolReader;
      const { repository } = live;
      const latest = { kind: 'latest' } as const;
      {
        await using scratch = await openScratch({ repository, source, target: latest, programs });
        expect((await contentOfScratch(scratch)).count).toBeLessThan(early.count);
      }
      {
        await using scratch = await openScratch({
          repository,
          source,
          target: latest,
          programs,
          spool,
        });
        expect(await contentOfScratch(scratch)).toEqual({ count: late.count, md5: late.md5 });
      }
      const torn: SpoolReader = {
        ...spool,
        read: async (timeline, start, end) => {
          const bytes = await spool.read(timeline, start, end);
          const newest = (await spool.spans()).at(-1)?.end ?? 0n;
          if (end === newest) bytes.fill(0, bytes.length - 40);
          return bytes;
        },
      };
      await using scratch = await openScratch({
        repository,
        source,
        target: latest,
        programs,
        spool: torn,
      });
      const content = await contentOfScratch(scratch);
      expect(content.count).toBeGreaterThanOrEqual(early.count);
      expect(content.count).toBeLessThan(late.count);
    });

    test('a cluster whose superuser has another name', async () => {
      const { server, repository } = live;
      const finish = await live.stream();
      await server.query('create role boss superuser login');
      const boss = new pg.Client({ connectionString: server.url().replace('postgres@', 'boss@') });
      await boss.connect();
      await boss.query('alter role postgres rename to captain');
      const { rows } = await boss.query('select pg_current_wal_insert_lsn()::text as lsn');
      await boss.query('alter role captain rename to postgres');
      await boss.end();
      await moreRows();
      await finish();
      const target = { kind: 'lsn', lsn: parseLsn(rows[0].lsn), inclusive: false } as const;
      await using scratch = await openScratch({ repository, source, target, programs });
      expect(scratch.user).toBe('captain');
      expect((await contentOfScratch(scratch)).count).toBeGreaterThan(0);
    });

    test('a subscription of a restored folder does not start by itself', async () => {
      const { server, repository } = live;
      const finish = await live.stream();
      await server.query(
        `create subscription feed connection 'host=/nowhere' publication feed with (connect = false)`,
      );
      await server.query(
        `set allow_system_table_mods = on; update pg_subscription set subenabled = true`,
      );
      await moreRows();
      await finish();
      const folder = await newFolder();
      const restored = await restoreToMoment({
        repository,
        source,
        target: { kind: 'latest' },
        folder,
        programs,
      });
      expect(restored.notes).toContainEqual(
        expect.stringContaining('subscription feed is disabled'),
      );
    });

    test('across a change of timeline', async () => {
      const { server, repository } = live;
      const finishFirst = await live.stream();
      await moreRows();
      await finishFirst();
      await server.stop();
      await writeFile(join(server.dataFolder, 'standby.signal'), '');
      if (unprivileged.uid !== undefined)
        await chmod(join(server.dataFolder, 'standby.signal'), 0o644);
      await server.start();
      await server.query('select pg_promote()');
      const finish = await live.stream();
      await moreRows();
      const moment = await live.moment();
      await moreRows();
      const last = await live.moment();
      await finish();
      {
        await using scratch = await openScratch({
          repository,
          source,
          target: { kind: 'latest' },
          programs,
        });
        expect(await contentOfScratch(scratch)).toEqual({ count: last.count, md5: last.md5 });
      }
      for (const each of [moments[0] as RecordedMoment, moment]) {
        const target = { kind: 'lsn', lsn: each.lsn, inclusive: false } as const;
        await using scratch = await openScratch({ repository, source, target, programs });
        expect(await contentOfScratch(scratch)).toEqual({ count: each.count, md5: each.md5 });
      }
    });
  });
});
