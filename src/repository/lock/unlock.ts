import { isLifeboatError, silentProgress } from '../../core/index.ts';
import type { OperationOptions } from '../repository.ts';
import { type RepositoryAccess, readStoredJson } from '../stored-file.ts';
import { holder } from './lock-conflicts.ts';
import {
  decodeLock,
  isOfDeadProcess,
  isOfLivingProcess,
  type LockFile,
  staleAfterMs,
} from './lock-file.ts';

/** A lock file as `unlock` shows it. */
export interface ListedLock {
  readonly name: string;
  /** Whose it is, in words; for one that cannot be read, why. */
  readonly holder: string;
  readonly exclusive: boolean;
  readonly isStale: boolean;
  readonly removed: boolean;
}

export interface UnlockOptions extends OperationOptions {
  readonly removeAll?: boolean;
  /** Name of a host that is gone, as a person knows: its locks are stale, however young. */
  readonly goneHost?: string;
  /** Only locks of processes of this host that are gone: no clock has a say. */
  readonly onlyDead?: boolean;
  readonly dryRun?: boolean;
}

type Judgement = Pick<UnlockOptions, 'goneHost' | 'onlyDead'>;

/**
 * Removes stale locks: of processes of this host that are gone, and those without a sign of life for 30 minutes. With
 * `removeAll` every lock, also those of the living: only for when no other program works on the repository.
 */
export async function unlock(
  access: RepositoryAccess,
  options: UnlockOptions = {},
): Promise<readonly ListedLock[]> {
  const { signal, progress = silentProgress, removeAll = false, dryRun = false } = options;
  const locks: ListedLock[] = [];
  for (const { name, sizeBytes } of await access.location.list('locks', signal)) {
    const lock = await describeLock(access, { name, sizeBytes, ...options }, signal);
    if (lock === undefined) continue;
    const removed = !dryRun && (removeAll || lock.isStale);
    if (removed) await access.location.remove('locks', name, signal);
    if (removed) progress({ type: 'note', message: `removed the lock of ${lock.holder}` });
    locks.push({ name, ...lock, removed });
  }
  return locks;
}

async function describeLock(
  access: RepositoryAccess,
  file: { readonly name: string; readonly sizeBytes: number } & Judgement,
  signal?: AbortSignal,
): Promise<Omit<ListedLock, 'name' | 'removed'> | undefined> {
  if (file.sizeBytes === 0) {
    return { holder: 'nobody: an empty file', exclusive: false, isStale: !file.onlyDead };
  }
  try {
    const lock = decodeLock(await readStoredJson(access, 'locks', file.name, signal));
    return { holder: holder(lock), exclusive: lock.exclusive, isStale: isStale(lock, file) };
  } catch (error) {
    if (isLifeboatError(error, 'location.file-missing')) return undefined;
    if (!isLifeboatError(error, 'repository.damaged')) throw error;
    // It may be another version's, or half read: not ours to judge.
    return { holder: `somebody unknown: ${error.message}`, exclusive: false, isStale: false };
  }
}

function isStale(lock: LockFile, { goneHost, onlyDead = false }: Judgement): boolean {
  if (onlyDead) return isOfDeadProcess(lock);
  // A host that was set up anew under the same name has processes of its own.
  if (lock.hostname === goneHost && !isOfLivingProcess(lock)) return true;
  return isOfDeadProcess(lock) || Date.now() - lock.time.getTime() > staleAfterMs;
}
