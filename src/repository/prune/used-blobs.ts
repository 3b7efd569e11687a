import { type Progress, throwIfAborted } from '../../core/index.ts';
import { plainLength } from '../data-plane/blob-codec.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import { damaged } from '../format/json-shape.ts';
import { maxTreeBytes } from '../format/tree-references.ts';
import { BitSet } from '../index/bit-set.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId, BlobType, Snapshot } from '../repository.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import { type PlacedRow, piecesOf, placedRows, readPieces } from './blob-pieces.ts';

export interface UsedBlobs {
  /** Rows of the index. */
  readonly rows: BitSet;
  readonly count: number;
  /** Blobs that snapshots need and no index names, the first few. */
  readonly missing: readonly { readonly type: BlobType; readonly id: BlobId }[];
}

export interface UsedBlobsOptions {
  readonly access: RepositoryAccess;
  readonly pool: WorkerPool;
  readonly index: BlobIndex;
  readonly snapshots: readonly Snapshot[];
  readonly signal?: AbortSignal | undefined;
  readonly progress: Progress;
  /** What a node says must be right, not only what it names. Default: anything that names blobs is taken. */
  readonly isStrict?: boolean;
  readonly onBytesRead?: (bytes: number) => void;
}

/** Plain bytes of trees that are read together. */
const batchBytes = 4 * 1024 * 1024;
const rowsAtOnce = 4096;
const batchesAtOnce = 4;
const mostMissing = 20;

/**
 * What the snapshots need. Every tree is read once, however many folders share it; the memory it takes is a bit per
 * blob and a number per tree that waits. Errors: `repository.damaged` when a tree cannot be read.
 */
export async function findUsedBlobs(options: UsedBlobsOptions): Promise<UsedBlobs> {
  const walk = new Walk(options);
  for (const { tree } of options.snapshots) walk.need('tree', tree);
  await walk.run();
  return walk;
}

class Walk implements UsedBlobs {
  readonly rows: BitSet;
  readonly missing: { type: BlobType; id: BlobId }[] = [];
  count = 0;
  readonly #options: UsedBlobsOptions;
  readonly #waiting: number[] = [];
  #treesDone = 0;

  constructor(options: UsedBlobsOptions) {
    this.#options = options;
    this.rows = new BitSet(options.index.blobCount);
  }

  need(type: BlobType, id: BlobId): void {
    const row = this.#options.index.rowOf(type, id);
    if (row === undefined) {
      if (this.missing.length < mostMissing) this.missing.push({ type, id });
    } else if (this.rows.add(row)) {
      this.count++;
      if (type === 'tree') this.#waiting.push(row);
    }
  }

  async run(): Promise<void> {
    const { index, signal, progress } = this.#options;
    const task = 'find used blobs';
    progress({ type: 'begin', task, title: 'following snapshots down to their blobs' });
    try {
      while (this.#waiting.length > 0) {
        throwIfAborted(signal);
        const rows = this.#waiting.splice(-rowsAtOnce);
        const batches = batchesOf(placedRows(index, rows));
        for (let at = 0; at < batches.length; at += batchesAtOnce) {
          await Promise.all(batches.slice(at, at + batchesAtOnce).map((each) => this.#read(each)));
          const total = this.#treesDone + this.#waiting.length;
          progress({ type: 'progress', task, done: this.#treesDone, total, unit: 'files' });
        }
      }
    } finally {
      progress({ type: 'end', task });
    }
  }

  async #read(placed: readonly PlacedRow[]): Promise<void> {
    const { access, pool, index, signal, isStrict = false } = this.#options;
    const { pieces, spots } = piecesOf(placed);
    const read = (await readPieces(access.location, pieces, signal)).map(ownBuffer);
    this.#options.onBytesRead?.(read.reduce((sum, { length }) => sum + length, 0));
    const trees = placed.map(({ row, pack, length, uncompressedLength }, number) => {
      const spot = spots[number] as { piece: number; offset: number };
      return { id: index.idAt(row), pack, ...spot, length, uncompressedLength };
    });
    const request = { type: 'references', pieces: read, trees, isStrict } as const;
    const transfer = read.map(({ buffer }) => buffer);
    const bytes = placed.reduce((sum, each) => sum + plainLength(each), 0);
    const { references } = await pool.leastBusy().run(request, 'references', { bytes, transfer });
    for (const id of references.content) this.need('data', id);
    for (const id of references.subtrees) this.need('tree', id);
    this.#treesDone += placed.length;
  }
}

function batchesOf(placed: readonly PlacedRow[]): PlacedRow[][] {
  const batches: PlacedRow[][] = [];
  let bytes = 0;
  for (const each of placed) {
    const length = plainLength(each);
    if (length > maxTreeBytes) throw damaged(`data/${each.pack}: a tree too long to be read`);
    const batch = batches.at(-1);
    if (batch === undefined || bytes + length > batchBytes) {
      batches.push([each]);
      bytes = length;
    } else {
      batch.push(each);
      bytes += length;
    }
  }
  return batches;
}
