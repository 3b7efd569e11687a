import { cancelled } from '../../core/index.ts';

interface Waiter {
  leftBytes: number;
  readonly admit: () => void;
}

/** What one call gets before the next one has its turn. */
const sliceBytes = 32 * 1024;
/** How much an idle bucket saves up. */
const burstMs = 250;

/**
 * So many bytes per second for all calls together. Calls that wait take turns slice by slice, so that a
 * small file is not held up by the large ones before it.
 */
export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #capacityBytes: number;
  readonly #waiters: Waiter[] = [];
  #tokens: number;
  #filledAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#capacityBytes = Math.max(sliceBytes, this.#bytesPerMs * burstMs);
    this.#tokens = this.#capacityBytes;
  }

  /** Resolves when so many bytes may pass; rejects with `cancelled`. */
  take(bytes: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(cancelled(signal));
      const onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(cancelled(signal as AbortSignal));
      };
      const admit = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const waiter: Waiter = { leftBytes: bytes, admit };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
      if (this.#timer === undefined) this.#serve();
    });
  }

  #serve(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    const gained = (nowMs - this.#filledAtMs) * this.#bytesPerMs;
    this.#tokens = Math.min(this.#capacityBytes, this.#tokens + gained);
    this.#filledAtMs = nowMs;
    for (let first = this.#waiters[0]; first !== undefined; first = this.#waiters[0]) {
      const slice = Math.min(sliceBytes, first.leftBytes);
      if (this.#tokens < slice) {
        const waitMs = Math.max(1, Math.ceil((slice - this.#tokens) / this.#bytesPerMs));
        this.#timer = setTimeout(() => this.#serve(), waitMs);
        return;
      }
      this.#tokens -= slice;
      first.leftBytes -= slice;
      this.#waiters.shift();
      if (first.leftBytes === 0) first.admit();
      else this.#waiters.push(first);
    }
  }
}
