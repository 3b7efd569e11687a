import { createHash } from 'node:crypto';

/** Where the bytes of a pack go while it grows. `Content` is what becomes of them. */
export interface PackTarget<Content> {
  /** How long the pack may become. */
  readonly capacityBytes: number;
  /** Memory for the next bytes of the pack, to be filled before the next call. */
  next(lengthBytes: number): Uint8Array;
  /** All bytes are there. `name` is their SHA-256. */
  finish(): { readonly name: string; readonly content: Content };
  /** There will be no pack. */
  discard(): void;
}

/** Hashed while it is in the processor's cache. */
const hashEveryBytes = 128 * 1024;

/** A pack that is put together in memory. */
export class MemoryPackTarget implements PackTarget<Uint8Array<ArrayBuffer>> {
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #hash = createHash('sha256');
  #used = 0;
  #hashed = 0;

  constructor(buffer: Uint8Array<ArrayBuffer>) {
    this.#buffer = buffer;
  }

  get capacityBytes(): number {
    return this.#buffer.length;
  }

  next(lengthBytes: number): Uint8Array {
    if (this.#used - this.#hashed >= hashEveryBytes) this.#hashUsed();
    const begin = this.#used;
    this.#used += lengthBytes;
    return this.#buffer.subarray(begin, this.#used);
  }

  finish(): { name: string; content: Uint8Array<ArrayBuffer> } {
    this.#hashUsed();
    return { name: this.#hash.digest('hex'), content: this.#buffer.subarray(0, this.#used) };
  }

  discard(): void {}

  #hashUsed(): void {
    this.#hash.update(this.#buffer.subarray(this.#hashed, this.#used));
    this.#hashed = this.#used;
  }
}
