import { isLifeboatError, sleep } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import { RetryDelay } from './retry-delay.ts';

/** A repository that is opened once, when it can be reached. */
export class RepositoryOpening {
  readonly #open: () => Promise<Repository>;
  #opening: Promise<Repository> | undefined;
  #reaching: Promise<Repository | undefined> | undefined;

  /** @param open tries once. */
  constructor(open: () => Promise<Repository>) {
    this.#open = open;
  }

  /** The open repository, or one attempt to open it. */
  async now(): Promise<Repository> {
    this.#opening ??= this.#open();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /**
   * Tries again, ever more slowly, while the place cannot be reached; whatever else is wrong is an error. Undefined when the
   * signal aborts first.
   */
  whenReachable(
    signal: AbortSignal,
    onUnreachable: (error: unknown, delayMs: number) => Promise<void>,
  ): Promise<Repository | undefined> {
    // However many wait for it, one tries.
    this.#reaching ??= this.#reach(signal, onUnreachable);
    return this.#reaching;
  }

  async #reach(
    signal: AbortSignal,
    onUnreachable: (error: unknown, delayMs: number) => Promise<void>,
  ): Promise<Repository | undefined> {
    const delay = new RetryDelay();
    while (!signal.aborted) {
      try {
        return await this.now();
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!isLifeboatError(error, 'location.unreachable')) throw error;
        const delayMs = delay.next(performance.now());
        await onUnreachable(error, delayMs);
        await sleep(delayMs, signal).catch(() => {});
      }
    }
    return undefined;
  }
}
