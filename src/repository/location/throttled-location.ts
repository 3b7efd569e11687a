import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';
import { LocationDecorator } from './location-decorator.ts';
import { TokenBucket } from './token-bucket.ts';

/** Bytes per second, for all calls together; no limit where it is undefined. */
export interface RateLimits {
  readonly uploadBytesPerSecond?: number | undefined;
  readonly downloadBytesPerSecond?: number | undefined;
}

interface Buckets {
  readonly upload: TokenBucket | undefined;
  readonly download: TokenBucket | undefined;
}

/** About what a listing costs for each file in it. */
const listedFileBytes = 100;

/**
 * Keeps the average rate below a limit. A file waits until all of its bytes may pass and goes at once then: over the
 * time of one file (16 MiB as a rule) the rate is right, not within it.
 */
export class ThrottledLocation extends LocationDecorator {
  readonly #buckets: Buckets;

  constructor(inner: Location, limits: RateLimits, buckets?: Buckets) {
    super(inner);
    const bucket = (rate: number | undefined) => (rate ? new TokenBucket(rate) : undefined);
    this.#buckets = buckets ?? {
      upload: bucket(limits.uploadBytesPerSecond),
      download: bucket(limits.downloadBytesPerSecond),
    };
  }

  override async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    const files = await this.inner.list(kind, signal);
    await this.#buckets.download?.take(files.length * listedFileBytes, signal);
    return files;
  }

  /** How long a whole file is shows when it is there: it is paid for afterwards. */
  override async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const { download } = this.#buckets;
    if (range !== undefined) await download?.take(range.length, signal);
    const bytes = await this.inner.read(kind, name, range, signal);
    if (range === undefined) await download?.take(bytes.length, signal);
    return bytes;
  }

  override async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#buckets.upload?.take(bytes.length, signal);
    await this.inner.write(kind, name, bytes, signal);
  }

  protected around(inner: Location): Location {
    return new ThrottledLocation(inner, {}, this.#buckets);
  }
}
