import { assert } from '../../core/index.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { BlobId, BlobType } from '../repository.ts';

/** Where a blob is stored. */
export interface BlobPlace {
  readonly pack: string;
  readonly offset: number;
  /** Sealed, as stored. */
  readonly length: number;
  /** 0 when it is stored uncompressed. */
  readonly uncompressedLength: number;
}

const idBytes = 32;

/**
 * All blobs of a repository in memory, about 70 bytes each: columns in typed arrays and one hash table with open
 * addressing (blob ids are hashes already). When several packs hold a blob the first one added answers.
 */
export class BlobIndex {
  #count = 0;
  #ids = new Uint8Array(0);
  #packs = new Uint32Array(0);
  #offsets = new Uint32Array(0);
  #lengths = new Uint32Array(0);
  #uncompressedLengths = new Uint32Array(0);
  #isTree = new Uint8Array(0);
  /** Row number plus one, or 0. A power of two, at most half full. */
  #table = new Uint32Array(2048);
  readonly #packNames: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  readonly #wanted = Buffer.alloc(idBytes);

  get blobCount(): number {
    return this.#count;
  }

  get packCount(): number {
    return this.#packNames.length;
  }

  /** Also those whose blobs all lie in earlier packs. */
  get packNames(): readonly string[] {
    return this.#packNames;
  }

  addPack(pack: IndexedPack): void {
    // The same pack in two index files is harmless: two programs rebuilt the index.
    const number = this.#packNumbers.get(pack.name) ?? this.#packNames.push(pack.name) - 1;
    this.#packNumbers.set(pack.name, number);
    for (const blob of pack.blobs) {
      const row = this.#count;
      if (this.rowOf(blob.type, blob.id) !== undefined) continue;
      this.#growFor(row + 1);
      this.#ids.set(this.#wanted, row * idBytes);
      this.#packs[row] = number;
      this.#offsets[row] = blob.offset;
      this.#lengths[row] = blob.length;
      this.#uncompressedLengths[row] = blob.uncompressedLength;
      this.#isTree[row] = blob.type === 'tree' ? 1 : 0;
      this.#count++;
      this.#insert(row);
    }
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
    const { buffer } = this.#ids;
    return Buffer.from(buffer, row * idBytes, idBytes).toString('hex') as BlobId;
  }

  typeAt(row: number): BlobType {
    return this.#isTree[row] === 1 ? 'tree' : 'data';
  }

  placeAt(row: number): BlobPlace {
    return {
      pack: this.#packNames[this.#packs[row] as number] as string,
      offset: this.#offsets[row] as number,
      length: this.#lengths[row] as number,
      uncompressedLength: this.#uncompressedLengths[row] as number,
    };
  }

  /** The number of a blob's row, which it keeps: what a bit set of blobs is indexed by. */
  rowOf(type: BlobType, id: BlobId): number | undefined {
    // Its bytes stay in `#wanted` for `addPack`.
    assert(this.#wanted.write(id, 'hex') === idBytes, 'a blob id has 64 hex digits');
    const isTree = type === 'tree' ? 1 : 0;
    const mask = this.#table.length - 1;
    for (let slot = this.#wanted.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const row = (this.#table[slot] as number) - 1;
      if (row < 0) return undefined;
      if (this.#isTree[row] === isTree && this.#equalsWanted(row)) return row;
    }
  }

  #equalsWanted(row: number): boolean {
    const at = row * idBytes;
    for (let i = 0; i < idBytes; i++) if (this.#ids[at + i] !== this.#wanted[i]) return false;
    return true;
  }

  #insert(row: number): void {
    const mask = this.#table.length - 1;
    const at = row * idBytes;
    const ids = this.#ids;
    const start =
      (ids[at] as number) +
      ((ids[at + 1] as number) << 8) +
      ((ids[at + 2] as number) << 16) +
      (ids[at + 3] as number) * 2 ** 24;
    let slot = (start >>> 0) & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = row + 1;
  }

  #growFor(rows: number): void {
    if (rows > this.#packs.length) {
      const capacity = Math.max(1024, this.#packs.length * 2);
      this.#ids = grown(this.#ids, new Uint8Array(capacity * idBytes));
      this.#packs = grown(this.#packs, new Uint32Array(capacity));
      this.#offsets = grown(this.#offsets, new Uint32Array(capacity));
      this.#lengths = grown(this.#lengths, new Uint32Array(capacity));
      this.#uncompressedLengths = grown(this.#uncompressedLengths, new Uint32Array(capacity));
      this.#isTree = grown(this.#isTree, new Uint8Array(capacity));
    }
    if (rows * 2 > this.#table.length) {
      this.#table = new Uint32Array(this.#table.length * 2);
      for (let row = 0; row < this.#count; row++) this.#insert(row);
    }
  }
}

function grown<Column extends Uint8Array | Uint32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
