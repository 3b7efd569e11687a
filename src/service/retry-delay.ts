const delayMsFirst = 1_000;
const delayMsMax = 60_000;
const calmMs = 120_000;

/** Waiting times after failures: 1 s, 2 s, 4 s ... 60 s; from the start again after two minutes without one. */
export class RetryDelay {
  #failures = 0;
  #lastFailureMs = Number.NEGATIVE_INFINITY;

  /** `nowMs` is any clock that does not go back. */
  next(nowMs: number): number {
    if (nowMs - this.#lastFailureMs > calmMs) this.#failures = 0;
    const delayMs = Math.min(delayMsMax, delayMsFirst * 2 ** this.#failures);
    this.#failures += 1;
    this.#lastFailureMs = nowMs + delayMs;
    return delayMs;
  }
}
