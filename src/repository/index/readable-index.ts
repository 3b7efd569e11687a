import type { RepositoryAccess } from '../stored-file.ts';
import type { BlobIndex } from './blob-index.ts';
import { dependableIndex, listPacks } from './dependable-index.ts';
import type { LoadedIndex } from './index-reader.ts';

/**
 * For readers: of several packs that hold a blob one that is there answers. A backup stores again what lay in packs that are
 * gone, while the index goes on naming these until it is repaired. Packs are listed only where a blob is named twice at all.
 */
export class ReadableIndex {
  readonly #access: RepositoryAccess;
  #loaded: BlobIndex | undefined;
  #packs = 0;
  #readable: BlobIndex | undefined;

  constructor(access: RepositoryAccess) {
    this.#access = access;
  }

  async of(loaded: LoadedIndex, signal?: AbortSignal): Promise<LoadedIndex> {
    const { blobs } = loaded;
    if (!blobs.isAnyTwice) return loaded;
    const isCurrent = this.#loaded === blobs && this.#packs === blobs.packCount;
    if (!isCurrent || this.#readable === undefined) {
      this.#packs = blobs.packCount;
      this.#loaded = blobs;
      this.#readable = await this.#judge(loaded, signal);
    }
    return { ...loaded, blobs: this.#readable };
  }

  async #judge(loaded: LoadedIndex, signal?: AbortSignal): Promise<BlobIndex> {
    const listing = listPacks(this.#access, signal);
    const dependable = await dependableIndex({ access: this.#access, loaded, listing, signal });
    const { blobs } = dependable;
    if (blobs === loaded.blobs) return blobs;
    // What is nowhere else keeps its place: its length tells where the rest of a file belongs, and the error names the pack.
    for (let row = 0; row < loaded.blobs.blobCount; row++) {
      const [id, type] = [loaded.blobs.idAt(row), loaded.blobs.typeAt(row)];
      if (blobs.has(type, id)) continue;
      const { pack, ...place } = loaded.blobs.placeAt(row);
      blobs.addPack({ name: pack, blobs: [{ id, type, ...place }] });
    }
    return blobs;
  }
}
