import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId, BlobType } from '../repository.ts';

/** A set of blobs of an index: one bit for each. What is in no index cannot be in it. */
export class BlobSet {
  readonly #index: BlobIndex;
  #bits: Uint8Array;
  #size = 0;

  constructor(index: BlobIndex) {
    this.#index = index;
    this.#bits = new Uint8Array(Math.ceil(index.blobCount / 8));
  }

  get size(): number {
    return this.#size;
  }

  /** True when it was not in yet. */
  add(type: BlobType, id: BlobId): boolean {
    const row = this.#index.rowOf(type, id);
    if (row === undefined || this.#has(row)) return false;
    if (row >> 3 >= this.#bits.length) {
      // The index was read again meanwhile and has grown.
      const bits = new Uint8Array(Math.ceil(this.#index.blobCount / 8));
      bits.set(this.#bits);
      this.#bits = bits;
    }
    this.#bits[row >> 3] = (this.#bits[row >> 3] as number) | (1 << (row & 7));
    this.#size++;
    return true;
  }

  has(type: BlobType, id: BlobId): boolean {
    const row = this.#index.rowOf(type, id);
    return row !== undefined && this.#has(row);
  }

  delete(type: BlobType, id: BlobId): void {
    const row = this.#index.rowOf(type, id);
    if (row === undefined || !this.#has(row)) return;
    this.#bits[row >> 3] = (this.#bits[row >> 3] as number) & ~(1 << (row & 7));
    this.#size--;
  }

  /** Rows of the index. */
  *rows(): Generator<number, void, undefined> {
    for (let row = 0; row < this.#bits.length * 8; row++) if (this.#has(row)) yield row;
  }

  #has(row: number): boolean {
    return ((this.#bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }
}
