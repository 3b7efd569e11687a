import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { LifeboatError, Secret } from '../../src/core/index.ts';
import { LocalLocation, type Log, type Repository } from '../../src/repository/index.ts';
import { initRepository } from '../../src/repository/init-repository.ts';
import type { PostgresBackupInfo } from '../../src/sources/postgres/backup-info.ts';
import { backupPostgres } from '../../src/sources/postgres/base-backup/backup-postgres.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import type { ScratchServer } from '../../src/sources/postgres/restore/index.ts';
import { streamWal } from '../../src/sources/postgres/stream/stream-wal.ts';
import { type Lsn, parseLsn } from '../../src/wal/index.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';

export const source = 'shop';
export const password = new Secret('test');

/** What the data was at a moment of the live server. */
export interface RecordedMoment {
  readonly lsn: Lsn;
  readonly time: Date;
  readonly count: number;
  readonly md5: string;
}

/** A live server with a repository that its backups and its log go to. */
export interface ProtectedServer extends AsyncDisposable {
  readonly server: TestServer;
  readonly repository: Repository;
  readonly location: LocalLocation;
  readonly spoolFolder: string;
  backup(): Promise<PostgresBackupInfo>;
  /** Begins streaming and waits until it does; the returned function ends it once everything up to now is in the repository. */
  stream(): Promise<() => Promise<void>>;
  /** Streams into the spool only, as when the repository cannot be reached, up to what is committed now. */
  streamToSpoolOnly(): Promise<void>;
  moment(): Promise<RecordedMoment>;
}

export async function protectServer(options: {
  readonly bin: string;
  readonly major: number;
  readonly settings?: Record<string, string>;
  readonly initdb?: string[];
}): Promise<ProtectedServer> {
  const server = await startPostgres(options);
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-protect-'));
  const location = new LocalLocation(join(folder, 'repository'));
  const repository = await initRepository({ location, password });
  const spoolFolder = join(folder, 'spool');
  const settings = parseConnectionUrl(server.url());
  let streaming: Promise<void> | undefined;
  let stop = new AbortController();
  let flushedLsn = 0n;
  const currentLsn = async () => {
    const { rows } = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
    return parseLsn(rows[0].lsn);
  };
  let writtenLsn = 0n;
  const until = async (position: () => bigint) => {
    const wanted = await currentLsn();
    let ended = false;
    const failed = streaming?.finally(() => {
      ended = true;
    });
    failed?.catch(() => {});
    while (position() < wanted) {
      if (ended) await failed;
      if (ended) throw new Error('the streaming ended');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const start = (log: Log) => {
    stop = new AbortController();
    streaming = streamWal({
      source,
      settings,
      slot: 'lifeboat_shop',
      log,
      spoolFolder,
      signal: stop.signal,
      onState: (state) => {
        flushedLsn = state.flushed ?? flushedLsn;
        writtenLsn = state.written ?? writtenLsn;
      },
      limits: { pieceIntervalMs: 50, stopMaxMs: 200 },
    });
    streaming.catch(() => {});
  };
  return {
    server,
    repository,
    location,
    spoolFolder,
    async backup() {
      const { info } = await backupPostgres({ settings, source, repository });
      return info;
    },
    async stream() {
      start(repository.log(source));
      // A backup that was taken before the slot exists would leave a hole between it and the log.
      await until(() => flushedLsn);
      return async () => {
        await until(() => flushedLsn);
        stop.abort();
        await streaming;
      };
    },
    async streamToSpoolOnly() {
      start(refusingLog(repository.log(source)));
      await until(() => writtenLsn);
      stop.abort();
      await streaming;
    },
    async moment() {
      return await recordMoment(server);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await streaming?.catch(() => {});
      await server[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const contentSql = `select count(*)::int as count, coalesce(md5(string_agg(id || ':' || note, ',' order by id)), '') as md5
  from ledger`;

async function recordMoment(server: TestServer): Promise<RecordedMoment> {
  const { rows } = await server.query(contentSql);
  // After the commits so far, before any later one.
  const position = await server.query(
    'select pg_current_wal_insert_lsn()::text as lsn, clock_timestamp() as time',
  );
  return {
    lsn: parseLsn(position.rows[0].lsn),
    time: position.rows[0].time,
    count: rows[0].count,
    md5: rows[0].md5,
  };
}

/** A log that can be looked at and takes nothing. */
function refusingLog(log: Log): Log {
  const refuse = async () => {
    throw new LifeboatError('location.unreachable', 'out of reach for the test', {
      retryable: true,
    });
  };
  return {
    name: log.name,
    appendSegment: refuse,
    appendPiece: refuse,
    appendFile: refuse,
    readFile: (name) => log.readFile(name),
    fileNames: () => log.fileNames(),
    coverage: (signal) => log.coverage(signal),
    read: (stream, from, end, signal) => log.read(stream, from, end, signal),
  };
}

/** The same repository with something done to its logs. */
export function withLog(repository: Repository, alter: (log: Log) => Partial<Log>): Repository {
  return new Proxy(repository, {
    get(target, property) {
      if (property === 'log') {
        return (name: string) => {
          const log = target.log(name);
          const plain: Log = {
            name,
            appendSegment: log.appendSegment.bind(log),
            appendPiece: log.appendPiece.bind(log),
            appendFile: log.appendFile.bind(log),
            readFile: log.readFile.bind(log),
            fileNames: log.fileNames.bind(log),
            coverage: log.coverage.bind(log),
            read: log.read.bind(log),
          };
          return { ...plain, ...alter(plain) };
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export async function contentOfScratch(scratch: ScratchServer) {
  const { host, port, user, database } = scratch.connection('postgres');
  const client = new pg.Client({ host, port, user, database });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number; md5: string }>(contentSql);
    return rows[0] as { count: number; md5: string };
  } finally {
    await client.end();
  }
}
