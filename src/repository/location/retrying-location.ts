import { isLifeboatError, sleep } from '../../core/index.ts';
import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';

export interface RetryOptions {
  /** How often a call is tried at most, the first time included. */
  readonly attempts: number;
  /** Upper bound of the pause before the second attempt; it doubles from then on. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

const defaults: RetryOptions = { attempts: 5, firstPauseMs: 500, longestPauseMs: 15_000 };

/**
 * Tries again what failed because the location could not be reached. Only calls that may safely happen
 * twice: a file named by its hash is the same file however often it is written. The config is not: were
 * its first answer lost, the second attempt would find it "exists already".
 */
export class RetryingLocation implements Location {
  readonly #inner: Location;
  readonly #options: RetryOptions;

  constructor(inner: Location, options: RetryOptions = defaults) {
    this.#inner = inner;
    this.#options = options;
  }

  get kind(): string {
    return this.#inner.kind;
  }

  describe(): string {
    return this.#inner.describe();
  }

  create(signal?: AbortSignal): Promise<void> {
    return this.#retry(() => this.#inner.create(signal), signal);
  }

  list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    return this.#retry(() => this.#inner.list(kind, signal), signal);
  }

  read(kind: FileKind, name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#retry(() => this.#inner.read(kind, name, range, signal), signal);
  }

  write(kind: FileKind, name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    const write = () => this.#inner.write(kind, name, bytes, signal);
    return kind === 'config' ? write() : this.#retry(write, signal);
  }

  remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    return this.#retry(() => this.#inner.remove(kind, name, signal), signal);
  }

  nested(folder: string): Location {
    return new RetryingLocation(this.#inner.nested(folder), this.#options);
  }

  async #retry<Result>(call: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const { attempts, firstPauseMs, longestPauseMs } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (!isLifeboatError(error, 'location.unreachable') || !error.retryable) throw error;
        if (attempt >= attempts) throw error;
        // The whole pause is random, so that many clients do not come back in step.
        const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
        await sleep(Math.random() * pauseMs, signal);
      }
    }
  }
}
