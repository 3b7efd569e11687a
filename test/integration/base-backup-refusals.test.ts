import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, LifeboatError, type ProgressEvent } from '../../src/core/index.ts';
import type { Log, Repository } from '../../src/repository/index.ts';
import { backupPostgres, parseConnectionUrl } from '../../src/sources/index.ts';
import {
  parseSegmentName,
  segmentName,
  segmentStart,
  timelineStream,
} from '../../src/wal/index.ts';
import { startAlteringProxy } from '../support/altering-proxy.ts';
import { type LocalRepository, localRepository } from '../support/local-repository.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const filler =
  "create table filler as select n, repeat('lifeboat-marker ', 12) || md5(n::text) as v from generate_series(1, 300000) n; checkpoint";

function backup(
  url: string,
  { repository }: LocalRepository,
  options: { signal?: AbortSignal; progress?: (event: ProgressEvent) => void } = {},
) {
  return backupPostgres({
    settings: parseConnectionUrl(url),
    source: 'shop',
    repository,
    countBudgetMs: 0,
    ...options,
  });
}

async function expectRefusal(
  work: Promise<unknown>,
  code: ErrorCode,
  stored: LocalRepository,
  hint: RegExp = /./,
): Promise<void> {
  const error = await work.then(
    () => expect.fail('the backup was made'),
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) });
  expect(await stored.repository.snapshots()).toEqual([]);
}

/** Calls `act` once, as soon as bytes have streamed. */
function onFirstBytes(act: () => void) {
  let done = false;
  return (event: ProgressEvent) => {
    if (done || event.type !== 'progress') return;
    done = true;
    act();
  };
}

const segmentSizeBytes = 16 * 2 ** 20;

/** Appends every whole segment of the server to the log; they are kept by wal_keep_size. */
async function fillLog({ dataFolder, query }: TestServer, { repository }: LocalRepository) {
  await query(
    "select pg_logical_emit_message(false, 'filler', repeat('x', 100000)), pg_switch_wal()",
  );
  const { rows } = await query('select pg_walfile_name(pg_current_wal_insert_lsn()) as name');
  for (const name of readdirSync(join(dataFolder, 'pg_wal')).sort()) {
    const segment = parseSegmentName(name, segmentSizeBytes);
    if (!segment || name >= rows[0].name) continue;
    const bytes = readFileSync(join(dataFolder, 'pg_wal', name));
    await repository.log('shop').appendSegment(timelineStream(1), segment.start, bytes);
  }
}

/** The repository with another log in it. */
function withLog(
  repository: Repository,
  log: Pick<Log, 'coverage' | 'read' | 'readFile'>,
): Repository {
  return new Proxy(repository, {
    get(target, key) {
      if (key === 'log') return () => log;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const url = (port: number, user = 'postgres') =>
  `postgres://${user}@127.0.0.1:${port}/postgres?sslmode=disable`;

describe.each(serversUnderTest('npm'))(
  'a base backup of $name is refused and nothing published',
  ({ major, bin }) => {
    beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));
    const startServer = (settings: Record<string, string> = {}) =>
      startPostgres({ bin: bin as string, major, settings });
    it('when wal_level is minimal', async () => {
      await using server = await startServer({ wal_level: 'minimal', max_wal_senders: '0' });
      await using stored = await localRepository();
      await expectRefusal(
        backup(server.url(), stored),
        'postgres.wal-level',
        stored,
        /wal_level = replica/,
      );
    });

    it('when one connection for replication is all there may be', async () => {
      await using server = await startServer({ max_wal_senders: '1' });
      await using stored = await localRepository();
      await expectRefusal(
        backup(server.url(), stored),
        'postgres.refused',
        stored,
        /max_wal_senders/,
      );
    });

    it('when the role may not replicate', async () => {
      await using server = await startServer();
      await server.query('create role reader login');
      await using stored = await localRepository();
      await expectRefusal(
        backup(url(server.port, 'reader'), stored),
        'postgres.no-replication',
        stored,
        /REPLICATION/,
      );
    });

    it('when bytes change between the server and here', async () => {
      await using server = await startServer();
      await server.query(filler);
      await using stored = await localRepository();
      using proxy = await startAlteringProxy(server.port, 'lifeboat-marker');
      await expectRefusal(
        backup(url(proxy.port), stored),
        'backup.incomplete',
        stored,
        /published/,
      );
      expect(proxy.altered()).toBe(1);
    });

    it('when it is cancelled, and the next one succeeds', async () => {
      await using server = await startServer();
      await server.query(filler);
      await using stored = await localRepository();
      const abort = new AbortController();
      const events: string[] = [];
      const cancel = onFirstBytes(() => abort.abort());
      const work = backup(server.url(), stored, {
        signal: abort.signal,
        progress: (event) => {
          events.push(event.type);
          cancel(event);
        },
      });
      await expect(work).rejects.toMatchObject({
        code: 'cancelled',
        hint: expect.stringContaining('Nothing was published'),
      });
      expect(events.at(-1)).toBe('end');
      expect(await stored.repository.snapshots()).toEqual([]);
      await backup(server.url(), stored);
      expect(await stored.repository.snapshots()).toHaveLength(1);
      // The server drops a temporary slot when it notices that its connection is gone.
      const slots = () => server.query('select slot_name from pg_replication_slots');
      await expect.poll(async () => (await slots()).rows).toEqual([]);
    });

    it('when the server dies', async () => {
      await using server = await startServer();
      await server.query(filler);
      await using stored = await localRepository();
      const progress = onFirstBytes(() => void server.kill());
      await expectRefusal(
        backup(server.url(), stored, { progress }),
        'postgres.connection-lost',
        stored,
        /run the backup again/,
      );
    });

    it('when another cluster answers under the name', async () => {
      await using first = await startServer();
      await using second = await startServer();
      await using stored = await localRepository();
      await backup(first.url(), stored);
      const work = backup(second.url(), stored);
      await expect(work).rejects.toMatchObject({ code: 'postgres.other-cluster' });
      expect(await stored.repository.snapshots()).toHaveLength(1);
    });

    it('when the server was set back and went another way than the log', async () => {
      await using server = await startServer({ wal_keep_size: '1GB' });
      await using stored = await localRepository();
      const past = join(temporaryFolder('past'), 'data');
      await server.stop();
      execFileSync('cp', ['-a', server.dataFolder, past]);
      await server.start();
      await backup(server.url(), stored);
      // The log holds the positions that the next backup of the server in its older state will use.
      for (let round = 0; round < 4; round++) await fillLog(server, stored);
      await server.stop();
      rmSync(server.dataFolder, { recursive: true });
      execFileSync('cp', ['-a', past, server.dataFolder]);
      rmSync(join(past, '..'), { recursive: true });
      await server.start();
      await server.query("select pg_logical_emit_message(false, 'another', 'way')");
      await expect(backup(server.url(), stored)).rejects.toMatchObject({
        code: 'log.conflict',
        message: expect.stringMatching(/differs .* at 0\/[0-9A-F]+: it was set back/),
        hint: expect.stringMatching(/source name of its own/),
      });
      expect(await stored.repository.snapshots()).toHaveLength(1);
    });

    it.each(['agrees', 'cannot be read'])('but not when the log %s', async (state) => {
      await using server = await startServer();
      await using stored = await localRepository();
      let readBytes = 0;
      const held = {
        readFile: async () => undefined,
        fileNames: async () => [],
        coverage: async () => [{ stream: timelineStream(1), start: 0n, end: 1n << 40n }],
        read: async (_: string, start: bigint, end: bigint) => {
          if (state !== 'agrees') throw new LifeboatError('repository.damaged', 'a torn piece');
          readBytes += Number(end - start);
          const name = segmentName(1, start, segmentSizeBytes);
          const from = Number(start - segmentStart(start, segmentSizeBytes));
          const bytes = readFileSync(join(server.dataFolder, 'pg_wal', name));
          return bytes.subarray(from, from + Number(end - start));
        },
      };
      const repository = withLog(stored.repository, held);
      const warnings: string[] = [];
      const progress = (event: ProgressEvent) => {
        if (event.type === 'warning') warnings.push(event.message);
      };
      await backup(server.url(), { ...stored, repository }, { progress });
      expect(await stored.repository.snapshots()).toHaveLength(1);
      expect(readBytes).toBe(state === 'agrees' ? segmentSizeBytes : 0);
      expect(warnings).toEqual(
        state === 'agrees' ? [] : [expect.stringMatching(/not be compared .* a torn piece/)],
      );
    });

    it('but not for want of a replication slot', async () => {
      await using server = await startServer({ max_replication_slots: '0' });
      await using stored = await localRepository();
      const warnings: string[] = [];
      const progress = (event: ProgressEvent) => {
        if (event.type === 'warning') warnings.push(event.message);
      };
      const summary = await backup(server.url(), stored, { progress });
      expect(summary.warnings).toEqual([]);
      expect(warnings).toEqual([expect.stringMatching(/no temporary replication slot/)]);
    });
  },
);
