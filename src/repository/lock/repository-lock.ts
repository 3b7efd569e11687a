import {
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
  sleep,
  throwIfAborted,
} from '../../core/index.ts';
import { type RepositoryAccess, readStoredJson, writeStoredJson } from '../stored-file.ts';
import { decodeLock, encodeLock, isStale, type LockFile, ownLock } from './lock-file.ts';

// restic's times (internal/repository/lock.go).
const settleMs = 200;
const refreshEveryMs = 5 * 60_000;
const lostAfterMs = 22.5 * 60_000;

export interface LockOptions {
  readonly exclusive: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * A lock of restic's protocol: look for conflicts, write, wait, look again. Refreshed in the background until it is
 * disposed. Readers of any restic-compatible program respect it.
 */
export class RepositoryLock implements AsyncDisposable {
  readonly #access: RepositoryAccess;
  readonly #exclusive: boolean;
  readonly #timer: NodeJS.Timeout;
  #name: string;
  #isTaken = false;
  #refreshedAt = Date.now();
  #refreshing: Promise<void> = Promise.resolve();

  private constructor(access: RepositoryAccess, exclusive: boolean, name: string) {
    this.#access = access;
    this.#exclusive = exclusive;
    this.#name = name;
    this.#timer = setInterval(() => this.#refreshSoon(), refreshEveryMs);
    this.#timer.unref();
  }

  /** Errors: `repository.locked`. */
  static async acquire(access: RepositoryAccess, options: LockOptions): Promise<RepositoryLock> {
    const { exclusive, signal } = options;
    await refuseConflicts(access, options, '');
    throwIfAborted(signal);
    const name = await writeLock(access, exclusive);
    const lock = new RepositoryLock(access, exclusive, name);
    try {
      // Whoever wrote a lock at the same moment is visible now; one of the two, or both, give way.
      await sleep(settleMs, signal);
      await refuseConflicts(access, options, name);
      return lock;
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Throws when others may believe that this lock is dead (after a suspend, or a long outage of the location). */
  assertHeld(): void {
    if (Date.now() - this.#refreshedAt < lostAfterMs) return;
    throw new LifeboatError('repository.locked', 'the lock could not be refreshed in time', {
      hint: 'Run the command again; what was stored so far will not be stored twice.',
      retryable: true,
    });
  }

  /**
   * As `assertHeld`, and looks whether the lock is still there: `restic unlock --remove-all` takes those of the living too, and a
   * prune after it the packs that no snapshot names yet.
   */
  async confirmHeld(signal?: AbortSignal): Promise<void> {
    this.assertHeld();
    const before = this.#name;
    if (!this.#isTaken) {
      const locks = await this.#access.location.list('locks', signal);
      // A refresh may have replaced it meanwhile.
      if (locks.some(({ name }) => name === before || name === this.#name)) return;
    }
    throw new LifeboatError('repository.locked', 'somebody removed the lock of this process', {
      hint: 'A prune may have taken what was stored so far. Run the command again, and `lifeboat check` after it; use `restic unlock` without --remove-all.',
      retryable: true,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#refreshing;
    // A lock that cannot be removed becomes stale by itself.
    await this.#access.location.remove('locks', this.#name).catch(() => {});
  }

  #refreshSoon(): void {
    // A failure is tried again five minutes later; `assertHeld` decides when that was too late.
    this.#refreshing = this.#refreshing.then(() => this.#refresh()).catch(() => {});
  }

  async #refresh(): Promise<void> {
    const former = this.#name;
    const startedAt = Date.now();
    // A new one would hide that there was a time without.
    const locks = await this.#access.location.list('locks');
    this.#isTaken ||= !locks.some(({ name }) => name === former);
    if (this.#isTaken) return;
    this.#name = await writeLock(this.#access, this.#exclusive);
    this.#refreshedAt = startedAt;
    await this.#access.location.remove('locks', former);
  }
}

function writeLock(access: RepositoryAccess, exclusive: boolean): Promise<string> {
  return writeStoredJson(access, 'locks', encodeLock(ownLock(exclusive)));
}

async function refuseConflicts(
  access: RepositoryAccess,
  options: LockOptions,
  own: string,
): Promise<void> {
  for (const { name, sizeBytes } of await access.location.list('locks', options.signal)) {
    // An empty file is the remains of a crashed writer, never a lock.
    if (name === own || sizeBytes === 0) continue;
    const lock = await readLock(access, name, options.signal);
    if (lock === undefined) continue;
    if (isStale(lock)) await removeStale(access, name, lock, options.progress ?? silentProgress);
    else if (options.exclusive || lock.exclusive) throw conflict(lock);
  }
}

/** Undefined when it went away meanwhile. */
async function readLock(
  access: RepositoryAccess,
  name: string,
  signal?: AbortSignal,
): Promise<LockFile | undefined> {
  try {
    return decodeLock(await readStoredJson(access, 'locks', name, signal));
  } catch (error) {
    if (isLifeboatError(error, 'location.file-missing')) return undefined;
    if (!isLifeboatError(error, 'repository.damaged')) throw error;
    throw new LifeboatError('repository.locked', `the lock file ${name} cannot be read`, {
      hint: 'When no other program uses the repository, remove this file from its locks folder.',
      cause: error,
    });
  }
}

async function removeStale(
  { location }: RepositoryAccess,
  name: string,
  lock: LockFile,
  progress: Progress,
): Promise<void> {
  await location.remove('locks', name);
  progress({
    type: 'warning',
    message: `removed a stale lock of ${holder(lock)}`,
    hint: 'Its holder ended without removing it, or was cut off from the repository for 30 minutes.',
  });
}

function conflict(lock: LockFile): LifeboatError {
  const kind = lock.exclusive ? 'exclusively locked' : 'locked';
  return new LifeboatError('repository.locked', `the repository is ${kind} by ${holder(lock)}`, {
    hint: 'Wait until that program has ended. If it is gone, its lock is ignored 30 minutes after its last sign of life.',
    context: { hostname: lock.hostname, pid: lock.pid, since: lock.time.toISOString() },
    retryable: true,
  });
}

function holder(lock: LockFile): string {
  return `process ${lock.pid} of ${lock.username}@${lock.hostname}`;
}
