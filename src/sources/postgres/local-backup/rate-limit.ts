import { sleep, throwIfAborted } from '../../../core/index.ts';

/** Makes whoever takes bytes wait, so that on average there are no more of them in a second. */
export class RateLimit {
  readonly #bytesPerSecond: number | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Up to when what was taken lasts. */
  #untilMs = 0;

  /** Without a rate nobody waits; an abort is noticed all the same. */
  constructor(bytesPerSecond: number | undefined, signal: AbortSignal | undefined) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#signal = signal;
  }

  async take(bytes: number): Promise<void> {
    throwIfAborted(this.#signal);
    if (this.#bytesPerSecond === undefined) return;
    const now = performance.now();
    this.#untilMs = Math.max(this.#untilMs, now) + (bytes / this.#bytesPerSecond) * 1000;
    // What is ahead of its time by less is not worth a timer.
    const aheadMs = this.#untilMs - now;
    if (aheadMs > 10) await sleep(aheadMs, this.#signal);
  }
}
