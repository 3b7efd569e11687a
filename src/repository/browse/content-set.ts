import { createHash } from 'node:crypto';
import type { BlobId } from '../repository.ts';

/**
 * A set of file contents: 64 bits of the hash of each. For ten million files two are taken for one with a chance of three in a
 * million, which a statistic may.
 */
export class ContentSet {
  #table = new BigUint64Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** True when it was not in yet. */
  add(content: readonly BlobId[]): boolean {
    const hash = createHash('sha256').update(content.join()).digest();
    if (!insert(this.#table, hash.readBigUInt64LE() || 1n)) return false;
    this.#size++;
    if (this.#size * 2 > this.#table.length) this.#grow();
    return true;
  }

  #grow(): void {
    const table = new BigUint64Array(this.#table.length * 2);
    for (const key of this.#table) if (key !== 0n) insert(table, key);
    this.#table = table;
  }
}

function insert(table: BigUint64Array, key: bigint): boolean {
  const mask = table.length - 1;
  for (let slot = Number(key & 0xffffffffn) & mask; ; slot = (slot + 1) & mask) {
    if (table[slot] === key) return false;
    if (table[slot] === 0n) {
      table[slot] = key;
      return true;
    }
  }
}
