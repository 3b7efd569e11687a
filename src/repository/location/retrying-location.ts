import { createHash } from 'node:crypto';
import { formatDuration, isLifeboatError, type LifeboatError, sleep } from '../../core/index.ts';
import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';
import type { LocationAbilities } from './location-abilities.ts';
import { LocationDecorator } from './location-decorator.ts';
import type { ObjectLock } from './object-lock.ts';
import {
  defaultRetryOptions,
  type RetryNotice,
  type RetryOptions,
  RetryPauses,
} from './retry-pauses.ts';
import type { StoredHistory } from './stored-history.ts';

/** What an outage is to all calls of one place: they fail together and are told of once. */
interface Outage {
  /** True once the place gave any answer. */
  known: boolean;
  toldAtMs: number;
}

/** Small files, compared with their name when they arrive. Packs are large, and compared where they are decrypted. */
const verifiedKinds: ReadonlySet<FileKind> = new Set(['keys', 'locks', 'snapshots', 'index']);

/** Calls that wait at the same time are one message, not one each. */
const quietMs = 1_000;

/**
 * Tries again what failed because the location could not be reached. A file named by its hash is the same
 * file however often it is written. The config is not: before a second writing of it counts as refused, it
 * is looked whether the first one went through after all.
 */
export class RetryingLocation extends LocationDecorator {
  readonly #options: RetryOptions;
  readonly #onRetry: (notice: RetryNotice) => void;
  readonly #outage: Outage;

  constructor(
    inner: Location,
    options: Partial<RetryOptions> = {},
    onRetry: (notice: RetryNotice) => void = () => {},
    outage: Outage = { known: false, toldAtMs: Number.NEGATIVE_INFINITY },
  ) {
    super(inner);
    this.#options = { ...defaultRetryOptions, ...options };
    this.#onRetry = onRetry;
    this.#outage = outage;
  }

  override create(signal?: AbortSignal): Promise<void> {
    return this.#retry(() => this.inner.create(signal), signal);
  }

  override list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    return this.#retry(() => this.inner.list(kind, signal), signal);
  }

  override read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#retry(async () => {
      const bytes = await this.inner.read(kind, name, range, signal);
      if (range !== undefined || !verifiedKinds.has(kind) || hashOf(bytes) === name) return bytes;
      // Damaged on its way, or where it is stored: a second reading tells. What is stored is for the reader to judge.
      return await this.inner.read(kind, name, undefined, signal);
    }, signal);
  }

  override write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    if (kind === 'config') return this.#writeConfig(name, bytes, signal);
    return this.#retry(() => this.inner.write(kind, name, bytes, signal), signal);
  }

  override remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    return this.#retry(() => this.inner.remove(kind, name, signal), signal);
  }

  override get objectLock(): ObjectLock | undefined {
    const lock = this.inner.objectLock;
    if (lock === undefined) return undefined;
    return {
      promise: lock.promise,
      place: lock.place,
      untilFor: (now) => lock.untilFor(now),
      takeWritten: (kind, name) => lock.takeWritten(kind, name),
      retain: (kind, name, retention, signal) =>
        this.#retry(() => lock.retain(kind, name, retention, signal), signal),
    };
  }

  override probe(signal?: AbortSignal): Promise<LocationAbilities | undefined> {
    return this.#retry(() => super.probe(signal), signal);
  }

  override configVersions(signal?: AbortSignal): Promise<readonly Uint8Array[] | undefined> {
    return this.#retry(() => super.configVersions(signal), signal);
  }

  override history(signal?: AbortSignal): Promise<StoredHistory | undefined> {
    return this.#retry(() => super.history(signal), signal);
  }

  protected around(inner: Location): Location {
    return new RetryingLocation(inner, this.#options, this.#onRetry, this.#outage);
  }

  #writeConfig(name: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    let again = false;
    return this.#retry(async () => {
      try {
        await this.inner.write('config', name, bytes, signal);
      } catch (error) {
        // A config is sealed with a random nonce: equal bytes can only be those of our first attempt.
        if (again && isLifeboatError(error, 'location.refused')) {
          const stored = await this.inner.read('config', name, undefined, signal);
          if (Buffer.compare(stored, bytes) === 0) return;
        }
        again = true;
        throw error;
      }
    }, signal);
  }

  async #retry<Result>(call: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const pauses = new RetryPauses(this.#options);
    for (;;) {
      try {
        const result = await call();
        this.#outage.known = true;
        return result;
      } catch (error) {
        if (!isLifeboatError(error, 'location.unreachable') || !error.retryable) {
          if (!isLifeboatError(error, 'cancelled')) this.#outage.known = true;
          throw error;
        }
        const pauseMs = pauses.after(error, this.#outage.known);
        if (pauseMs === undefined) throw error;
        this.#tell(error, pauses.attempts, pauseMs);
        await sleep(pauseMs, signal);
      }
    }
  }

  #tell(problem: LifeboatError, attempt: number, pauseMs: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#outage.toldAtMs < quietMs) return;
    this.#outage.toldAtMs = nowMs;
    const location = this.describe();
    const message = `${problem.message}; trying again in ${formatDuration(pauseMs)}`;
    this.#onRetry({ location, problem, attempt, pauseMs, message });
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
