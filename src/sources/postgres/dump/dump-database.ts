import type { BackupWriter } from '../../../repository/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectSql } from '../sql-connection.ts';
import { startClientProgram } from './client-program.ts';
import type { ClientPrograms } from './find-client-programs.ts';
import { type SavedStream, saveStream } from './save-stream.ts';

export interface DumpDatabaseOptions {
  readonly connection: ConnectionSettings;
  readonly database: string;
  readonly programs: ClientPrograms;
  readonly writer: BackupWriter;
  readonly onBytes: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface SavedDump extends SavedStream {
  readonly time: string;
  readonly lsn?: string;
}

/** A dump that waits for a lock keeps all who come after it waiting too. */
const lockWait = '600s';

/**
 * Streams one database into the repository in pg_dump's custom format: uncompressed, so that unchanged parts are found again. The moment it
 * shows is ours: a snapshot that is exported to pg_dump. Errors: `dump.failed`, `postgres.*`, `cancelled`.
 */
export async function dumpDatabase(options: DumpDatabaseOptions): Promise<SavedDump> {
  const { connection, database, programs, writer, onBytes, signal } = options;
  await using session = await connectSql(connection, { database, ...(signal ? { signal } : {}) });
  await session.script(
    `SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0;
     BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`,
  );
  const [moment] = await session.rows<{ snapshot: string; time: Date; lsn: string | null }>(
    `SELECT pg_export_snapshot() AS snapshot, transaction_timestamp() AS time,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()::text END AS lsn`,
  );
  const { snapshot, time, lsn } = moment as { snapshot: string; time: Date; lsn: string | null };
  const dump = startClientProgram({
    program: programs.pgDump,
    args: [
      '--format=custom',
      '--compress=0',
      `--snapshot=${snapshot}`,
      `--lock-wait-timeout=${lockWait}`,
    ],
    connection: { ...connection, database },
    failure: 'dump.failed',
    hint: `Nothing was published. The role must be able to read everything in the database ${JSON.stringify(database)}: GRANT pg_read_all_data (14 and newer), or make it the owner.`,
    signal,
  });
  dump.stdin.end();
  try {
    const saved = await saveStream(writer, dump.stdout as AsyncIterable<Buffer>, onBytes);
    await dump.ended;
    return { ...saved, time: time.toISOString(), ...(lsn === null ? {} : { lsn }) };
  } finally {
    dump.kill();
    await dump.ended.catch(() => {});
  }
}
