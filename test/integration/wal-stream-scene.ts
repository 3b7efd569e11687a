import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from '../../src/core/index.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import type { Log } from '../../src/repository/index.ts';
import { LocalLocation } from '../../src/repository/location/local-location.ts';
import { openLogs } from '../../src/repository/log/open-logs.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import type { StreamOptions } from '../../src/sources/postgres/stream/stream-options.ts';
import { streamWal } from '../../src/sources/postgres/stream/stream-wal.ts';
import type { StreamState } from '../../src/sources/source.ts';
import { parseLsn, segmentName, segmentStart } from '../../src/wal/index.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';

export const segmentSizeBytes = 16 * 2 ** 20;
export const slot = 'lifeboat_scene';

/** A server, a repository's log in a folder, and a spool. */
export interface Scene extends AsyncDisposable {
  readonly server: TestServer;
  readonly folder: string;
  readonly spoolFolder: string;
  /** Looks at the repository with fresh eyes. */
  openLog(): Log;
  stream(options?: Partial<StreamOptions>): RunningStream;
  /** Rows for the WAL; about 100 bytes each. */
  insert(rows: number): Promise<void>;
  /** The end of what the server has flushed. */
  serverLsn(): Promise<bigint>;
}

export interface RunningStream {
  readonly warnings: readonly string[];
  readonly state: () => StreamState | undefined;
  /** Resolves when a state fulfils the condition; rejects when the stream ends before. */
  until(condition: (state: StreamState) => boolean): Promise<void>;
  /** Until all that the server has now is durable in the repository. */
  untilFlushed(): Promise<void>;
  /** Clean stop; rejects with what the stream rejected with. */
  stop(): Promise<void>;
  /** What the stream rejects with; never resolves when it is stopped. */
  readonly failure: Promise<unknown>;
}

export function openFolderLog(folder: string): Log {
  const location = new LocalLocation(join(folder, 'repository'));
  return openLogs(location, keyFromBytes(new Uint8Array(64).fill(7))).log('scene');
}

export async function startScene(
  bin: string,
  major: number,
  settings: Record<string, string> = {},
): Promise<Scene> {
  const folder = temporaryFolder('wal-stream');
  const server = await startPostgres({
    bin,
    major,
    settings: { wal_keep_size: '2GB', max_wal_size: '4GB', ...settings },
  });
  await new LocalLocation(join(folder, 'repository')).create();
  await server.query('create table filler (id bigserial, body text)');
  const spoolFolder = join(folder, 'spool');
  const serverLsn = async () => {
    const result = await server.query('select pg_current_wal_flush_lsn() as lsn');
    return parseLsn(result.rows[0].lsn);
  };
  return {
    server,
    folder,
    spoolFolder,
    openLog: () => openFolderLog(folder),
    serverLsn,
    insert: async (rows) => {
      await server.query(
        `insert into filler (body) select md5(g::text) || md5((g + 1)::text) from generate_series(1, ${rows}) g`,
      );
    },
    stream: (options = {}) =>
      runStream(serverLsn, {
        source: 'scene',
        settings: parseConnectionUrl(server.url()),
        slot,
        log: openFolderLog(folder),
        spoolFolder,
        limits: { pieceIntervalMs: 200 },
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function runStream(
  serverLsn: () => Promise<bigint>,
  options: Omit<StreamOptions, 'signal' | 'onState'>,
): RunningStream {
  const controller = new AbortController();
  const warnings: string[] = [];
  let state: StreamState | undefined;
  let ended = false;
  const run = streamWal({
    ...options,
    signal: controller.signal,
    onState: (each) => {
      state = each;
    },
    progress: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
    },
  }).finally(() => {
    ended = true;
  });
  const failure = run.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => error,
  );
  const until = async (condition: (state: StreamState) => boolean) => {
    while (!(state && condition(state))) {
      if (ended) await run.then(() => Promise.reject(new Error('the stream was stopped')));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    warnings,
    state: () => state,
    until,
    untilFlushed: async () => {
      const end = await serverLsn();
      await until(({ flushed }) => flushed !== undefined && flushed >= end);
    },
    stop: async () => {
      controller.abort();
      await run;
    },
    failure,
  };
}

/** What the server itself has on its disk. */
export function serverWal(
  server: TestServer,
  timeline: number,
  start: bigint,
  end: bigint,
): Buffer {
  const parts: Buffer[] = [];
  for (let position = start; position < end; ) {
    const fileStart = segmentStart(position, segmentSizeBytes);
    const name = segmentName(timeline, position, segmentSizeBytes);
    const bytes = readFileSync(join(server.dataFolder, 'pg_wal', name));
    const fileEnd = fileStart + BigInt(segmentSizeBytes);
    const partEnd = end < fileEnd ? end : fileEnd;
    parts.push(bytes.subarray(Number(position - fileStart), Number(partEnd - fileStart)));
    position = partEnd;
  }
  return Buffer.concat(parts);
}

/** A log whose appends fail while `isDown` says so. */
export function failingLog(log: Log, isDown: () => boolean): Log {
  const guarded = (append: () => Promise<void>) => {
    if (!isDown()) return append();
    return Promise.reject(
      new LifeboatError('location.unreachable', 'the repository is away', { retryable: true }),
    );
  };
  return {
    name: log.name,
    appendSegment: (stream, start, bytes) => guarded(() => log.appendSegment(stream, start, bytes)),
    appendPiece: (stream, start, bytes) => guarded(() => log.appendPiece(stream, start, bytes)),
    appendFile: (name, bytes) => guarded(() => log.appendFile(name, bytes)),
    readFile: (name) => log.readFile(name),
    fileNames: () => log.fileNames(),
    coverage: (signal) => log.coverage(signal),
    read: (stream, start, end, signal) => log.read(stream, start, end, signal),
  };
}
