import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import { type RepositoryAccess, writeStoredJson } from '../stored-file.ts';

/** restic's own limit. */
const fullAtBlobs = 50_000;

/** Writes index files of many packs, each pack once. */
export class IndexOutput {
  readonly #access: RepositoryAccess;
  readonly #confirm: () => Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #written = new Set<string>();
  #packs: IndexedPack[] = [];
  #blobs = 0;

  /** @param confirm throws when the lock was lost: then nothing more may be said. */
  constructor(access: RepositoryAccess, confirm: () => Promise<void>, signal?: AbortSignal) {
    this.#access = access;
    this.#confirm = confirm;
    this.#signal = signal;
  }

  async addAll(packs: readonly IndexedPack[]): Promise<void> {
    for (const pack of packs) {
      if (this.#written.has(pack.name)) continue;
      this.#written.add(pack.name);
      this.#packs.push(pack);
      this.#blobs += pack.blobs.length;
      if (this.#blobs >= fullAtBlobs) await this.flush();
    }
  }

  /** When it resolves, every pack added is in a durable index file. */
  async flush(): Promise<void> {
    if (this.#packs.length === 0) return;
    await this.#confirm();
    await writeStoredJson(this.#access, 'index', encodeIndex(this.#packs), this.#signal);
    this.#packs = [];
    this.#blobs = 0;
  }
}
