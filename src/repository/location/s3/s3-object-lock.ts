import { createHash } from 'node:crypto';
import type { ObjectLockRetentionMode } from '@aws-sdk/client-s3';
import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import type { FileKind } from '../location.ts';
import type { LockPromise, ObjectLock, Retention, StoredVersion } from '../object-lock.ts';
import type { S3Connection } from './s3-connection.ts';
import { readObject } from './s3-download.ts';
import { headObject, retentionOf } from './s3-head.ts';
import { s3Key } from './s3-key.ts';
import { listVersions } from './s3-version-list.ts';

/** Servers keep the time in whole seconds. */
const toleranceMs = 1000;

/** What this process wrote and nobody asked for yet, by key; shared by all areas of a bucket. */
export class VersionTable {
  readonly #versions = new Map<string, StoredVersion>();

  take(key: string): StoredVersion | undefined {
    const version = this.#versions.get(key);
    this.#versions.delete(key);
    return version;
  }

  set(key: string, version: StoredVersion): void {
    this.#versions.set(key, version);
  }

  forget(key: string): void {
    this.#versions.delete(key);
  }
}

/** Retention by object version: what an attacker writes or removes later never touches the version we hold. */
export class S3ObjectLock implements ObjectLock {
  readonly promise: LockPromise;
  readonly place: string;
  readonly #connection: S3Connection;
  readonly #prefix: string;
  readonly #versions: VersionTable;

  constructor(
    connection: S3Connection,
    options: {
      readonly prefix: string;
      readonly lock: LockPromise;
      readonly versions: VersionTable;
    },
  ) {
    this.promise = options.lock;
    this.place = `${connection.address.bucket}/${options.prefix}`;
    this.#connection = connection;
    this.#prefix = options.prefix;
    this.#versions = options.versions;
  }

  untilFor(now: Date): Date {
    return new Date(now.getTime() + this.promise.periodMs * 1.5);
  }

  takeWritten(kind: FileKind, name: string): StoredVersion | undefined {
    return this.#versions.take(s3Key(this.#prefix, kind, name));
  }

  async retain(
    kind: FileKind,
    name: string,
    retention: Retention,
    signal?: AbortSignal,
  ): Promise<StoredVersion> {
    const { known } = retention;
    const key = s3Key(this.#prefix, kind, name);
    try {
      const version = known ?? (await this.#genuine(kind, name, key, signal));
      return await this.#extend(key, version, retention, signal);
    } catch (error) {
      // What was known is out of date: the bucket was moved, or the version went when its time was over.
      if (known === undefined || !isLifeboatError(error, 'location.file-missing')) throw error;
      const version = await this.#genuine(kind, name, key, signal);
      return await this.#extend(key, version, retention, signal);
    }
  }

  async #extend(
    key: string,
    version: StoredVersion,
    { atLeast, until }: Retention,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion> {
    if (isEnough(version.retainedUntil, atLeast)) return version;
    try {
      await this.#put(key, version.versionId, this.promise.mode, until, signal);
      return { ...version, retainedUntil: until };
    } catch (error) {
      if (!isLifeboatError(error, 'location.refused')) throw error;
      // Refused as a shortening, or as a change of mode: somebody else retained it meanwhile.
      const actual = await this.#retention(key, version.versionId, error, signal);
      if (isEnough(actual.until, atLeast)) {
        return { ...version, retainedUntil: actual.until };
      }
      if (actual.mode === this.promise.mode) throw error;
      await this.#put(key, version.versionId, actual.mode, until, signal);
      return { ...version, retainedUntil: until };
    }
  }

  /** Of a version whose retention was refused; that refusal when there is none. */
  async #retention(
    key: string,
    versionId: string,
    refusal: LifeboatError,
    signal: AbortSignal | undefined,
  ) {
    try {
      const actual = await retentionOf(this.#connection, key, versionId, signal);
      if (actual !== undefined) return actual;
    } catch (error) {
      if (!isLifeboatError(error, 'location.refused', 'location.file-missing')) throw error;
      const isGone = await this.#isGone(key, versionId, signal);
      if (isGone) throw missingVersion(key, versionId, error);
    }
    throw refusal;
  }

  async #isGone(key: string, versionId: string, signal: AbortSignal | undefined): Promise<boolean> {
    const versions = await listVersions(this.#connection, key, signal);
    return !versions.some((each) => each.key === key && each.versionId === versionId);
  }

  async #put(
    key: string,
    versionId: string,
    mode: string,
    until: Date,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const Retention = {
      Mode: mode.toUpperCase() as ObjectLockRetentionMode,
      RetainUntilDate: until,
    };
    await this.#connection.call(
      `could not retain ${key}`,
      ({ sdk, client, bucket, options }) =>
        client.send(
          new sdk.PutObjectRetentionCommand({
            Bucket: bucket,
            Key: key,
            VersionId: versionId,
            Retention,
          }),
          options,
        ),
      signal,
    );
  }

  /** The version whose bytes have the name, were it not the current one; the oldest config, which nobody replaces. */
  async #genuine(
    kind: FileKind,
    name: string,
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion> {
    const head = await headObject(this.#connection, key, undefined, signal);
    if (head?.versionId !== undefined && head.hash === name) {
      return await this.#withRetention(key, head.versionId, head.sizeBytes, signal);
    }
    const versions = (await listVersions(this.#connection, key, signal)).filter(
      (each) => each.key === key && !each.isMarker,
    );
    if (kind === 'config' && versions.length > 1) versions.splice(0, versions.length - 1);
    for (const { versionId, sizeBytes } of versions) {
      // One version alone leaves nothing to choose: it need not be read.
      if (versions.length > 1) {
        const bytes = await readObject(this.#connection, { key, versionId }, signal);
        if (createHash('sha256').update(bytes).digest('hex') !== name) continue;
      }
      return await this.#withRetention(key, versionId, sizeBytes, signal);
    }
    throw new LifeboatError(
      'location.file-missing',
      `no version of ${key} has the bytes of its name`,
      {
        hint: 'Run `lifeboat check` to see what is affected.',
      },
    );
  }

  /** Credentials that may not look still may extend. */
  async #withRetention(
    key: string,
    versionId: string,
    sizeBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion> {
    const looking = retentionOf(this.#connection, key, versionId, signal);
    const retention = await looking.catch((error: unknown) => {
      if (isLifeboatError(error, 'location.refused')) return undefined;
      throw error;
    });
    return { versionId, sizeBytes, retainedUntil: retention?.until };
  }
}

function missingVersion(key: string, versionId: string, cause: unknown): LifeboatError {
  return new LifeboatError('location.file-missing', `${key} has no version ${versionId}`, {
    cause,
  });
}

function isEnough(retained: Date | undefined, wanted: Date): boolean {
  return retained !== undefined && retained.getTime() + toleranceMs >= wanted.getTime();
}
