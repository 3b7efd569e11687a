import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import { type RepositoryAccess, writeStoredJson } from '../stored-file.ts';

// restic's own limits (internal/repository/index): what bounds the loss of an interrupted backup.
const fullAtBlobs = 50_000;
const fullAfterMs = 10 * 60_000;

/** Collects packs that are durable and describes them in index files. */
export class IndexWriter {
  readonly #access: RepositoryAccess;
  readonly #confirm: () => Promise<void>;
  readonly #onWritten: (name: string, packs: readonly IndexedPack[]) => void;
  #packs: IndexedPack[] = [];
  #blobs = 0;
  #since = Date.now();
  #writing: Promise<void> = Promise.resolve();

  /** @param confirm throws when the packs may be gone again: then nothing is said about them. */
  constructor(
    access: RepositoryAccess,
    confirm: () => Promise<void>,
    onWritten: (name: string, packs: readonly IndexedPack[]) => void,
  ) {
    this.#access = access;
    this.#confirm = confirm;
    this.#onWritten = onWritten;
  }

  /** The pack must be durable. Writes an index file when enough has been collected. */
  async add(pack: IndexedPack): Promise<void> {
    this.#packs.push(pack);
    this.#blobs += pack.blobs.length;
    if (this.#blobs >= fullAtBlobs || Date.now() - this.#since > fullAfterMs) await this.flush();
  }

  /** When it resolves, every pack added is in a durable index file. */
  async flush(): Promise<void> {
    const packs = this.#packs;
    this.#packs = [];
    this.#blobs = 0;
    this.#since = Date.now();
    this.#writing = this.#writing.then(async () => {
      if (packs.length === 0) return;
      await this.#confirm();
      const name = await writeStoredJson(this.#access, 'index', encodeIndex(packs));
      this.#onWritten(name, packs);
    });
    await this.#writing;
  }
}
