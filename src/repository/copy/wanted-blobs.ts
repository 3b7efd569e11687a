import { assert } from '../../core/index.ts';
import type { BlobId, BlobType } from '../repository.ts';

const idBytes = 32;
const states = { absent: 0, noted: 1, taken: 2 } as const;

/** A set of blobs, some 42 bytes each, from which each is taken once: one hash table with open addressing. */
export class WantedBlobs {
  #count = 0;
  #ids = new Uint8Array(1024 * idBytes);
  #states = new Uint8Array(1024);
  readonly #wanted = Buffer.alloc(idBytes);

  get size(): number {
    return this.#count;
  }

  /** False when it was noted already. */
  add(type: BlobType, id: BlobId): boolean {
    if (this.#count * 2 >= this.#states.length) this.#grow();
    const slot = this.#slotOf(type, id);
    if (this.#states[slot] !== states.absent) return false;
    this.#ids.set(this.#wanted, slot * idBytes);
    this.#states[slot] = states.noted;
    this.#count++;
    return true;
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.#states[this.#slotOf(type, id)] !== states.absent;
  }

  /** True once for each blob in the set. */
  take(type: BlobType, id: BlobId): boolean {
    const slot = this.#slotOf(type, id);
    if (this.#states[slot] !== states.noted) return false;
    this.#states[slot] = states.taken;
    return true;
  }

  /** Where the blob is, or where it would go. Leaves its key in `#wanted`. */
  #slotOf(type: BlobType, id: BlobId): number {
    assert(this.#wanted.write(id, 'hex') === idBytes, 'a blob id has 64 hex digits');
    // A data and a tree blob may have the same bytes, and then the same id.
    if (type === 'tree') this.#wanted[idBytes - 1] = (this.#wanted[idBytes - 1] as number) ^ 0xff;
    return this.#find(this.#wanted, 0);
  }

  #find(bytes: Uint8Array, at: number): number {
    const mask = this.#states.length - 1;
    const view = Buffer.from(bytes.buffer, bytes.byteOffset + at, idBytes);
    for (let slot = view.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      if (this.#states[slot] === states.absent) return slot;
      const own = slot * idBytes;
      if (view.compare(this.#ids, own, own + idBytes) === 0) return slot;
    }
  }

  #grow(): void {
    const [ids, former] = [this.#ids, this.#states];
    this.#ids = new Uint8Array(ids.length * 2);
    this.#states = new Uint8Array(former.length * 2);
    for (const [row, state] of former.entries()) {
      if (state === states.absent) continue;
      const slot = this.#find(ids, row * idBytes);
      this.#ids.set(ids.subarray(row * idBytes, (row + 1) * idBytes), slot * idBytes);
      this.#states[slot] = state;
    }
  }
}
