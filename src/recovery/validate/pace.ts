/** Holds reading to a rate on average: what was read too fast is waited for before the next. */
export class Pace {
  readonly #bytesPerSecond: number;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** How long to wait before so many bytes are read. `nowMs` is any clock that does not go back. */
  waitMs(bytes: number, nowMs: number): number {
    const waitMs = Math.max(0, this.#freeAtMs - nowMs);
    this.#freeAtMs = nowMs + waitMs + (bytes / this.#bytesPerSecond) * 1000;
    return waitMs;
  }
}
