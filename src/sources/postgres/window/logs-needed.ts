import { isLifeboatError, throwIfAborted } from '../../../core/index.ts';
import { isDamage, type LogsNeeded, type Repository } from '../../../repository/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import { snapshotsOfKind, sourceTag } from '../../source-tags.ts';
import { readBackupInfo } from '../base-backup/stored-backups.ts';
import { type RecoveryPromises, windowOfSource } from './window-of-source.ts';

/**
 * For each source with snapshots: from where on its log is needed. Where a window is promised, what that needs; otherwise all from
 * where the oldest snapshot begins to replay, on any timeline. A source with a snapshot that cannot be read, or says something
 * odd, is left out: its log stays whole.
 */
export async function logsNeededFrom(
  repository: Repository,
  promises: RecoveryPromises,
  signal?: AbortSignal,
): Promise<LogsNeeded> {
  const needed = new Map<string, bigint | ReadonlyMap<string, bigint>>();
  for (const [source, from] of await oldestStarts(repository, signal)) {
    const spanMs = promises.get(source);
    if (spanMs === undefined) needed.set(source, from);
    else needed.set(source, (await windowOfSource({ repository, source, spanMs, signal })).needed);
  }
  return needed;
}

async function oldestStarts(
  repository: Repository,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, bigint>> {
  const oldest = new Map<string, bigint>();
  const unclear = new Set<string>();
  for (const snapshot of await snapshotsOrNone(repository)) {
    throwIfAborted(signal);
    const sources = snapshot.tags.filter((tag) => tag.startsWith(sourceTag('')));
    const [source = ''] = sources.map((tag) => tag.slice(sourceTag('').length));
    try {
      const info = await readBackupInfo(repository, snapshot);
      const start = parseLsn(info.startLsn);
      if (sources.length !== 1 || info.source !== source) {
        unclear.add(source).add(info.source);
        continue;
      }
      const before = oldest.get(source);
      if (before === undefined || start < before) oldest.set(source, start);
    } catch (error) {
      if (!isDamage(error) && !isLifeboatError(error, 'usage.invalid')) throw error;
      unclear.add(source);
    }
  }
  for (const source of unclear) oldest.delete(source);
  return oldest;
}

/** A snapshot that cannot be read may be of any source: then nothing is known, and prune itself refuses. */
async function snapshotsOrNone(repository: Repository) {
  try {
    return await snapshotsOfKind(repository, 'postgres');
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [];
  }
}
