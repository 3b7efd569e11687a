import { formatDuration, isLifeboatError, type Progress } from '../../core/index.ts';
import type { Location } from '../location/location.ts';

/** The location's clock. */
export interface Clock {
  now(): Date;
}

/** Small differences are normal, and a file may wait a moment for its disk. */
const worthSayingMs = 2 * 60_000;

/**
 * Compares our clock with that of the location, by the time it gave a file that we have just written. Undefined when it
 * does not tell. A difference that could make people, or locks, err is a warning with its amount.
 */
export async function measureClock(
  location: Location,
  lockName: string,
  writtenAt: Date,
  options: { readonly signal?: AbortSignal | undefined; readonly progress: Progress },
): Promise<Clock | undefined> {
  const theirs = await clockOf(location, lockName, options.signal);
  if (theirs === undefined) return undefined;
  const aheadMs = theirs.getTime() - writtenAt.getTime();
  // The file was written a little after our time was taken: as long as that took is no difference.
  const tookMs = Date.now() - writtenAt.getTime();
  const amountMs = aheadMs > 0 ? Math.max(0, aheadMs - tookMs) : -aheadMs;
  if (amountMs > worthSayingMs) {
    const side = aheadMs > 0 ? 'behind' : 'ahead of';
    options.progress({
      type: 'warning',
      message: `the clock of this machine is ${skewText(amountMs)} ${side} that of ${location.describe()}`,
      hint: 'Set it by NTP: times of snapshots, retention and locks depend on it.',
    });
  }
  return { now: () => new Date(Date.now() + aheadMs) };
}

/** Nothing depends on it that could not do without. */
async function clockOf(
  location: Location,
  lockName: string,
  signal?: AbortSignal,
): Promise<Date | undefined> {
  try {
    const writtenAt = await location.modifiedAt?.('locks', lockName, signal);
    return writtenAt ?? (await location.now?.(signal));
  } catch (error) {
    if (isLifeboatError(error, 'location.refused', 'location.unreachable')) return undefined;
    throw error;
  }
}

export function skewText(durationMs: number): string {
  return formatDuration(Math.max(0, durationMs));
}
