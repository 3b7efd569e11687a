import {
  formatDuration,
  isLifeboatError,
  type LifeboatError,
  type Progress,
  silentProgress,
  sleep,
} from '../../core/index.ts';

const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/**
 * Tries to get a lock until it works or `waitMs` have passed. While it waits it says for whom, anew whenever that
 * changes. Errors: the last `repository.locked`.
 */
export async function waitForTurn<Lock>(
  options: {
    readonly waitMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly progress?: Progress | undefined;
  },
  acquire: () => Promise<Lock>,
): Promise<Lock> {
  const { waitMs = 0, signal, progress = silentProgress } = options;
  const startedAt = Date.now();
  const task = 'wait for the lock';
  let said: string | undefined;
  let pauseMs = firstPauseMs;
  try {
    for (;;) {
      try {
        return await acquire();
      } catch (error) {
        const leftMs = startedAt + waitMs - Date.now();
        // An unreadable lock may have been caught while it was written.
        if (!isLifeboatError(error, 'repository.locked') || leftMs <= 0) throw error;
        if (said !== error.message) {
          if (said === undefined) progress({ type: 'begin', task, title: 'waiting for a lock' });
          said = error.message;
          progress({ type: 'note', message: waiting(error, leftMs) });
        }
        await sleep(Math.min(pauseMs, leftMs), signal);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
  } finally {
    if (said !== undefined) progress({ type: 'end', task });
  }
}

function waiting(error: LifeboatError, leftMs: number): string {
  return `${error.message}; waiting for up to ${formatDuration(leftMs)}`;
}
