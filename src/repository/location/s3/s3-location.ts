import { createHash } from 'node:crypto';
import type { ObjectLockMode } from '@aws-sdk/client-s3';
import { isLifeboatError, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { assertFolderName, isHashName } from '../file-name.ts';
import type { ByteRange, FileInfo, FileKind, Location } from '../location.ts';
import type { LocationAbilities } from '../location-abilities.ts';
import type { LockPromise, ObjectLock } from '../object-lock.ts';
import type { StoredHistory } from '../stored-history.ts';
import type { S3Connection } from './s3-connection.ts';
import { readObject } from './s3-download.ts';
import { statusOf } from './s3-error.ts';
import { headObject } from './s3-head.ts';
import { historyOf } from './s3-history.ts';
import { s3Key } from './s3-key.ts';
import { listObjects } from './s3-listing.ts';
import { S3ObjectLock, VersionTable } from './s3-object-lock.ts';
import { probeS3 } from './s3-probe.ts';
import { defaultPartSizes, type PartSizes, uploadObject } from './s3-upload.ts';
import { listVersions } from './s3-version-list.ts';

export interface S3LocationOptions {
  /** With a slash at its end, or empty. */
  readonly prefix: string;
  readonly lock?: LockPromise | undefined;
  readonly partSizes?: PartSizes | undefined;
  readonly versions?: VersionTable | undefined;
}

/**
 * A bucket of S3 or of a server that speaks it, in restic's layout. What is written carries its SHA-256, which
 * the server compares; whole files that come back are compared with their name.
 */
export class S3Location implements Location {
  readonly kind = 's3';
  readonly objectLock: ObjectLock | undefined;
  readonly #connection: S3Connection;
  readonly #options: S3LocationOptions;
  readonly #versions: VersionTable;
  /** False once the server said that it knows no conditional writes. */
  #conditional = true;

  constructor(connection: S3Connection, options: S3LocationOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#versions = options.versions ?? new VersionTable();
    if (options.lock === undefined) return;
    const { lock, prefix } = options;
    this.objectLock = new S3ObjectLock(connection, { prefix, lock, versions: this.#versions });
  }

  describe(): string {
    return this.#connection.describe();
  }

  /** Makes nothing: whether a bucket has object lock is for its owner to decide, when it is created. */
  async create(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#options.versions !== undefined) return;
    // Listing tells a bucket that is missing from one that may not be seen.
    await this.list('keys', signal);
    if (this.#options.lock === undefined) return;
    const { objectLock } = await probeS3(this.#connection, this.#options.prefix, {
      readOnly: true,
      signal,
    });
    if (objectLock !== false) return;
    throw new LifeboatError('location.refused', `${this.describe()} has no object lock`, {
      hint: 'Create the bucket with object lock, or take `lock:` out of the configuration.',
    });
  }

  async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    if (kind === 'config') {
      const config = await headObject(
        this.#connection,
        this.#keyOf(kind, 'config'),
        undefined,
        signal,
      );
      return config === undefined ? [] : [{ name: 'config', sizeBytes: config.sizeBytes }];
    }
    const prefix = `${this.#options.prefix}${kind}/`;
    const files: FileInfo[] = [];
    for (const { key, sizeBytes } of await listObjects(this.#connection, prefix, signal)) {
      const name = key.slice(key.lastIndexOf('/') + 1);
      // An object that lies elsewhere could not be read under its name.
      if (isHashName(name) && key === this.#keyOf(kind, name)) files.push({ name, sizeBytes });
    }
    return files;
  }

  async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const key = this.#keyOf(kind, name);
    const bytes = await readObject(this.#connection, { key, range }, signal);
    if (range !== undefined || kind === 'config' || hashOf(bytes) === name) return bytes;
    // Damaged on its way, or where it is stored: a second reading tells. What is stored is for the reader to judge.
    return await readObject(this.#connection, { key }, signal);
  }

  async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    try {
      await this.#upload(kind, name, bytes, this.#conditional || kind === 'config', signal);
    } catch (error) {
      const status = statusOf((error as Error).cause);
      if (status === 501) {
        this.#conditional = false;
        return await this.#writeUnconditionally(kind, name, bytes, signal);
      }
      if (status !== 412) throw error;
      await this.#writeOverExisting(kind, name, bytes, signal);
    }
  }

  /** Where versions are kept this puts a delete marker in front of the file, which stays until nothing keeps it. */
  async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    const key = this.#keyOf(kind, name);
    const removing = this.#connection.call(
      `could not remove ${key}`,
      ({ sdk, client, bucket, options }) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), options),
      signal,
    );
    await removing.catch((error: unknown) => {
      if (!isLifeboatError(error, 'location.file-missing')) throw error;
    });
    this.#versions.forget(key);
  }

  async modifiedAt(kind: FileKind, name: string, signal?: AbortSignal): Promise<Date | undefined> {
    const key = this.#keyOf(kind, name);
    return (await headObject(this.#connection, key, undefined, signal))?.modified;
  }

  nested(folder: string): Location {
    assertFolderName(folder);
    const prefix = `${this.#options.prefix}${folder}/`;
    const versions = this.#versions;
    return new S3Location(this.#connection, { ...this.#options, prefix, versions });
  }

  probe(signal?: AbortSignal): Promise<LocationAbilities> {
    return probeS3(this.#connection, this.#options.prefix, { readOnly: false, signal });
  }

  async history(signal?: AbortSignal): Promise<StoredHistory> {
    const { prefix } = this.#options;
    return historyOf(prefix, await listVersions(this.#connection, prefix, signal));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #upload(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    onlyNew: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const key = this.#keyOf(kind, name);
    const hash = kind === 'config' ? hashOf(bytes) : name;
    const lock = kind === 'locks' ? undefined : this.objectLock;
    const until = lock?.untilFor(new Date());
    const mode = lock?.promise.mode.toUpperCase() as ObjectLockMode;
    const retention = until && { mode, until };
    const { partSizes = defaultPartSizes } = this.#options;
    const upload = { key, bytes, hash, onlyNew, retention, partSizes };
    const versionId = await uploadObject(this.#connection, upload, signal);
    if (versionId === undefined || kind === 'locks') return;
    this.#versions.set(key, { versionId, sizeBytes: bytes.length, retainedUntil: until });
  }

  /** The server said that something is there. For a hash it is the file we meant, unless it is damaged. */
  async #writeOverExisting(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const key = this.#keyOf(kind, name);
    const head = await headObject(this.#connection, key, undefined, signal);
    // Some servers take a delete marker for a file: then nothing is there that could be replaced.
    if (head === undefined) return await this.#upload(kind, name, bytes, false, signal);
    if (kind === 'config') throw configExists(this.describe());
    const isOurs =
      head.sizeBytes === bytes.length &&
      (head.hash ?? hashOf(await readObject(this.#connection, { key }, signal))) === name;
    if (!isOurs) await this.#upload(kind, name, bytes, false, signal);
  }

  async #writeUnconditionally(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (kind === 'config' && (await this.list('config', signal)).length > 0) {
      throw configExists(this.describe());
    }
    await this.#upload(kind, name, bytes, false, signal);
  }

  #keyOf(kind: FileKind, name: string): string {
    return s3Key(this.#options.prefix, kind, name);
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function configExists(where: string): LifeboatError {
  return new LifeboatError('location.refused', `could not write config to ${where}: it is there`, {
    hint: 'A config is never replaced. Use the repository that is there, or another prefix.',
  });
}
