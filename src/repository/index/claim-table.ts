import { assert } from '../../core/index.ts';
import type { BlobId, BlobType } from '../repository.ts';

/** Blobs between two index files, and those in packs under way: far fewer than this. */
const maxRows = 2 ** 18;
const slots = maxRows * 2;
const idWords = 8;
const rowWords = idWords + 1;
const lockWord = 0;
/** What the lock's word says: nobody has it, somebody has it, and others wait for it. */
const [free, held, wanted] = [0, 1, 2] as const;
const countWord = 1;
/** Whoever holds the lock does so for microseconds, and `release` for some milliseconds. */
const patienceMs = 60_000;

export interface ClaimMemory {
  readonly control: SharedArrayBuffer;
  /** Per row: the id, and whether it is a tree. */
  readonly rows: SharedArrayBuffer;
  readonly table: SharedArrayBuffer;
}

/**
 * The blobs that one backup is storing and no index file names yet, shared by its threads: of those that meet the same
 * new blob at the same time, one stores it.
 */
export class ClaimTable {
  readonly memory: ClaimMemory;
  readonly #control: Int32Array;
  readonly #rows: Uint32Array;
  readonly #table: Uint32Array;
  readonly #wantedBytes = Buffer.alloc(idWords * 4);
  readonly #wanted = new Uint32Array(
    this.#wantedBytes.buffer,
    this.#wantedBytes.byteOffset,
    idWords,
  );

  constructor(memory: ClaimMemory = createClaimMemory()) {
    this.memory = memory;
    this.#control = new Int32Array(memory.control);
    this.#rows = new Uint32Array(memory.rows);
    this.#table = new Uint32Array(memory.table);
  }

  /**
   * True when the caller is to store the blob: nobody claimed it before, and `isStored` denies it. When the table is full,
   * a blob may be stored twice, which costs room and nothing else.
   */
  claim(type: BlobType, id: BlobId, isStored: () => boolean): boolean {
    this.#want(id);
    return this.#locked(() => {
      const slot = this.#slotOf(type);
      if (this.#table[slot] !== 0) return false;
      // Asked last: what was released a moment ago is in the index by now.
      if (isStored()) return false;
      const row = this.#control[countWord] as number;
      if (row < maxRows) {
        this.#rows.set(this.#wanted, row * rowWords);
        this.#rows[row * rowWords + idWords] = type === 'tree' ? 1 : 0;
        this.#table[slot] = row + 1;
        this.#control[countWord] = row + 1;
      }
      return true;
    });
  }

  has(type: BlobType, id: BlobId): boolean {
    this.#want(id);
    return this.#locked(() => this.#table[this.#slotOf(type)] !== 0);
  }

  /** Forgets those that the index names by now: it is asked about row `row` of `ids`, eight words a row. */
  release(isStored: (ids: Uint32Array, row: number, isTree: boolean) => boolean): void {
    this.#locked(() => {
      const count = this.#control[countWord] as number;
      this.#table.fill(0);
      let kept = 0;
      for (let row = 0; row < count; row++) {
        const at = row * rowWords;
        const isTree = this.#rows[at + idWords] === 1;
        this.#wanted.set(this.#rows.subarray(at, at + idWords));
        if (isStored(this.#wanted, 0, isTree)) continue;
        this.#rows.copyWithin(kept * rowWords, at, at + rowWords);
        this.#table[this.#slotOf(isTree ? 'tree' : 'data')] = ++kept;
      }
      this.#control[countWord] = kept;
    });
  }

  #want(id: BlobId): void {
    const written = this.#wantedBytes.write(id, 'hex');
    assert(written === this.#wantedBytes.length, 'a blob id has 64 hex digits');
  }

  /** Where the wanted id is, or the free slot where it would be. */
  #slotOf(type: BlobType): number {
    const isTree = type === 'tree' ? 1 : 0;
    const [rows, table, wanted] = [this.#rows, this.#table, this.#wanted];
    let slot = (wanted[0] as number) & (slots - 1);
    for (;;) {
      const row = (table[slot] as number) - 1;
      if (row < 0) return slot;
      const at = row * rowWords;
      let word = 0;
      while (word < idWords && rows[at + word] === wanted[word]) word++;
      if (word === idWords && rows[at + idWords] === isTree) return slot;
      slot = (slot + 1) & (slots - 1);
    }
  }

  #locked<Value>(work: () => Value): Value {
    const control = this.#control;
    if (Atomics.compareExchange(control, lockWord, free, held) !== free) this.#waitForLock();
    try {
      return work();
    } finally {
      // Waking costs more than all the rest, so it is done only for somebody.
      if (Atomics.exchange(control, lockWord, free) === wanted)
        Atomics.notify(control, lockWord, 1);
    }
  }

  #waitForLock(): void {
    const control = this.#control;
    const until = Date.now() + patienceMs;
    while (Atomics.exchange(control, lockWord, wanted) !== free) {
      Atomics.wait(control, lockWord, wanted, 100);
      assert(Date.now() < until, 'a thread that claims blobs has died');
    }
  }
}

function createClaimMemory(): ClaimMemory {
  return {
    control: new SharedArrayBuffer(8),
    rows: new SharedArrayBuffer(maxRows * rowWords * 4),
    table: new SharedArrayBuffer(slots * 4),
  };
}
