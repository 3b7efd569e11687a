import { createHash } from 'node:crypto';
import { closeSync, writeSync } from 'node:fs';
import { localError } from '../location/local-error.ts';
import { openTemporaryPack, removeQuietlySync } from '../location/local-temporary-file.ts';
import type { PackTarget } from './pack-target.ts';

const stageBytes = 256 * 1024;

/**
 * A pack that is written to a local repository while it grows, under a temporary name: memory holds some blobs of it
 * instead of all. Durable, and a pack, only when `LocalLocation.adopt` has taken it over. Errors: `location.*`.
 */
export class FilePackTarget implements PackTarget<string> {
  readonly capacityBytes = Number.POSITIVE_INFINITY;
  readonly #path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  #stage = new Uint8Array(stageBytes);
  #staged = 0;

  /** `folder` is the repository's. */
  constructor(folder: string) {
    const { path, fd } = this.#locally(() => openTemporaryPack(folder), folder);
    this.#path = path;
    this.#fd = fd;
  }

  next(lengthBytes: number): Uint8Array {
    if (this.#staged + lengthBytes > this.#stage.length) this.#write();
    if (lengthBytes > this.#stage.length) this.#stage = new Uint8Array(lengthBytes);
    const begin = this.#staged;
    this.#staged += lengthBytes;
    return this.#stage.subarray(begin, this.#staged);
  }

  finish(): { name: string; content: string } {
    try {
      this.#write();
    } catch (error) {
      this.discard();
      throw error;
    }
    closeSync(this.#fd);
    return { name: this.#hash.digest('hex'), content: this.#path };
  }

  discard(): void {
    closeSync(this.#fd);
    removeQuietlySync(this.#path);
  }

  #write(): void {
    const bytes = this.#stage.subarray(0, this.#staged);
    this.#hash.update(bytes);
    this.#locally(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    }, this.#path);
    this.#staged = 0;
  }

  #locally<Value>(work: () => Value, path: string): Value {
    try {
      return work();
    } catch (error) {
      throw localError(error, `could not write ${path}`);
    }
  }
}
