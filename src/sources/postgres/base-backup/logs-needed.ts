import { isLifeboatError, throwIfAborted } from '../../../core/index.ts';
import { isDamage, type Repository } from '../../../repository/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import { snapshotsOfKind, sourceTag } from '../../source-tags.ts';
import { readBackupInfo } from './stored-backups.ts';

/**
 * For each source with snapshots: where the oldest of them begins to replay. Before that its log is needed by none, on any
 * timeline. A source with a snapshot that cannot be read, or says something odd, is left out: its log stays whole.
 */
export async function logsNeededFrom(
  repository: Repository,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, bigint>> {
  const needed = new Map<string, bigint>();
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
      const before = needed.get(source);
      if (before === undefined || start < before) needed.set(source, start);
    } catch (error) {
      if (!isDamage(error) && !isLifeboatError(error, 'usage.invalid')) throw error;
      unclear.add(source);
    }
  }
  for (const source of unclear) needed.delete(source);
  return needed;
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
