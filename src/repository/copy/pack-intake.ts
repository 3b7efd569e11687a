import { assert, throwIfAborted } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { BlobProblem, PackMessage } from '../data-plane/worker-messages.ts';
import type { PoolWorker, WorkerPool } from '../data-plane/worker-pool.ts';
import type { IndexColumns } from '../format/index-columns.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { IndexWriter } from '../index/index-writer.ts';
import type { RepositoryLock } from '../lock/repository-lock.ts';
import type { RepositoryAccess } from '../stored-file.ts';

/** A copy that is killed does again at most what it did in this time. */
const indexEveryMs = 60_000;
const maxPacksInWork = 2;

export interface PackIntakeOptions {
  readonly access: RepositoryAccess;
  readonly pool: WorkerPool;
  readonly lock: RepositoryLock;
  readonly onIndexed: (columns: IndexColumns) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The destination's side of copying blobs: seals them in worker threads, and writes packs and index files. */
export class PackIntake implements AsyncDisposable {
  readonly #options: PackIntakeOptions;
  readonly #index: IndexWriter;
  readonly #session: number;
  readonly #writing = new Set<Promise<void>>();
  #indexedAtMs = performance.now();
  #failure: unknown;
  #bytesStored = 0;
  #isClosed = false;

  constructor(options: PackIntakeOptions) {
    this.#options = options;
    const { access, pool, lock, onIndexed } = options;
    this.#index = new IndexWriter(
      access,
      () => lock.confirmHeld(),
      (_, columns) => onIndexed(columns),
    );
    this.#session = pool.openSession((message, from) => {
      const writing = this.#write(message, from)
        .catch((error: unknown) => {
          this.#failure ??= error;
        })
        .finally(() => this.#writing.delete(writing));
      this.#writing.add(writing);
    });
  }

  /** Of packs that are durable. */
  get bytesStored(): number {
    return this.#bytesStored;
  }

  /** Takes over blobs sealed with `key`. Resolves with those that are damaged, when the others are in packs. */
  async reseal(
    key: EnvelopeKey,
    piece: Uint8Array<ArrayBuffer>,
    blobs: readonly PackedBlob[],
  ): Promise<readonly BlobProblem[]> {
    while (this.#writing.size >= maxPacksInWork) await Promise.race(this.#writing);
    this.#throwIfUnusable();
    const request = { type: 'reseal', session: this.#session, key, piece, blobs } as const;
    const options = { bytes: piece.length, transfer: [piece.buffer] };
    const { pool } = this.#options;
    // Trees go to one worker, so that they end up in few packs.
    const worker = blobs[0]?.type === 'tree' ? pool.first() : pool.leastBusy();
    return (await worker.run(request, 'resealed', options)).problems;
  }

  /** When it resolves, everything taken over is durable and in a durable index file. */
  async finish(): Promise<void> {
    this.#throwIfUnusable();
    const { pool } = this.#options;
    const flush = { type: 'flush', session: this.#session } as const;
    await Promise.all(pool.workers().map((each) => each.run(flush, 'flushed', { bytes: 0 })));
    await this.#settle();
    this.#throwIfUnusable();
    await this.#index.flush();
  }

  /** What is durable so far is noted, so that the next copy goes on from there. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#options.pool.closeSession(this.#session);
    await this.#settle();
    // The work has failed or was cancelled, or there is nothing left to note.
    await this.#index.flush().catch(() => {});
  }

  async #write({ pack, bytes }: PackMessage, from: PoolWorker): Promise<void> {
    if (this.#failure !== undefined || this.#isClosed) return;
    const { access, signal } = this.#options;
    await access.location.write('data', pack.name, bytes, signal);
    this.#bytesStored += bytes.length;
    from.post({ type: 'recycle', buffer: bytes.buffer }, [bytes.buffer]);
    await this.#index.add(pack);
    if (performance.now() - this.#indexedAtMs < indexEveryMs) return;
    this.#indexedAtMs = performance.now();
    await this.#index.flush();
  }

  async #settle(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  #throwIfUnusable(): void {
    assert(!this.#isClosed, 'an intake is not used after its end');
    throwIfAborted(this.#options.signal);
    if (this.#failure !== undefined) throw this.#failure;
  }
}
