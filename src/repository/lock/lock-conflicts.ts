import { isLifeboatError, LifeboatError, type Progress } from '../../core/index.ts';
import { type RepositoryAccess, readStoredJson } from '../stored-file.ts';
import { type Clock, skewText } from './clock-skew.ts';
import { decodeLock, isOfDeadProcess, type LockFile, staleAfterMs } from './lock-file.ts';

export interface SeenLock {
  readonly name: string;
  readonly lock: LockFile;
  /** Its process is gone. */
  isDead: boolean;
  /** By its own time and our clock: if both clocks are right, nobody holds it any more. */
  readonly isOld: boolean;
  /** Found to be alive all the same. */
  clockProblem?: string;
}

/** Every lock but `own`. Errors: `repository.locked` when one cannot be read. */
export async function lookAtLocks(
  access: RepositoryAccess,
  signal: AbortSignal | undefined,
  own?: string,
): Promise<SeenLock[]> {
  const seen: SeenLock[] = [];
  for (const { name, sizeBytes } of await access.location.list('locks', signal)) {
    // An empty file is the remains of a crashed writer, never a lock.
    if (name === own || sizeBytes === 0) continue;
    const lock = await readLock(access, name, signal);
    if (lock === undefined) continue;
    const isOld = Date.now() - lock.time.getTime() > staleAfterMs;
    seen.push({ name, lock, isDead: isOfDeadProcess(lock), isOld });
  }
  return seen;
}

/** Stale ones stand in nobody's way. Errors: `repository.locked`. */
export function refuseConflicts(seen: readonly SeenLock[], exclusive: boolean): void {
  for (const each of seen) {
    const isStale = each.isDead || (each.isOld && each.clockProblem === undefined);
    if (!isStale && (exclusive || each.lock.exclusive)) throw conflict(each);
  }
}

/**
 * Removes those whose process is gone, and those older than 30 minutes: by the clock of the location where it has one,
 * because a clock that is wrong here, or there, must not make a living lock look dead.
 */
export async function removeStale(
  access: RepositoryAccess,
  seen: readonly SeenLock[],
  options: {
    readonly clock: Clock | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly progress: Progress;
  },
): Promise<void> {
  const { clock, signal, progress } = options;
  const { location } = access;
  for (const each of seen) {
    const { name, lock, isDead, isOld } = each;
    const aheadMs = lock.time.getTime() - Date.now();
    if (aheadMs > skewWorthSayingMs) {
      progress({
        type: 'warning',
        message: `the lock of ${holder(lock)} is dated ${skewText(aheadMs)} from now: its clock or this one is wrong`,
        hint: 'Set both by NTP. A lock with such a time is not recognised as stale in time.',
      });
    }
    if (!isDead && !isOld) continue;
    if (!isDead && clock !== undefined) {
      const writtenAt = (await location.modifiedAt?.('locks', name, signal)) ?? lock.time;
      const ageMs = clock.now().getTime() - writtenAt.getTime();
      if (ageMs <= staleAfterMs) {
        const age = skewText(ageMs);
        each.clockProblem = `by the clock of the repository its lock is only ${age} old`;
        continue;
      }
    }
    await location.remove('locks', name, signal);
    each.isDead = true;
    progress({
      type: 'warning',
      message: `removed a stale lock of ${holder(lock)}`,
      hint: 'Its holder ended without removing it, or was cut off from the repository for 30 minutes.',
    });
  }
}

const skewWorthSayingMs = 5 * 60_000;

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
      hint: 'When no other program uses the repository, remove it with `lifeboat unlock --remove-all`.',
      cause: error,
    });
  }
}

function conflict({ lock, clockProblem }: SeenLock): LifeboatError {
  const kind = lock.exclusive ? 'exclusively locked' : 'locked';
  const why = clockProblem === undefined ? '' : ` (${clockProblem})`;
  return new LifeboatError(
    'repository.locked',
    `the repository is ${kind} by ${holder(lock)}${why}`,
    {
      hint: 'Wait until that program has ended, or let this command wait (--wait 10m). If it is gone, its lock is ignored 30 minutes after its last sign of life.',
      context: {
        hostname: lock.hostname,
        username: lock.username,
        pid: lock.pid,
        since: (lock.since ?? lock.time).toISOString(),
        ...(lock.operation === undefined ? {} : { operation: lock.operation }),
      },
      retryable: true,
    },
  );
}

/** `backup by root@host (process 123), since 2026-11-21 02:14:09 UTC`. */
export function holder({ operation, username, hostname, pid, since, time }: LockFile): string {
  const what = operation === undefined ? '' : `${operation} by `;
  const when = since === undefined ? `last sign of life ${utc(time)}` : `since ${utc(since)}`;
  return `${what}process ${pid} of ${username}@${hostname}, ${when}`;
}

function utc(time: Date): string {
  if (Number.isNaN(time.getTime())) return 'at an unknown time';
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
