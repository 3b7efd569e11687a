import { type Progress, throwIfAborted } from '../../../core/index.ts';
import { isDamage, type Repository } from '../../../repository/index.ts';
import { type ChangedBlocks, parseLsn } from '../../../wal/index.ts';
import type { BackupBounds } from '../base-backup/base-backup-stream.ts';
import { mostDamageNamed } from '../base-backup/damaged-pages.ts';
import type { ServerFacts } from '../base-backup/server-facts.ts';
import type { StoredBackup } from '../base-backup/stored-backups.ts';
import type { SqlConnection } from '../sql-connection.ts';
import { changesSince } from './changes-since.ts';
import { type FormerFile, FormerFiles } from './former-files.ts';

/** After so long everything is read again: what the disk has lost meanwhile shows only then. */
const wholeReadEveryMs = 7 * 24 * 60 * 60_000;

/** What of the former backup is proven to be as it was. */
export interface UnchangedChunks {
  readonly changes: ChangedBlocks;
  readonly former: FormerFiles;
}

export type { FormerFile };

export interface UnchangedChunksOptions {
  readonly repository: Repository;
  readonly source: string;
  readonly former: StoredBackup | undefined;
  readonly sql: SqlConnection;
  readonly facts: ServerFacts;
  readonly start: BackupBounds;
  readonly walFolder: string;
  readonly totalBytes: number;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

/** Undefined where anything is in doubt: then all is read. */
export async function findUnchangedChunks(
  options: UnchangedChunksOptions,
): Promise<UnchangedChunks | undefined> {
  const { repository, source, former, sql, facts, start, totalBytes, signal } = options;
  if (former === undefined) return undefined;
  const { info } = former;
  // Only so many are named.
  if (info.damagedPages.length >= mostDamageNamed) return undefined;
  const readWhole = Date.parse(info.wholeReadTime ?? info.startTime);
  if (Date.now() - readWhole > wholeReadEveryMs) return undefined;
  // To read as much WAL as there is data would be no gain.
  if (start.lsn - parseLsn(info.startLsn) > BigInt(totalBytes)) return undefined;
  const [row] = await sql.rows<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  if (row?.standby !== false) return undefined;
  try {
    const files = await FormerFiles.open(repository, former, signal);
    if (files === undefined) return undefined;
    const changes = await changesSince({
      former: info,
      formerWal: (segment) => files.wal(segment),
      start,
      facts,
      chunkSizeBytes: files.chunkSizeBytes,
      log: repository.log(source),
      walFolder: options.walFolder,
      ...(signal ? { signal } : {}),
    });
    return 'unknown' in changes ? undefined : { changes, former: files };
  } catch (error) {
    throwIfAborted(signal);
    // A damaged former backup is nothing to build upon.
    if (isDamage(error)) return undefined;
    throw error;
  }
}
