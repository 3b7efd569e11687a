import { isLifeboatError, type LifeboatError, sleep } from '../../core/index.ts';
import type { Deadline } from '../deadline.ts';

export interface UntilSettledOptions {
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
  /** The error when time is over; `missing` is what was missing at the last look. */
  late(missing: string): Promise<LifeboatError>;
}

/**
 * Looks again and again until nothing is missing. An API server that does not answer for a while is waited for, as it is when it
 * restarts; when it is still away at the end, that is the error.
 */
export async function untilSettled(
  look: () => Promise<string | undefined>,
  { deadline, signal, late }: UntilSettledOptions,
): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    const isLast = deadline.leftMs() === 0;
    try {
      const missing = await look();
      if (missing === undefined) return;
      if (isLast) throw await late(missing);
    } catch (error) {
      const isAway = isLifeboatError(error, 'platform.unavailable', 'platform.timeout');
      if (isLast || !isAway || !error.retryable) throw error;
    }
    await sleep(Math.min(pauseMs, deadline.leftMs()), signal);
  }
}

const firstPauseMs = 250;
const longestPauseMs = 2_000;
