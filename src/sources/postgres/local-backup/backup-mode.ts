import { LifeboatError } from '../../../core/index.ts';
import { type Lsn, parseLsn } from '../../../wal/index.ts';
import type { BackupBounds } from '../base-backup/base-backup-stream.ts';
import type { SqlConnection } from '../sql-connection.ts';

/** What the server says when the backup ends. */
export interface BackupEnd {
  readonly start: BackupBounds;
  readonly stopLsn: Lsn;
  readonly label: Buffer;
}

/**
 * The server in backup mode, for as long as the session lives: however this process ends, the server leaves the mode when the
 * session does. It forces full-page images meanwhile, so that replay mends what was read while it was written.
 */
export class BackupMode {
  readonly startLsn: Lsn;
  readonly #sql: SqlConnection;
  readonly #serverVersion: number;

  private constructor(sql: SqlConnection, serverVersion: number, startLsn: Lsn) {
    this.startLsn = startLsn;
    this.#sql = sql;
    this.#serverVersion = serverVersion;
  }

  /** Waits for a checkpoint, which is done at once. Errors: `postgres.query` (42501: the role may not). */
  static async begin(sql: SqlConnection, serverVersion: number): Promise<BackupMode> {
    // A server that ends idle or long sessions would end the backup with it.
    await sql.script('set statement_timeout = 0; set lock_timeout = 0');
    if (serverVersion >= 140_000) await sql.script('set idle_session_timeout = 0');
    const start =
      serverVersion >= 150_000
        ? "select pg_backup_start('lifeboat', true)"
        : "select pg_start_backup('lifeboat', true, false)";
    const [row] = await sql.rows<Record<string, string>>(start);
    return new BackupMode(sql, serverVersion, parseLsn(Object.values(row ?? {})[0] ?? ''));
  }

  /** Does not wait for an archive: the WAL is taken from where the server keeps it. */
  async end(): Promise<BackupEnd> {
    const stop =
      this.#serverVersion >= 150_000 ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)';
    const [row] = await this.#sql.rows<{ lsn: string; label: string }>(
      `select lsn::text, labelfile as label from ${stop}`,
    );
    const label = row?.label ?? '';
    const start = /^START WAL LOCATION: ([0-9A-F]+\/[0-9A-F]+) /m.exec(label)?.[1];
    const timeline = /^START TIMELINE: (\d+)$/m.exec(label)?.[1];
    if (row === undefined || start === undefined || timeline === undefined) {
      throw new LifeboatError('postgres.protocol', 'the server gave no backup label');
    }
    return {
      start: { lsn: parseLsn(start), timeline: Number(timeline) },
      stopLsn: parseLsn(row.lsn),
      label: Buffer.from(label),
    };
  }
}
