import { assert } from '../../core/index.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { type IndexMemory, idBytes, placeWords, treeBit } from './index-memory.ts';

/** Where a blob is stored. */
export interface BlobPlace {
  readonly pack: string;
  readonly offset: number;
  /** Sealed, as stored. */
  readonly length: number;
  /** 0 when it is stored uncompressed. */
  readonly uncompressedLength: number;
}

const wordsPerId = idBytes / 4;

/** Views on an index's memory as large as it is now. */
export class IndexViews {
  readonly ids: Uint8Array;
  readonly #ids: Buffer;
  /** The same, eight words a row. */
  readonly idWords: Uint32Array;
  readonly places: Uint32Array;
  readonly table: Uint32Array;
  readonly packNames: Buffer;
  readonly #wanted = Buffer.alloc(idBytes);
  readonly #wantedWords = new Uint32Array(this.#wanted.buffer, this.#wanted.byteOffset, wordsPerId);

  constructor(memory: IndexMemory) {
    this.#ids = Buffer.from(memory.ids, 0, memory.ids.byteLength);
    this.ids = this.#ids;
    this.idWords = new Uint32Array(memory.ids, 0, memory.ids.byteLength / 4);
    this.places = new Uint32Array(memory.places, 0, memory.places.byteLength / 4);
    this.table = new Uint32Array(memory.table, 0, memory.table.byteLength / 4);
    this.packNames = Buffer.from(memory.packNames, 0, memory.packNames.byteLength);
  }

  /** The row of a blob. What is read while the owner writes may be wrong, but it ends. */
  rowOf(type: BlobType, id: BlobId): number | undefined {
    assert(this.#wanted.write(id, 'hex') === idBytes, 'a blob id has 64 hex digits');
    return this.rowOfWords(this.#wantedWords, 0, type === 'tree');
  }

  /** As `rowOf`, for the id at row `from` of `words`, eight a row. */
  rowOfWords(words: Uint32Array, from: number, isTree: boolean): number | undefined {
    const { table, idWords } = this;
    const mask = table.length - 1;
    const start = from * wordsPerId;
    let slot = (words[start] as number) & mask;
    for (let tries = 0; tries <= mask; tries++) {
      const row = (table[slot] as number) - 1;
      if (row < 0) return undefined;
      if (this.isTreeAt(row) === isTree) {
        const at = row * wordsPerId;
        let word = 0;
        while (word < wordsPerId && idWords[at + word] === words[start + word]) word++;
        if (word === wordsPerId) return row;
      }
      slot = (slot + 1) & mask;
    }
    return undefined;
  }

  /**
   * Puts the id at row `from` of `words` into row `row` and the table; false when a blob of that type and id is there
   * already. For the owner of the memory.
   */
  place(words: Uint32Array, from: number, row: number, isTree: boolean): boolean {
    if (this.rowOfWords(words, from, isTree) !== undefined) return false;
    const { table, idWords } = this;
    const mask = table.length - 1;
    const start = from * wordsPerId;
    let slot = (words[start] as number) & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    for (let word = 0; word < wordsPerId; word++) {
      idWords[row * wordsPerId + word] = words[start + word] as number;
    }
    table[slot] = row + 1;
    return true;
  }

  idAt(row: number): BlobId {
    return this.#ids.toString('hex', row * idBytes, (row + 1) * idBytes) as BlobId;
  }

  isTreeAt(row: number): boolean {
    return (this.places[row * placeWords] as number) >= treeBit;
  }

  placeAt(row: number): BlobPlace {
    const at = row * placeWords;
    const pack = (this.places[at] as number) & ~treeBit;
    return {
      pack: this.packNames.toString('hex', pack * idBytes, (pack + 1) * idBytes),
      offset: this.places[at + 1] as number,
      length: this.places[at + 2] as number,
      uncompressedLength: this.places[at + 3] as number,
    };
  }

  /** The first slot to try for the id at `row`. */
  hashAt(row: number): number {
    return this.idWords[row * wordsPerId] as number;
  }

  /** The bytes of the id that `rowOf` looked for last. */
  get lastWanted(): Uint8Array {
    return this.#wanted;
  }
}
