import type { LifeboatError } from '../../core/index.ts';

export interface RetryOptions {
  /** How often a call is tried at most, the first time included. */
  readonly attempts: number;
  /** Upper bound of the pause before the second attempt; it doubles from then on. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** No attempt starts later than that after the first one failed. */
  readonly patienceMs: number;
  /** The same while the place has never answered: then the address is wrong more often than the network. */
  readonly firstContactMs: number;
}

export const defaultRetryOptions: RetryOptions = {
  attempts: Number.POSITIVE_INFINITY,
  firstPauseMs: 500,
  longestPauseMs: 15_000,
  patienceMs: 120_000,
  firstContactMs: 10_000,
};

/** What is told before each pause, so that nobody waits without knowing why. */
export interface RetryNotice {
  readonly location: string;
  readonly problem: LifeboatError;
  /** How often the call was tried so far. */
  readonly attempt: number;
  readonly pauseMs: number;
  /** One line for people. */
  readonly message: string;
}

/** The pauses of one call that fails again and again. */
export class RetryPauses {
  readonly #options: RetryOptions;
  #attempts = 0;
  #firstFailureMs: number | undefined;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** How long to wait before the next attempt; undefined when it is time to give up. */
  after(problem: LifeboatError, known: boolean): number | undefined {
    const { attempts, firstPauseMs, longestPauseMs, patienceMs, firstContactMs } = this.#options;
    this.#attempts++;
    const nowMs = performance.now();
    this.#firstFailureMs ??= nowMs;
    if (this.#attempts >= attempts) return undefined;
    // The whole pause is random, so that many clients do not come back in step.
    const doubled = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(30, this.#attempts - 1));
    const pauseMs = askedPauseMs(problem) + Math.random() * doubled;
    const leftMs = this.#firstFailureMs + (known ? patienceMs : firstContactMs) - nowMs;
    return pauseMs > leftMs ? undefined : pauseMs;
  }
}

/** What the place itself asked for (`Retry-After`). */
function askedPauseMs(problem: LifeboatError): number {
  const asked = problem.context.retryAfterMs;
  return typeof asked === 'number' && asked > 0 ? asked : 0;
}

/** `Retry-After` as a context of errors: seconds, or a date. */
export function retryAfter(header: string | null | undefined): { retryAfterMs?: number } {
  if (header === null || header === undefined || header === '') return {};
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? { retryAfterMs: Math.ceil(ms) } : {};
}
