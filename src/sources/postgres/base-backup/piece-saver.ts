import { isLifeboatError } from '../../../core/index.ts';
import { type BlobId, BlobSink, type SinkGrant } from '../../../repository/thread.ts';
import { crc32c } from '../../../wal/thread.ts';
import { PageVerifier } from './page-checksum.ts';
import type { Piece, SavedPiece, WorkerFailure } from './piece.ts';

const idBytes = 32;

/** Cuts, sums, verifies and stores pieces, in the thread that calls, in every repository that still takes them. */
export class PieceSaver {
  readonly #sinks: (BlobSink | undefined)[];
  readonly #pageSizeBytes: number;
  readonly #onSinkFailed: (sink: number, failure: WorkerFailure) => void;
  #verifier: PageVerifier | undefined;

  constructor(
    grants: readonly SinkGrant[],
    pageSizeBytes: number,
    onSinkFailed: (sink: number, failure: WorkerFailure) => void,
  ) {
    this.#sinks = grants.map((grant) => new BlobSink(grant));
    this.#pageSizeBytes = pageSizeBytes;
    this.#onSinkFailed = onSinkFailed;
  }

  save(bytes: Uint8Array, { chunkSizeBytes, firstBlock }: Piece): SavedPiece {
    const sums = new Uint32Array(Math.ceil(bytes.length / chunkSizeBytes));
    const ids = Buffer.alloc(sums.length * idBytes);
    const failures: number[] = [];
    for (const index of sums.keys()) {
      const at = index * chunkSizeBytes;
      const chunk = bytes.subarray(at, at + chunkSizeBytes);
      ids.write(this.#store('data', chunk), index * idBytes, 'hex');
      sums[index] = crc32c(chunk);
      if (firstBlock === undefined) continue;
      // Chunk by chunk: what was just used is in the processor's cache.
      failures.push(...this.failures(chunk, firstBlock + at / this.#pageSizeBytes));
    }
    return { lengthBytes: bytes.length, ids, sums, failures };
  }

  failures(bytes: Uint8Array, firstBlock: number): readonly number[] {
    this.#verifier ??= new PageVerifier(this.#pageSizeBytes);
    return this.#verifier.failures(bytes, firstBlock);
  }

  saveTree(tree: Uint8Array): BlobId {
    return this.#store('tree', tree);
  }

  /** Everything saved leaves the thread. */
  flush(): void {
    this.#each((sink) => sink.flush());
  }

  /** Leaves no temporary files. */
  discard(): void {
    for (const sink of this.#sinks) sink?.discard();
  }

  /** The id is the same in all repositories: the SHA-256 of the bytes. */
  #store(type: 'data' | 'tree', bytes: Uint8Array): BlobId {
    let id: BlobId | undefined;
    this.#each((sink) => {
      id = sink.save(type, bytes).id;
    });
    // The main thread has heard why, and ends the backup.
    return id ?? ('0'.repeat(64) as BlobId);
  }

  #each(work: (sink: BlobSink) => void): void {
    for (const [number, sink] of this.#sinks.entries()) {
      if (sink === undefined) continue;
      try {
        work(sink);
      } catch (error) {
        if (!isLifeboatError(error) || error.code === 'bug') throw error;
        this.#sinks[number] = undefined;
        sink.discard();
        const { code, message, hint } = error;
        this.#onSinkFailed(number, { code, message, hint });
      }
    }
  }
}
