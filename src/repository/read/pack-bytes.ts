import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { damaged } from '../format/json-shape.ts';
import { localReadError } from '../location/local-error.ts';

/** Where a reader thread gets stored bytes from. */
export interface PackBytes {
  /** Smaller reads cost little: what cannot be read with its neighbours is read alone. */
  readonly isNear: boolean;
  /** Exactly that range of a pack. The bytes are overwritten by the next call, unless they come as a promise. */
  read(pack: string, offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

const maxOpenPacks = 32;

/** Reads the packs of a local repository with synchronous calls: in a thread of its own nothing is faster. */
export class LocalPackBytes implements PackBytes {
  readonly isNear = true;
  readonly #folder: string;
  /** The pack used last is the last. */
  readonly #open = new Map<string, number>();
  #buffer = new Uint8Array(0);

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(pack: string, offset: number, length: number): Uint8Array {
    const path = join(this.#folder, 'data', pack.slice(0, 2), pack);
    try {
      const fd = this.#fdOf(pack, path);
      if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = readSync(fd, this.#buffer, filled, length - filled, offset + filled);
        if (count === 0) throw damaged(`${path} ends early`);
        filled += count;
      }
      return this.#buffer.subarray(0, length);
    } catch (error) {
      throw localReadError(error, `could not read ${path}`);
    }
  }

  #fdOf(pack: string, path: string): number {
    const known = this.#open.get(pack);
    if (known !== undefined) {
      this.#open.delete(pack);
      this.#open.set(pack, known);
      return known;
    }
    const fd = openSync(path, 'r');
    this.#open.set(pack, fd);
    if (this.#open.size > maxOpenPacks) {
      const [oldest, oldestFd] = this.#open.entries().next().value as [string, number];
      this.#open.delete(oldest);
      closeSync(oldestFd);
    }
    return fd;
  }
}
