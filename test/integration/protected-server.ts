import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../../src/core/index.ts';
import { MemoryLocation, type Repository } from '../../src/repository/index.ts';
import { initRepository } from '../../src/repository/init-repository.ts';
import type { PostgresBackupInfo } from '../../src/sources/postgres/backup-info.ts';
import { backupPostgres } from '../../src/sources/postgres/base-backup/backup-postgres.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-settings.ts';
import { streamWal } from '../../src/sources/postgres/stream/stream-wal.ts';
import { type Lsn, parseLsn } from '../../src/wal/index.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';

export const source = 'shop';

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
  readonly location: MemoryLocation;
  readonly spoolFolder: string;
  backup(): Promise<PostgresBackupInfo>;
  /** Begins streaming; the returned function ends it once everything up to now is in the repository. */
  stream(): Promise<() => Promise<void>>;
  /** Waits until what is committed now is in the repository. */
  flushed(): Promise<void>;
  moment(): Promise<RecordedMoment>;
}

export async function protectServer(options: {
  readonly bin: string;
  readonly major: number;
  readonly settings?: Record<string, string>;
  readonly initdb?: string[];
}): Promise<ProtectedServer> {
  const server = await startPostgres(options);
  const location = new MemoryLocation();
  const repository = await initRepository({ location, password: new Secret('test') });
  const records = { append: async () => ({}), list: async () => [] };
  Object.defineProperty(repository, 'records', { value: records }); // TEMP-RECORDS
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-protect-'));
  const spoolFolder = join(folder, 'spool');
  const settings = parseConnectionUrl(server.url());
  let streaming: Promise<void> | undefined;
  let stop = new AbortController();
  let flushedLsn = 0n;
  const currentLsn = async () => {
    const { rows } = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
    return parseLsn(rows[0].lsn);
  };
  const flushed = async () => {
    const wanted = await currentLsn();
    while (flushedLsn < wanted) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    server,
    repository,
    location,
    spoolFolder,
    flushed,
    async backup() {
      const { info } = await backupPostgres({ settings, source, repository });
      return info;
    },
    async stream() {
      stop = new AbortController();
      streaming = streamWal({
        source,
        settings,
        slot: 'lifeboat_shop',
        log: repository.log(source),
        spoolFolder,
        signal: stop.signal,
        onState: (state) => {
          if (state.flushed !== undefined) flushedLsn = state.flushed;
        },
        limits: { pieceIntervalMs: 50 },
      });
      streaming.catch(() => {});
      return async () => {
        await flushed();
        stop.abort();
        await streaming;
      };
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
