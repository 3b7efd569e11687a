import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';
import type { LocationAbilities } from './location-abilities.ts';
import type { ObjectLock } from './object-lock.ts';
import type { StoredHistory } from './stored-history.ts';

/**
 * Passes everything on to another location: what a decorator does not change, optional members included.
 * A member that is new in the contract is added here, and no decorator loses it.
 */
export abstract class LocationDecorator implements Location {
  protected readonly inner: Location;

  constructor(inner: Location) {
    this.inner = inner;
  }

  /** The same decoration, with the same state, around another part of the same place. */
  protected abstract around(inner: Location): Location;

  get kind(): string {
    return this.inner.kind;
  }

  get direct(): Location | undefined {
    return this.inner.direct && this.around(this.inner.direct);
  }

  get objectLock(): ObjectLock | undefined {
    return this.inner.objectLock;
  }

  describe(): string {
    return this.inner.describe();
  }

  create(signal?: AbortSignal): Promise<void> {
    return this.inner.create(signal);
  }

  list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    return this.inner.list(kind, signal);
  }

  read(kind: FileKind, name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.inner.read(kind, name, range, signal);
  }

  write(kind: FileKind, name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    return this.inner.write(kind, name, bytes, signal);
  }

  remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    return this.inner.remove(kind, name, signal);
  }

  nested(folder: string): Location {
    return this.around(this.inner.nested(folder));
  }

  async modifiedAt(kind: FileKind, name: string, signal?: AbortSignal): Promise<Date | undefined> {
    return await this.inner.modifiedAt?.(kind, name, signal);
  }

  async now(signal?: AbortSignal): Promise<Date | undefined> {
    return await this.inner.now?.(signal);
  }

  expectTrees(packs: Iterable<string>): void {
    this.inner.expectTrees?.(packs);
  }

  async probe(signal?: AbortSignal): Promise<LocationAbilities | undefined> {
    return await this.inner.probe?.(signal);
  }

  async configVersions(signal?: AbortSignal): Promise<readonly Uint8Array[] | undefined> {
    return await this.inner.configVersions?.(signal);
  }

  async history(signal?: AbortSignal): Promise<StoredHistory | undefined> {
    return await this.inner.history?.(signal);
  }

  async close(): Promise<void> {
    await this.inner.close?.();
  }
}
