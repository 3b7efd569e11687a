import { createHash } from 'node:crypto';
import { closeSync, writeSync } from 'node:fs';
import { assert } from '../../core/index.ts';
import { localError } from '../location/local-error.ts';
import { openTemporaryPack, removeQuietlySync } from '../location/local-temporary-file.ts';
import type { PackTarget } from './pack-target.ts';
import { Room } from './room.ts';

/** So much is written at once, while it is in the processor's cache. */
const writtenBytes = 256 * 1024;
/** Of packs that are finished: a new one for each would leave as much behind as memory that is collected late. */
const spareStages: Room[] = [];

/**
 * A pack that is written to a local repository while it grows, under a temporary name: memory holds some blobs of it
 * instead of all. Durable, and a pack, only when `LocalLocation.adoptPack` has taken it over. Errors: `location.*`.
 */
export class FilePackTarget implements PackTarget<string> {
  readonly capacityBytes = Number.POSITIVE_INFINITY;
  readonly #path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  readonly #stage = spareStages.pop() ?? new Room();
  #staged = 0;
  #isBroken = false;
  #isClosed = false;

  /** `folder` is the repository's. */
  constructor(folder: string) {
    const { path, fd } = this.#locally(() => openTemporaryPack(folder), folder);
    this.#path = path;
    this.#fd = fd;
  }

  next(lengthBytes: number): Uint8Array {
    this.#throwIfBroken();
    if (this.#staged + lengthBytes > writtenBytes) this.#write();
    const begin = this.#staged;
    this.#staged += lengthBytes;
    return this.#stage.of(Math.max(this.#staged, writtenBytes)).subarray(begin, this.#staged);
  }

  finish(): { name: string; content: string } {
    this.#throwIfBroken();
    try {
      this.#write();
      this.#close();
    } catch (error) {
      this.discard();
      throw error;
    }
    return { name: this.#hash.digest('hex'), content: this.#path };
  }

  discard(): void {
    try {
      this.#close();
    } catch {
      // What is removed need not be whole.
    }
    removeQuietlySync(this.#path);
  }

  #write(): void {
    // What was written in part would be written and hashed again.
    this.#isBroken = true;
    const bytes = this.#stage.of(this.#staged);
    this.#hash.update(bytes);
    this.#locally(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    }, this.#path);
    this.#staged = 0;
    this.#isBroken = false;
  }

  /** Network file systems tell only now that what was written found no room. */
  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    spareStages.push(this.#stage);
    this.#locally(() => closeSync(this.#fd), this.#path);
  }

  #throwIfBroken(): void {
    assert(!this.#isBroken && !this.#isClosed, 'a pack that failed is not gone on with');
  }

  #locally<Value>(work: () => Value, path: string): Value {
    try {
      return work();
    } catch (error) {
      throw localError(error, `could not write ${path}`);
    }
  }
}
