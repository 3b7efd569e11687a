import type { IndexColumns } from '../format/index-columns.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { BlobId, BlobType } from '../repository.ts';
import {
  control,
  createIndexMemory,
  type IndexMemory,
  idBytes,
  placeWords,
  treeBit,
} from './index-memory.ts';
import { type BlobPlace, IndexViews } from './index-views.ts';

export type { BlobPlace } from './index-views.ts';

/** Memory grows by this share, and by no less than this many rows: what is unused is never more. */
const growthShare = 1 / 16;
const leastGrowth = 4096;

/**
 * All blobs of a repository in memory: columns and one hash table with open addressing (blob ids are hashes already),
 * 54 to 60 bytes a blob. One thread owns and changes it; others look into the same memory by `BlobLookup`. When
 * several packs hold a blob the first one added answers.
 */
export class BlobIndex {
  readonly memory: IndexMemory = createIndexMemory();
  readonly #control = new Int32Array(this.memory.control);
  readonly #packNumbers = new Map<string, number>();
  #views = new IndexViews(this.memory);
  #count = 0;
  #packs = 0;
  #isAnyTwice = false;

  get blobCount(): number {
    return this.#count;
  }

  get packCount(): number {
    return this.#packs;
  }

  /** A blob was added more than once, of another pack or of the same. */
  get isAnyTwice(): boolean {
    return this.#isAnyTwice;
  }

  /** Also those whose blobs all lie in earlier packs. */
  get packNames(): readonly string[] {
    return [...this.#packNumbers.keys()];
  }

  /** Per pack, as in `packNames`: where the last of its blobs ends. No less belongs to the file. */
  packEnds(): Float64Array {
    const ends = new Float64Array(this.#packs);
    const { places } = this.#views;
    for (let row = 0; row < this.#count; row++) {
      const at = row * placeWords;
      const pack = (places[at] as number) & ~treeBit;
      const end = (places[at + 1] as number) + (places[at + 2] as number);
      if (end > (ends[pack] as number)) ends[pack] = end;
    }
    return ends;
  }

  addPack(pack: IndexedPack): void {
    this.#change(() => this.#add(pack));
  }

  /** All packs but those in `without`. */
  addColumns(columns: IndexColumns, without: ReadonlySet<string> = new Set()): void {
    this.#change(() => this.#addColumns(columns, without));
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.rowOf(type, id) !== undefined;
  }

  find(type: BlobType, id: BlobId): BlobPlace | undefined {
    const row = this.rowOf(type, id);
    return row === undefined ? undefined : this.placeAt(row);
  }

  /** The id of a row, from 0 to `blobCount` - 1. */
  idAt(row: number): BlobId {
    return this.#views.idAt(row);
  }

  typeAt(row: number): BlobType {
    return this.#views.isTreeAt(row) ? 'tree' : 'data';
  }

  placeAt(row: number): BlobPlace {
    return this.#views.placeAt(row);
  }

  /** Whether the blob is there whose id stands at row `row` of `words`, eight a row. */
  hasWords(words: Uint32Array, row: number, isTree: boolean): boolean {
    return this.#views.rowOfWords(words, row, isTree) !== undefined;
  }

  /** The number of a blob's row, which it keeps: what a bit set of blobs is indexed by. */
  rowOf(type: BlobType, id: BlobId): number | undefined {
    return this.#views.rowOf(type, id);
  }

  #change(work: () => void): void {
    Atomics.add(this.#control, control.version, 1);
    try {
      work();
    } finally {
      Atomics.add(this.#control, control.version, 1);
    }
  }

  #addColumns({ packs, ids, places }: IndexColumns, without: ReadonlySet<string>): void {
    const rows = places.length / placeWords;
    this.#growRows(this.#count + rows);
    const words = new Uint32Array(ids.buffer, ids.byteOffset, ids.length / 4);
    for (const [i, { name, firstRow }] of packs.entries()) {
      if (without.has(name)) continue;
      const number = this.#packNumbers.get(name) ?? this.#addName(name);
      const end = packs[i + 1]?.firstRow ?? rows;
      for (let row = firstRow; row < end; row++) {
        const [at, to] = [row * placeWords, this.#count * placeWords];
        const isTree = places[at] === 1;
        if (!this.#views.place(words, row, this.#count, isTree)) {
          this.#isAnyTwice = true;
          continue;
        }
        const { places: own } = this.#views;
        own[to] = number + (isTree ? treeBit : 0);
        own[to + 1] = places[at + 1] as number;
        own[to + 2] = places[at + 2] as number;
        own[to + 3] = places[at + 3] as number;
        this.#count++;
      }
    }
    this.#control[control.rows] = this.#count;
  }

  #add(pack: IndexedPack): void {
    // The same pack in two index files is harmless: two programs rebuilt the index.
    const number = this.#packNumbers.get(pack.name) ?? this.#addName(pack.name);
    this.#growRows(this.#count + pack.blobs.length);
    for (const blob of pack.blobs) {
      const row = this.#count;
      if (this.rowOf(blob.type, blob.id) !== undefined) {
        this.#isAnyTwice = true;
        continue;
      }
      const { ids, places, lastWanted } = this.#views;
      ids.set(lastWanted, row * idBytes);
      const at = row * placeWords;
      places[at] = number + (blob.type === 'tree' ? treeBit : 0);
      places[at + 1] = blob.offset;
      places[at + 2] = blob.length;
      places[at + 3] = blob.uncompressedLength;
      this.#count++;
      this.#insert(row);
    }
    this.#control[control.rows] = this.#count;
  }

  #addName(name: string): number {
    const number = this.#packs++;
    const { packNames } = this.memory;
    if (this.#packs * idBytes > packNames.byteLength) {
      grow(packNames, grown(this.#packs, 64) * idBytes);
      this.#views = new IndexViews(this.memory);
    }
    this.#views.packNames.write(name, number * idBytes, 'hex');
    this.#packNumbers.set(name, number);
    this.#control[control.packs] = this.#packs;
    return number;
  }

  #growRows(rows: number): void {
    const { ids, places, table } = this.memory;
    if (rows * idBytes > ids.byteLength) {
      const capacity = grown(rows, leastGrowth);
      grow(ids, capacity * idBytes);
      grow(places, capacity * placeWords * 4);
      this.#views = new IndexViews(this.memory);
    }
    let slots = table.byteLength / 4;
    while (rows * 3 > slots * 2) slots *= 2;
    if (slots * 4 === table.byteLength) return;
    grow(table, slots * 4);
    this.#views = new IndexViews(this.memory);
    this.#views.table.fill(0);
    for (let row = 0; row < this.#count; row++) this.#insert(row);
  }

  #insert(row: number): void {
    const { table } = this.#views;
    const mask = table.length - 1;
    let slot = this.#views.hashAt(row) & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = row + 1;
  }
}

function grown(count: number, least: number): number {
  return count + Math.max(least, Math.ceil(count * growthShare));
}

function grow(memory: SharedArrayBuffer, bytes: number): void {
  memory.grow(Math.min(bytes, memory.maxByteLength));
}
