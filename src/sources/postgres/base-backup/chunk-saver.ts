import type { BackupWriter, BlobId } from '../../../repository/index.ts';

/** Hands chunks to the repository's workers, many at a time but never more than `maximumBytes` unfinished. */
export class ChunkSaver {
  readonly #writer: BackupWriter;
  readonly #maximumBytes: number;
  #unfinishedBytes = 0;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void) | undefined;

  constructor(writer: BackupWriter, maximumBytes: number) {
    this.#writer = writer;
    this.#maximumBytes = maximumBytes;
  }

  /** `bytes` belongs to the repository from now on. A failure is thrown by the next `room` or `drained`. */
  save(bytes: Uint8Array, onSaved: (id: BlobId) => void): void {
    const sizeBytes = bytes.length;
    this.#unfinishedBytes += sizeBytes;
    const saved = this.#writer.saveData(bytes).then(({ id }) => onSaved(id));
    saved
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#unfinishedBytes -= sizeBytes;
        this.#waiting?.();
      });
  }

  /** Undefined while there is room, so that the caller needs no promise for most chunks. */
  room(): Promise<void> | undefined {
    this.#throwFailure();
    if (this.#unfinishedBytes <= this.#maximumBytes) return undefined;
    return this.#until(this.#maximumBytes / 2);
  }

  /** Resolves when every chunk is saved. */
  async drained(): Promise<void> {
    await this.#until(0);
  }

  async #until(bytes: number): Promise<void> {
    while (this.#unfinishedBytes > bytes && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    this.#waiting = undefined;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
