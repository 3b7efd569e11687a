import { isDamage } from '../damage.ts';
import { openVerifiedBlob, plainLength } from '../data-plane/blob-codec.ts';
import { decodeTree } from '../format/tree.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId, TreeNode } from '../repository.ts';
import type { RepositoryAccess } from '../stored-file.ts';

type Nodes = readonly TreeNode[] | undefined;

/** Trees that are read, or on their way, before they are asked for; none of them larger. */
const mostAhead = 32;
const mostAheadBytes = 1024 * 1024;

/** Reads trees; those that are expected soon many at a time, because each costs a round trip. */
export class TreeReader {
  readonly #access: RepositoryAccess;
  readonly #index: BlobIndex;
  readonly #signal: AbortSignal | undefined;
  readonly #ahead = new Map<BlobId, Promise<Nodes>>();

  constructor(access: RepositoryAccess, index: BlobIndex, signal: AbortSignal | undefined) {
    this.#access = access;
    this.#index = index;
    this.#signal = signal;
  }

  /** Undefined when it is lost or damaged. */
  async read(id: BlobId): Promise<Nodes> {
    const ahead = this.#ahead.get(id);
    this.#ahead.delete(id);
    return await (ahead ?? this.#read(id));
  }

  /** Begins to read it, unless enough is under way. */
  expect(id: BlobId): void {
    if (this.#ahead.size >= mostAhead || this.#ahead.has(id)) return;
    const place = this.#index.find('tree', id);
    if (place === undefined || plainLength(place) > mostAheadBytes) return;
    const reading = this.#read(id);
    // Whoever reads it sees the error.
    reading.catch(() => {});
    this.#ahead.set(id, reading);
  }

  async #read(id: BlobId): Promise<Nodes> {
    const place = this.#index.find('tree', id);
    if (place === undefined) return undefined;
    const { pack, offset, length, uncompressedLength } = place;
    const { location, masterKey } = this.#access;
    try {
      const sealed = await location.read('data', pack, { offset, length }, this.#signal);
      return decodeTree(openVerifiedBlob(masterKey, sealed, uncompressedLength, id));
    } catch (error) {
      if (!isDamage(error)) throw error;
      return undefined;
    }
  }
}
