import { createHash } from 'node:crypto';
import { isLifeboatError, throwIfAborted } from '../../../core/index.ts';
import { assertFileName } from '../file-name.ts';
import type { ByteRange, FileKind, Location } from '../location.ts';
import { LocationDecorator } from '../location-decorator.ts';
import { endsEarly } from '../rest-error.ts';
import type { CacheStore } from './cache-store.ts';
import { SharedFetch } from './shared-fetch.ts';

interface Shared {
  readonly store: CacheStore;
  readonly fetches: SharedFetch<Uint8Array>;
  /** The folder of this repository in the store: the hash of its config, which no other repository has. */
  identity: Promise<string | undefined> | undefined;
  /** Data files in which trees were looked for. */
  readonly treePacks: Set<string>;
}

/**
 * Reads index, snapshots and data files with trees from a folder of this host once they were read from the place, or written to
 * it. Listings are always the place's own. `direct` is the place without the copies.
 */
export class CachedLocation extends LocationDecorator {
  readonly #shared: Shared;
  /** The outermost location, which has the config, and the way from there to here. */
  readonly #outermost: Location;
  readonly #area: string;

  constructor(inner: Location, store: CacheStore, nested?: NestedCache) {
    super(inner);
    const fresh = { store, fetches: new SharedFetch<Uint8Array>(), treePacks: new Set<string>() };
    this.#shared = nested?.shared ?? { ...fresh, identity: undefined };
    this.#outermost = nested?.outermost ?? inner;
    this.#area = nested?.area ?? '';
  }

  override get direct(): Location {
    return this.inner.direct ?? this.inner;
  }

  override expectTrees(packs: Iterable<string>): void {
    for (const pack of packs) this.#shared.treePacks.add(pack);
  }

  override async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    assertFileName(kind, name);
    throwIfAborted(signal);
    const area = this.#keeps(kind, name) ? await this.#place() : undefined;
    if (area === undefined) {
      const bytes = await this.inner.read(kind, name, range, signal);
      const isOurs = kind === 'config' && range === undefined && this.#area === '';
      if (isOurs) this.#shared.identity ??= Promise.resolve(identityIn(bytes));
      return bytes;
    }
    const { store, fetches } = this.#shared;
    const attempted = `could not read ${kind}/${name} of ${this.describe()}`;
    const copy = await store.read(area, kind, name, range);
    if (copy === 'short') throw endsEarly(attempted);
    if (copy !== undefined) return copy;
    const whole = await fetches.get(`${area}/${kind}/${name}`, signal, async (shared) => {
      const bytes = await this.inner.read(kind, name, undefined, shared);
      // Damaged bytes are for the caller to see, never for the cache.
      if (sha256(bytes) === name) await store.keep(area, kind, name, bytes);
      return bytes;
    });
    // Copied: those who fetched together must not share a buffer.
    if (range === undefined) return whole.slice();
    const end = range.offset + range.length;
    if (end > whole.length) throw endsEarly(attempted);
    return whole.slice(range.offset, end);
  }

  override async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.inner.write(kind, name, bytes, signal);
    // A log that is streamed writes small files all day, which its writer hardly ever reads.
    if (!this.#keeps(kind, name) || this.#area !== '') return;
    const area = await this.#place();
    if (area !== undefined) await this.#shared.store.keep(area, kind, name, bytes);
  }

  override async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    await this.inner.remove(kind, name, signal);
    if (kind === 'config') this.#shared.identity = undefined;
    if (!this.#keeps(kind, name) && kind !== 'data') return;
    const area = await this.#place();
    if (area !== undefined) await this.#shared.store.drop(area, kind, name);
  }

  override nested(folder: string): Location {
    return new CachedLocation(this.inner.nested(folder), this.#shared.store, {
      shared: this.#shared,
      outermost: this.#outermost,
      area: `${this.#area}/${folder}`,
    });
  }

  protected around(inner: Location): Location {
    const nested = { shared: this.#shared, outermost: this.#outermost, area: this.#area };
    return new CachedLocation(inner, this.#shared.store, nested);
  }

  #keeps(kind: FileKind, name: string): boolean {
    if (kind === 'data') return this.#shared.treePacks.has(name);
    // Of a nested area `keys` is the index of its records.
    return kind === 'index' || kind === 'snapshots' || (kind === 'keys' && this.#area !== '');
  }

  /** Undefined while there is no config: then it is not known yet which repository this will be. */
  async #place(): Promise<string | undefined> {
    this.#shared.identity ??= identityOf(this.#outermost);
    const identity = await this.#shared.identity;
    if (identity === undefined) this.#shared.identity = undefined;
    return identity && identity + this.#area;
  }
}

interface NestedCache {
  readonly shared: Shared;
  readonly outermost: Location;
  readonly area: string;
}

async function identityOf(location: Location): Promise<string | undefined> {
  try {
    return identityIn(await location.read('config', 'config'));
  } catch (error) {
    // Whatever it is, the call it was for will meet it too.
    if (isLifeboatError(error)) return undefined;
    throw error;
  }
}

function identityIn(config: Uint8Array): string {
  return sha256(config).slice(0, 32);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
