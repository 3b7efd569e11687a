import type { RepositoryAccess } from '../stored-file.ts';
import type { BlobIndex } from './blob-index.ts';
import { dependableIndex, listPacks } from './dependable-index.ts';
import type { LoadedIndex } from './index-reader.ts';

/** What was judged, as it was when it was judged, and what came of it. */
interface Judged {
  readonly blobs: BlobIndex;
  readonly packCount: number;
  readonly readable: BlobIndex;
}

/**
 * For readers: of several packs that hold a blob one that is there answers. A backup stores again what lay in packs that are
 * gone, while the index goes on naming these until it is repaired. Packs are listed only where a blob is named twice at all.
 */
export class ReadableIndex {
  readonly #access: RepositoryAccess;
  #judged: Judged | undefined;
  #judging: Promise<unknown> = Promise.resolve();

  constructor(access: RepositoryAccess) {
    this.#access = access;
  }

  async of(loaded: LoadedIndex, signal?: AbortSignal): Promise<LoadedIndex> {
    if (!loaded.blobs.isAnyTwice) return loaded;
    // One after the other: whoever comes second finds what the first found, or looks itself where that one failed.
    const judging = this.#judging
      .catch(() => {})
      .then(async () => await this.#readable(loaded, signal));
    this.#judging = judging;
    return { ...loaded, blobs: await judging };
  }

  async #readable(loaded: LoadedIndex, signal?: AbortSignal): Promise<BlobIndex> {
    const { blobs } = loaded;
    const { packCount } = blobs;
    const known = this.#judged;
    if (known?.blobs === blobs && known.packCount === packCount) return known.readable;
    const readable = await this.#judge(loaded, signal);
    this.#judged = { blobs, packCount, readable };
    return readable;
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
