import type { FileKind } from './location.ts';

/** `compliance`: nobody can shorten it, not even the owner of the account. `governance`: whoever may bypass it can. */
export type LockMode = 'compliance' | 'governance';

/** How long every file is to stay, whatever anybody does, after the last snapshot that needs it. */
export interface LockPromise {
  readonly periodMs: number;
  readonly mode: LockMode;
}

/** One stored version of a file. A later writer can stand before it but not remove it while it is retained. */
export interface StoredVersion {
  readonly versionId: string;
  readonly sizeBytes: number;
  /** Undefined: not under retention, or not known to be. */
  readonly retainedUntil: Date | undefined;
}

/**
 * What a location can do that keeps files from being removed for a time. It is there only when the location was
 * opened with a promise. Everything written through the location is retained from the start, `locks` never.
 */
export interface ObjectLock {
  readonly promise: LockPromise;
  /** The same for everybody who reaches the same place, however it is spelled otherwise. */
  readonly place: string;
  /** What is written from now on is retained until here: the promise and half of it, so that a file that stays
   * in use is touched about twice in a period. */
  untilFor(now: Date): Date;
  /** The version that was written through this location, told once: whoever asks keeps it. */
  takeWritten(kind: FileKind, name: string): StoredVersion | undefined;
  /**
   * Sees to it that the genuine version of the file (the one whose bytes have its name) is retained until
   * `atLeast`; never shortens. Errors: `location.file-missing`, `location.*`.
   */
  retain(
    kind: FileKind,
    name: string,
    retention: Retention,
    signal?: AbortSignal,
  ): Promise<StoredVersion>;
}

export interface Retention {
  /** What is retained until then already is left as it is. */
  readonly atLeast: Date;
  readonly until: Date;
  /** Spares looking for the genuine version. */
  readonly known?: StoredVersion | undefined;
}
