import type { BlobId, BlobType } from '../repository.ts';
import { control, type IndexMemory } from './index-memory.ts';
import { type BlobPlace, IndexViews } from './index-views.ts';

/**
 * Looks into the blob index of another thread, which may change it meanwhile. Nothing is locked: an answer counts
 * when the owner's version was even, and the same before and after.
 */
export class BlobLookup {
  readonly #memory: IndexMemory;
  readonly #control: Int32Array;
  #views: IndexViews;
  /** The memory grows only from one version to the next. */
  #seenVersion = -1;

  constructor(memory: IndexMemory) {
    this.#memory = memory;
    this.#control = new Int32Array(memory.control);
    this.#views = new IndexViews(memory);
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.#look(() => this.#views.rowOf(type, id)) !== undefined;
  }

  find(type: BlobType, id: BlobId): BlobPlace | undefined {
    return this.#look(() => {
      const row = this.#views.rowOf(type, id);
      return row === undefined ? undefined : this.#views.placeAt(row);
    });
  }

  #look<Value>(read: () => Value): Value {
    for (;;) {
      const version = Atomics.load(this.#control, control.version);
      if (version % 2 === 0) {
        if (version !== this.#seenVersion) this.#refresh();
        this.#seenVersion = version;
        const value = read();
        if (Atomics.load(this.#control, control.version) === version) return value;
      }
      // The owner adds a pack in some milliseconds.
      Atomics.wait(this.#control, control.version, version, 1);
    }
  }

  #refresh(): void {
    const { ids, table, packNames } = this.#memory;
    const { ids: seenIds, table: seenTable, packNames: seenNames } = this.#views;
    const isCurrent =
      ids.byteLength === seenIds.byteLength &&
      table.byteLength === seenTable.byteLength &&
      packNames.byteLength === seenNames.byteLength;
    if (!isCurrent) this.#views = new IndexViews(this.#memory);
  }
}
