import { hostname } from 'node:os';
import {
  assert,
  isLifeboatError,
  LifeboatError,
  type Progress,
  throwIfAborted,
} from '../../core/index.ts';
import { type ContentCutter, createContentCutter } from '../chunker/content-cutter.ts';
import type { IndexColumns } from '../format/index-columns.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { userName } from '../format/key-file.ts';
import { encodeSnapshot } from '../format/snapshot-file.ts';
import { encodeTree } from '../format/tree.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { ClaimTable } from '../index/claim-table.ts';
import { IndexWriter } from '../index/index-writer.ts';
import { LocalLocation } from '../location/local-location.ts';
import type { RepositoryLock } from '../lock/repository-lock.ts';
import type {
  BackupWriter,
  BlobId,
  BlobType,
  ChangeCounts,
  NewSnapshot,
  SavedBlob,
  SnapshotId,
  TreeNode,
  WriterTotals,
} from '../repository.ts';
import type { SnapshotRetention } from '../retention-lock/snapshot-retention.ts';
import { type RepositoryAccess, writeStoredJson } from '../stored-file.ts';
import type { PackContent, SinkGrant } from './blob-sink.ts';
import { CompactPack } from './compact-pack.ts';
import { ownBuffer } from './own-buffer.ts';
import { SinkHost } from './sink-host.ts';
import type { PackMessage } from './worker-messages.ts';
import type { PoolWorker, WorkerPool } from './worker-pool.ts';

/** Plain bytes that may be with the workers at once. */
const maxBytesInWork = 32 * 1024 * 1024;
/** Finished packs that may wait for the location at once. */
const maxPacksInWork = 4;
/** Small blobs travel to a worker together. */
const batchBytes = 1024 * 1024;
/** How long the last index file of a backup that has failed may take. */
const lastIndexMs = 10_000;
/** From here on a small batch may wait for more. */
const busyAtBatches = 4;

export interface BackupWriterOptions {
  readonly access: RepositoryAccess;
  readonly lock: RepositoryLock;
  readonly pool: WorkerPool;
  /** What the repository holds already; packs of this backup are added once an index file names them. */
  readonly known: BlobIndex;
  /** Nothing is written before. */
  readonly started: Promise<void>;
  readonly warnings: readonly string[];
  readonly onIndexed: (indexFile: string, columns: IndexColumns) => void;
  readonly signal?: AbortSignal | undefined;
  readonly programVersion: string;
  /** Where the location promises that everything stays for a time. */
  readonly retention?: SnapshotRetention | undefined;
  readonly progress?: Progress | undefined;
}

interface QueuedBlob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly resolve: (saved: SavedBlob) => void;
  readonly reject: (error: unknown) => void;
}

/** The main thread's part of a backup: decides what is new, bounds what is in work, writes packs and index files. */
export class RepositoryBackupWriter implements BackupWriter {
  readonly #options: BackupWriterOptions;
  readonly #startedAt = new Date();
  readonly #session: number;
  readonly #index: IndexWriter;
  /** Saved by this backup and not yet in an index file. */
  readonly #unindexed = new ClaimTable();
  readonly #sinks: SinkHost;
  readonly #queues: Record<BlobType, QueuedBlob[]> = { data: [], tree: [] };
  readonly #queuedBytes: Record<BlobType, number> = { data: 0, tree: 0 };
  /** Everything under way; each removes itself. */
  readonly #work = new Set<Promise<void>>();
  #waiting: (() => void)[] = [];
  #bytesInWork = 0;
  #batchesInWork = 0;
  #packsInWork = 0;
  #failure: unknown;
  #isDispatchPlanned = false;
  #isClosed = false;
  #blobsNew: Record<BlobType, number> = { data: 0, tree: 0 };
  #bytesRead = 0;
  #bytesNew = 0;
  #bytesStored = 0;

  constructor(options: BackupWriterOptions) {
    this.#options = options;
    // Also for whoever does not wait for it.
    options.started.catch((error: unknown) => this.#fail(error));
    const confirm = async (signal = options.signal) => {
      await options.started;
      await options.lock.confirmHeld(signal);
    };
    this.#index = new IndexWriter(options.access, confirm, (name, columns) => {
      options.onIndexed(name, columns);
      this.#unindexed.release((ids, row, isTree) => options.known.hasWords(ids, row, isTree));
    });
    const { location } = options.access;
    this.#sinks = new SinkHost({
      masterKey: options.access.masterKey,
      localFolder: location instanceof LocalLocation ? location.path : undefined,
      index: options.known,
      claims: this.#unindexed,
      onPack: ({ name, header, content, sizeBytes }) =>
        this.#writePack(new CompactPack(name, header), content, sizeBytes).catch((error: unknown) =>
          this.#fail(error),
        ),
    });
    this.#session = options.pool.openSession((message, from) => this.#onPack(message, from));
  }

  get started(): Promise<void> {
    return this.#options.started;
  }

  get warnings(): readonly string[] {
    return this.#options.warnings;
  }

  async saveData(bytes: Uint8Array): Promise<SavedBlob> {
    assert(bytes.length > 0, 'a blob is never empty');
    return await this.#save('data', ownBuffer(bytes));
  }

  createCutter(): ContentCutter {
    return createContentCutter(this.#options.access.masterKey);
  }

  async saveTree(nodes: readonly TreeNode[]): Promise<BlobId> {
    const { id } = await this.#save('tree', ownBuffer(encodeTree(nodes)));
    return id;
  }

  isStored(type: BlobType, id: BlobId): boolean {
    return this.#options.known.has(type, id);
  }

  grantSink({ isFast = false } = {}): SinkGrant {
    this.#throwIfUnusable();
    return this.#sinks.open(isFast);
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async keepStored(signal?: AbortSignal): Promise<void> {
    await this.#index.flush(signal);
  }

  async removeSnapshot(id: SnapshotId): Promise<void> {
    await this.#options.access.location.remove('snapshots', id, this.#options.signal);
  }

  async publishSnapshot(snapshot: NewSnapshot): Promise<SnapshotId> {
    const { access, pool, lock, signal, programVersion, retention, known, progress } =
      this.#options;
    this.#throwIfUnusable();
    // Each kind of file is durable before the first file that points to it is written.
    await this.#settleWork();
    await Promise.all(
      pool
        .workers()
        .map((worker) =>
          worker.run({ type: 'flush', session: this.#session }, 'flushed', { bytes: 0 }),
        ),
    );
    await this.#settleWork();
    await this.#index.flush();
    throwIfAborted(signal);
    await this.started;
    await retention?.retainAll({ packs: known.packNames, signal, progress });
    await lock.confirmHeld(signal);
    const { filesTotal, bytesTotal, changes = allNew(filesTotal), ...rest } = snapshot;
    const json = encodeSnapshot({
      hostname: hostname(),
      ...rest,
      username: userName(),
      programVersion,
      summary: {
        ...changes,
        backupStart: this.#startedAt,
        backupEnd: new Date(),
        dataBlobs: this.#blobsNew.data + this.#sinks.figure('dataBlobs'),
        treeBlobs: this.#blobsNew.tree + this.#sinks.figure('treeBlobs'),
        bytesAdded: this.#bytesNew + this.#sinks.figure('bytesNew'),
        bytesAddedPacked: this.#bytesStored,
        filesTotal,
        bytesTotal,
      },
    });
    const id = (await writeStoredJson(access, 'snapshots', json, signal)) as SnapshotId;
    await retention?.record(id, progress);
    return id;
  }

  totals(): WriterTotals {
    const sinks = this.#sinks;
    const blobsNew = sinks.figure('dataBlobs') + sinks.figure('treeBlobs');
    return {
      blobsNew: this.#blobsNew.data + this.#blobsNew.tree + blobsNew,
      bytesRead: this.#bytesRead + sinks.figure('bytesRead'),
      bytesNew: this.#bytesNew + sinks.figure('bytesNew'),
      bytesStored: this.#bytesStored,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isWriting = this.#failure === undefined || isLifeboatError(this.#failure, 'cancelled');
    this.#fail(new LifeboatError('cancelled', 'the backup has ended'));
    this.#isClosed = true;
    this.#sinks.close();
    await Promise.allSettled([...this.#work]);
    // Of a backup that failed for other reasons than the repository the next one need not store again what is durable.
    if (isWriting) await this.keepStored(AbortSignal.timeout(lastIndexMs)).catch(() => {});
    this.#options.pool.closeSession(this.#session);
    await this.started.catch(() => {});
    await this.#options.lock[Symbol.asyncDispose]();
  }

  async #save(type: BlobType, bytes: Uint8Array<ArrayBuffer>): Promise<SavedBlob> {
    this.#throwIfUnusable();
    const saved = new Promise<SavedBlob>((resolve, reject) => {
      this.#queues[type].push({ bytes, resolve, reject });
    });
    // Whoever calls sees the error through `saved` or, when it fails first, through `#hasRoom`.
    saved.catch(() => {});
    this.#queuedBytes[type] += bytes.length;
    this.#bytesInWork += bytes.length;
    if (this.#queuedBytes[type] >= batchBytes) this.#dispatch(type);
    else this.#dispatchSoon();
    await this.#hasRoom();
    return await saved;
  }

  /** Blobs that are saved in one turn of the event loop go together; while the workers are busy, more of them. */
  #dispatchSoon(): void {
    if (this.#isDispatchPlanned) return;
    this.#isDispatchPlanned = true;
    setImmediate(() => {
      this.#isDispatchPlanned = false;
      // Whichever batch is done next asks again.
      if (this.#batchesInWork >= busyAtBatches) return;
      this.#dispatch('data');
      this.#dispatch('tree');
    });
  }

  #dispatch(type: BlobType): void {
    const queue = this.#queues[type];
    if (queue.length === 0) return;
    this.#queues[type] = [];
    this.#queuedBytes[type] = 0;
    this.#track(this.#process(type, queue));
  }

  async #process(type: BlobType, queue: readonly QueuedBlob[]): Promise<void> {
    const { pool } = this.#options;
    // Trees go to one worker, so that they end up in few packs.
    const worker = type === 'tree' ? pool.first() : pool.leastBusy();
    const blobs = queue.map(({ bytes }) => bytes);
    const totalBytes = blobs.reduce((sum, { length }) => sum + length, 0);
    const sizes = blobs.map(({ length }) => length);
    this.#batchesInWork++;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const request = { type: 'hash', blobType: type, blobs } as const;
      const transfer = blobs.map(({ buffer }) => buffer);
      const hashed = await worker.run(request, 'hashed', { bytes: totalBytes, transfer });
      const wanted = hashed.ids.map((id, i) => this.#claim(type, id, sizes[i] as number));
      for (const [i, { resolve }] of queue.entries()) {
        resolve({ id: hashed.ids[i] as BlobId, isNew: wanted[i] as boolean });
      }
      const store = { type: 'store', session: this.#session, hashed: hashed.job, wanted } as const;
      await worker.run(store, 'stored', { bytes: totalBytes });
    } catch (error) {
      for (const { reject } of queue) reject(error);
      throw error;
    } finally {
      this.#batchesInWork--;
      this.#bytesInWork -= totalBytes;
      this.#dispatchSoon();
      this.#wake();
    }
  }

  /** True when the blob is new and this caller is to store it. */
  #claim(type: BlobType, id: BlobId, length: number): boolean {
    this.#bytesRead += length;
    if (!this.#unindexed.claim(type, id, () => this.#options.known.has(type, id))) return false;
    this.#blobsNew[type]++;
    this.#bytesNew += length;
    return true;
  }

  #onPack(message: PackMessage, from: PoolWorker): void {
    this.#packsInWork++;
    this.#track(
      this.#writePooled(message, from).finally(() => {
        this.#packsInWork--;
        this.#wake();
      }),
    );
  }

  async #writePooled({ pack, bytes }: PackMessage, from: PoolWorker): Promise<void> {
    await this.#writePack(pack, bytes, bytes.length);
    from.post({ type: 'recycle', buffer: bytes.buffer }, [bytes.buffer]);
  }

  async #writePack(pack: IndexedPack, content: PackContent, sizeBytes: number): Promise<void> {
    const { access, signal, started } = this.#options;
    const { location } = access;
    // It has failed when this rejects.
    await started.catch(() => {});
    if (typeof content === 'string') {
      assert(location instanceof LocalLocation, 'only local repositories get files');
      if (this.#failure !== undefined) return await location.discardPack(content);
      await location.adoptPack(pack.name, content, signal);
      this.#bytesStored += sizeBytes;
      return await this.#index.add(pack);
    }
    if (this.#failure !== undefined) return;
    if (location.expectTrees !== undefined && pack.blobs[0]?.type === 'tree') {
      location.expectTrees([pack.name]);
    }
    await location.write('data', pack.name, content, signal);
    this.#bytesStored += sizeBytes;
    await this.#index.add(pack);
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  /** All that is queued or under way is done. Throws the first failure. */
  async #settleWork(): Promise<void> {
    this.#dispatch('data');
    this.#dispatch('tree');
    while (this.#work.size > 0) await Promise.all(this.#work);
    await this.#sinks.settle();
    this.#throwIfUnusable();
  }

  async #hasRoom(): Promise<void> {
    while (this.#bytesInWork > maxBytesInWork || this.#packsInWork > maxPacksInWork) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      this.#throwIfUnusable();
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#sinks.stop();
    this.#wake();
  }

  #throwIfUnusable(): void {
    assert(!this.#isClosed, 'a backup is not used after its end');
    throwIfAborted(this.#options.signal);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function allNew(filesTotal: number): ChangeCounts {
  return {
    filesNew: filesTotal,
    filesChanged: 0,
    filesUnmodified: 0,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: 0,
  };
}
