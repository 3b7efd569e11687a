import {
  LifeboatError,
  type Progress,
  silentProgress,
  sleep,
  throwIfAborted,
} from '../../core/index.ts';
import { type RepositoryAccess, writeStoredJson } from '../stored-file.ts';
import { measureClock } from './clock-skew.ts';
import { lookAtLocks, refuseConflicts, removeStale } from './lock-conflicts.ts';
import { encodeLock, ownLock } from './lock-file.ts';
import { waitForTurn } from './wait-for-turn.ts';

// restic's times (internal/repository/lock.go).
const settleMs = 200;
const refreshEveryMs = 5 * 60_000;
const lostAfterMs = 22.5 * 60_000;

export interface LockOptions {
  readonly exclusive: boolean;
  /** What the lock is for: others are told. */
  readonly operation?: string | undefined;
  /** How long to wait for others. Default: not at all. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * A lock of restic's protocol: look for conflicts, write, wait, look again. Refreshed in the background until it is
 * disposed. Readers of any restic-compatible program respect it.
 */
export class RepositoryLock implements AsyncDisposable {
  readonly #access: RepositoryAccess;
  readonly #purpose: LockPurpose;
  readonly #timer: NodeJS.Timeout;
  #name: string;
  #isTaken = false;
  #refreshedAt = Date.now();
  #refreshing: Promise<void> = Promise.resolve();
  #settled: Promise<void> = Promise.resolve();

  private constructor(access: RepositoryAccess, purpose: LockPurpose, name: string) {
    this.#access = access;
    this.#purpose = purpose;
    this.#name = name;
    this.#timer = setInterval(() => this.#refreshSoon(), refreshEveryMs);
    this.#timer.unref();
  }

  /** Waits for others as long as `waitMs` says. Errors: `repository.locked`, which names the holder. */
  static async acquire(access: RepositoryAccess, options: LockOptions): Promise<RepositoryLock> {
    return await waitForTurn(options, async () => {
      const lock = await RepositoryLock.#write(access, options);
      await lock.settled;
      return lock;
    });
  }

  /** As `acquire`, as soon as the lock is written. Until `settled` resolves nothing may rely on it: another one may have won. */
  static async acquireEarly(
    access: RepositoryAccess,
    options: LockOptions,
  ): Promise<RepositoryLock> {
    return await waitForTurn(options, () => RepositoryLock.#write(access, options));
  }

  static async #write(access: RepositoryAccess, options: LockOptions): Promise<RepositoryLock> {
    const { exclusive, operation = 'a command', signal } = options;
    const before = await lookAtLocks(access, signal);
    refuseConflicts(before, exclusive);
    throwIfAborted(signal);
    const since = new Date();
    const name = await writeLock(access, exclusive, operation, since);
    const lock = new RepositoryLock(access, { exclusive, operation, since }, name);
    lock.#settled = lock.#settle(options);
    // Whoever awaits it may end before.
    lock.#settled.catch(() => {});
    return lock;
  }

  /** Nobody else had the same idea at the same moment. Rejects, when the lock is removed again, with `repository.locked`. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  async #settle({ signal, progress = silentProgress }: LockOptions): Promise<void> {
    const access = this.#access;
    const { exclusive, since } = this.#purpose;
    try {
      const clock = await measureClock(access.location, this.#name, since, { signal, progress });
      // Whoever wrote a lock at the same moment is visible now; one of the two, or both, give way.
      await sleep(settleMs, signal);
      const after = await lookAtLocks(access, signal, this.#name);
      await removeStale(access, after, { clock, signal, progress });
      refuseConflicts(after, exclusive);
    } catch (error) {
      await this[Symbol.asyncDispose]();
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
    const { exclusive, operation, since } = this.#purpose;
    this.#name = await writeLock(this.#access, exclusive, operation, since);
    this.#refreshedAt = startedAt;
    await this.#access.location.remove('locks', former);
  }
}

interface LockPurpose {
  readonly exclusive: boolean;
  readonly operation: string | undefined;
  readonly since: Date;
}

function writeLock(
  access: RepositoryAccess,
  exclusive: boolean,
  operation: string | undefined,
  since: Date,
): Promise<string> {
  return writeStoredJson(access, 'locks', encodeLock(ownLock(exclusive, operation, since)));
}
