import { createHash } from 'node:crypto';
import { LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { assertFolderName, isHashName } from '../file-name.ts';
import type { ByteRange, FileInfo, FileKind, Location } from '../location.ts';
import type { S3Connection } from './s3-connection.ts';
import { readObject } from './s3-download.ts';
import { endsEarly } from './s3-error.ts';
import { headObject } from './s3-head.ts';
import { s3Key } from './s3-key.ts';
import { listVersions, type S3Version } from './s3-version-list.ts';

const looksAtOnce = 16;

/** Stored versions of a file that are no delete markers, the newest first. */
type Candidates = readonly S3Version[];

/**
 * A bucket as it was at a moment, read from the versions it keeps. A name is the hash of its bytes: of several
 * versions the one with the right bytes is taken, whatever was put in front of it. Nothing is ever written; locks
 * live in memory, because a moment that has passed does not change.
 */
export class S3VersionsLocation implements Location {
  readonly kind = 's3';
  readonly #connection: S3Connection;
  readonly #prefix: string;
  readonly #at: Date;
  readonly #listings = new Map<FileKind, Promise<ReadonlyMap<string, Candidates>>>();
  readonly #chosen = new Map<string, Promise<S3Version>>();
  readonly #nested = new Map<string, S3VersionsLocation>();
  /** Undefined in a nested area, whose `locks` hold pieces of logs. */
  readonly #locks: Map<string, Uint8Array> | undefined;

  constructor(
    connection: S3Connection,
    options: { readonly prefix: string; readonly at: Date; readonly isNested?: boolean },
  ) {
    this.#connection = connection;
    this.#prefix = options.prefix;
    this.#at = options.at;
    this.#locks = options.isNested ? undefined : new Map();
  }

  describe(): string {
    return this.#connection.describe();
  }

  async create(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    throw this.#readOnly('create a repository');
  }

  async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    throwIfAborted(signal);
    if (kind === 'locks' && this.#locks !== undefined) {
      return [...this.#locks].map(([name, bytes]) => ({ name, sizeBytes: bytes.length }));
    }
    const files: FileInfo[] = [];
    const entries = [...(await this.#listing(kind, signal))];
    let next = 0;
    const lanes = Array.from({ length: looksAtOnce }, async () => {
      for (let entry = entries[next++]; entry !== undefined; entry = entries[next++]) {
        const { sizeBytes } = await this.#choose(kind, entry[0], signal);
        files.push({ name: entry[0], sizeBytes });
      }
    });
    await Promise.all(lanes);
    return files;
  }

  async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    throwIfAborted(signal);
    const key = s3Key(this.#prefix, kind, name);
    if (kind === 'locks' && this.#locks !== undefined) {
      const lock = this.#locks.get(name);
      if (lock === undefined) throw missing(key);
      if (range && range.offset + range.length > lock.length) throw endsEarly(key);
      return lock.slice(range?.offset ?? 0, range && range.offset + range.length);
    }
    const { versionId } = await this.#choose(kind, name, signal);
    return await readObject(this.#connection, { key, versionId, range }, signal);
  }

  async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    throwIfAborted(signal);
    const key = s3Key(this.#prefix, kind, name);
    if (kind !== 'locks' || this.#locks === undefined) throw this.#readOnly(`write ${key}`);
    this.#locks.set(name, new Uint8Array(bytes));
  }

  async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const key = s3Key(this.#prefix, kind, name);
    if (kind !== 'locks' || this.#locks === undefined) throw this.#readOnly(`remove ${key}`);
    this.#locks.delete(name);
  }

  nested(folder: string): Location {
    assertFolderName(folder);
    const former = this.#nested.get(folder);
    if (former !== undefined) return former;
    const options = { prefix: `${this.#prefix}${folder}/`, at: this.#at, isNested: true };
    const area = new S3VersionsLocation(this.#connection, options);
    this.#nested.set(folder, area);
    return area;
  }

  /** Anybody may have put another config in front; the oldest one that decrypts is the repository's. */
  async configVersions(signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    const stored = (await this.#listing('config', signal)).get('config') ?? [];
    const key = s3Key(this.#prefix, 'config', 'config');
    const configs: Uint8Array[] = [];
    for (const { versionId } of stored.toReversed()) {
      configs.push(await readObject(this.#connection, { key, versionId }, signal));
    }
    return configs;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Read once: a moment that has passed does not change. */
  async #listing(
    kind: FileKind,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, Candidates>> {
    const former = this.#listings.get(kind);
    if (former !== undefined) return await former;
    const listing = this.#load(kind, signal);
    this.#listings.set(kind, listing);
    listing.catch(() => this.#listings.delete(kind));
    return await listing;
  }

  async #load(
    kind: FileKind,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, Candidates>> {
    const prefix =
      kind === 'config' ? s3Key(this.#prefix, kind, 'config') : `${this.#prefix}${kind}/`;
    const byName = new Map<string, S3Version[]>();
    for (const version of await listVersions(this.#connection, prefix, signal)) {
      if (version.modified.getTime() > this.#at.getTime()) continue;
      const name = version.key.slice(version.key.lastIndexOf('/') + 1);
      const isName = kind === 'config' ? name === 'config' : isHashName(name);
      if (!isName || s3Key(this.#prefix, kind, name) !== version.key) continue;
      byName.set(name, [...(byName.get(name) ?? []), version]);
    }
    const present = new Map<string, Candidates>();
    for (const [name, versions] of byName) {
      // Removed before the moment, by a prune or by a forget.
      if (versions[0]?.isMarker) continue;
      present.set(
        name,
        versions.filter((each) => !each.isMarker),
      );
    }
    return present;
  }

  async #choose(kind: FileKind, name: string, signal: AbortSignal | undefined): Promise<S3Version> {
    const key = s3Key(this.#prefix, kind, name);
    const former = this.#chosen.get(key);
    if (former !== undefined) return await former;
    const candidates = (await this.#listing(kind, signal)).get(name) ?? [];
    const [newest] = candidates;
    if (newest === undefined) throw missing(key);
    if (candidates.length === 1) return newest;
    if (kind === 'config') return candidates.at(-1) as S3Version;
    const choice = this.#genuine(name, candidates, signal);
    this.#chosen.set(key, choice);
    choice.catch(() => this.#chosen.delete(key));
    return await choice;
  }

  async #genuine(
    name: string,
    candidates: Candidates,
    signal: AbortSignal | undefined,
  ): Promise<S3Version> {
    for (const version of candidates) {
      const { key, versionId } = version;
      const head = await headObject(this.#connection, key, versionId, signal);
      if (head === undefined) continue;
      if (head.hash === name) return version;
      if (head.hash !== undefined) continue;
      const bytes = await readObject(this.#connection, { key, versionId }, signal);
      if (createHash('sha256').update(bytes).digest('hex') === name) return version;
    }
    // Without a right one, whoever reads it sees the damage.
    return candidates[0] as S3Version;
  }

  #readOnly(attempted: string): LifeboatError {
    return new LifeboatError(
      'location.refused',
      `could not ${attempted}: ${this.describe()} is a moment in the past`,
      { hint: 'Restore from it, or copy it to a new repository.' },
    );
  }
}

function missing(key: string): LifeboatError {
  return new LifeboatError('location.file-missing', `could not read ${key}: it was not there then`);
}
