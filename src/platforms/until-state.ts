import { formatDuration, isLifeboatError, LifeboatError, sleep } from '../core/index.ts';
import type { Deadline } from './deadline.ts';

export interface WantedState {
  /** `stop the container shop-api`. */
  readonly purpose: string;
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  /** Asks for it; not called again while waiting. */
  begin(): Promise<void>;
  /** What it is instead, within the given time; undefined: it is as asked for. Rejects when it will never be. */
  look(timeoutMs: number): Promise<string | undefined>;
  /** What to do when it took too long. */
  readonly hint: string;
}

/** For the look that tells what it is instead. */
const lastLookMs = 10_000;
const pauseMsFirst = 100;
const pauseMsMax = 1_000;

/** Resolves when it is as asked for; `platform.timeout` with what it is instead. */
export async function untilState(wanted: WantedState): Promise<void> {
  const { deadline, signal } = wanted;
  try {
    await wanted.begin();
  } catch (error) {
    if (!isLifeboatError(error, 'platform.timeout')) throw error;
  }
  for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(pauseMs * 1.5, pauseMsMax)) {
    const instead = await wanted.look(Math.max(deadline.leftMs(), lastLookMs));
    if (instead === undefined) return;
    if (deadline.leftMs() === 0) throw tookTooLong(wanted, instead);
    await sleep(Math.min(pauseMs, deadline.leftMs()), signal);
  }
}

function tookTooLong({ purpose, deadline, hint }: WantedState, instead: string): LifeboatError {
  return new LifeboatError(
    'platform.timeout',
    `cannot ${purpose} within ${formatDuration(deadline.timeoutMs)}: ${instead}`,
    { hint, retryable: true },
  );
}
