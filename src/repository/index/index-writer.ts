import { giveBack } from '../../core/index.ts';
import { ColumnsBuilder, type IndexColumns } from '../format/index-columns.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { encodeColumns } from '../format/index-text.ts';
import { type RepositoryAccess, writeStoredJson } from '../stored-file.ts';

// restic's own limits (internal/repository/index): what bounds the loss of an interrupted backup.
const fullAtBlobs = 50_000;
const fullAfterMs = 10 * 60_000;

/** Collects packs that are durable and describes them in index files. */
export class IndexWriter {
  readonly #access: RepositoryAccess;
  readonly #confirm: (signal?: AbortSignal) => Promise<void>;
  /** Keeps nothing of the columns. */
  readonly #onWritten: (name: string, columns: IndexColumns) => void;
  readonly #collected = new ColumnsBuilder();
  #since = Date.now();
  #writing: Promise<void> = Promise.resolve();

  /** @param confirm throws when the packs may be gone again: then nothing is said about them. */
  constructor(
    access: RepositoryAccess,
    confirm: (signal?: AbortSignal) => Promise<void>,
    onWritten: (name: string, columns: IndexColumns) => void,
  ) {
    this.#access = access;
    this.#confirm = confirm;
    this.#onWritten = onWritten;
  }

  /** The pack must be durable. Writes an index file when enough has been collected. */
  async add(pack: IndexedPack): Promise<void> {
    this.#collected.add(pack);
    if (this.#collected.blobCount >= fullAtBlobs || Date.now() - this.#since > fullAfterMs)
      await this.flush();
  }

  /** When it resolves, every pack added is in a durable index file. */
  async flush(signal?: AbortSignal): Promise<void> {
    const columns = this.#collected.take();
    this.#since = Date.now();
    this.#writing = this.#writing.then(async () => {
      if (columns.packs.length === 0) return;
      await this.#confirm(signal);
      const text = encodeColumns(columns);
      const name = await writeStoredJson(this.#access, 'index', text, signal);
      giveBack(text);
      this.#onWritten(name, columns);
      giveBack(columns.ids);
      giveBack(columns.places);
    });
    await this.#writing;
  }
}
