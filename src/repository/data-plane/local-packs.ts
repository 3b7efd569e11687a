import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { damaged } from '../format/json-shape.ts';
import type { BlobPlace } from '../index/blob-index.ts';

const maxOpen = 8;

/** Reads blobs out of packs that lie in a folder of this machine, with synchronous calls. */
export class LocalPacks {
  readonly #folder: string;
  /** The least recently used one first. */
  readonly #open = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Errors: those of the file system; `repository.damaged` when a pack is too short. */
  read({ pack, offset, length }: BlobPlace): Uint8Array {
    const fd = this.#fdOf(pack);
    const bytes = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length; ) {
      const read = readSync(fd, bytes, filled, length - filled, offset + filled);
      if (read === 0) throw damaged(`data/${pack} ends early`);
      filled += read;
    }
    return bytes;
  }

  #fdOf(pack: string): number {
    const known = this.#open.get(pack);
    this.#open.delete(pack);
    const fd = known ?? openSync(join(this.#folder, 'data', pack.slice(0, 2), pack), 'r');
    this.#open.set(pack, fd);
    for (const [name, oldest] of this.#open) {
      if (this.#open.size <= maxOpen) break;
      closeSync(oldest);
      this.#open.delete(name);
    }
    return fd;
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}
