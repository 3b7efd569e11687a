import { assert, isLifeboatError, LifeboatError } from '../core/index.ts';
import { type ShownKind, type ShownPack, showFile, showPack } from './browse/show-file.ts';
import { type CheckOptions, checkRepository } from './check/check-repository.ts';
import type { CopyOptions, CopyReport } from './copy/copy.ts';
import { copyRepository } from './copy/copy-repository.ts';
import type { CopySide } from './copy/copy-side.ts';
import { type EnvelopeKey, isSealedBy } from './crypto/envelope.ts';
import { RepositoryBackupWriter } from './data-plane/backup-writer.ts';
import { openVerifiedBlob } from './data-plane/blob-codec.ts';
import { WorkerPool } from './data-plane/worker-pool.ts';
import { type ForgetOptions, type ForgetReport, forget } from './forget/forget.ts';
import type { RepositoryConfig } from './format/config-file.ts';
import { damaged } from './format/json-shape.ts';
import { decodeTree } from './format/tree.ts';
import type { BlobIndex } from './index/blob-index.ts';
import { dependableIndex, listPacks } from './index/dependable-index.ts';
import { type LoadedIndex, loadIndex } from './index/index-reader.ts';
import { ReadableIndex } from './index/readable-index.ts';
import type { RepositoryKeys } from './keys/keys.ts';
import { openKeys } from './keys/open-keys.ts';
import type { Location } from './location/location.ts';
import { StandingLocation } from './location/standing-location.ts';
import { RepositoryLock } from './lock/repository-lock.ts';
import { type ListedLock, type UnlockOptions, unlock } from './lock/unlock.ts';
import type { Log } from './log/log.ts';
import { type Logs, openLogs } from './log/open-logs.ts';
import { programVersion } from './program-version.ts';
import type { PruneOptions, PruneReport } from './prune/prune-options.ts';
import { pruneRepository } from './prune/prune-repository.ts';
import { readContent } from './read/content-reader.ts';
import { placeOf } from './read/read-plan.ts';
import { type ReaderOptions, ReaderThreads } from './read/reader-threads.ts';
import { openRecordStore } from './record/open-record-store.ts';
import type { RecordStore } from './record/record.ts';
import {
  type RepairIndexOptions,
  type RepairIndexReport,
  repairIndex,
} from './repair/repair-index.ts';
import { type RepairedPack, type RepairPacksOptions, repairPacks } from './repair/repair-packs.ts';
import {
  type RepairedSnapshot,
  type RepairSnapshotsOptions,
  repairSnapshots,
} from './repair/repair-snapshots.ts';
import type {
  BackupWriter,
  BlobId,
  BlobType,
  CheckReport,
  OperationOptions,
  ReadContentOptions,
  Repository,
  Snapshot,
  StartOptions,
  TreeNode,
} from './repository.ts';
import { SnapshotRetention } from './retention-lock/snapshot-retention.ts';
import { findSnapshot, listSnapshots } from './snapshot-list.ts';
import { aboutFile, assertWritable, type RepositoryAccess } from './stored-file.ts';
import { type TagOptions, type TagReport, tagSnapshots } from './tag/tag-snapshots.ts';

/** An open repository: ties the parts together and keeps what is loaded once. */
export class ResticRepository implements Repository {
  readonly id: string;
  readonly chunkerPolynomial: bigint;
  readonly location: Location;
  readonly records: RecordStore;
  readonly keys: RepositoryKeys;
  readonly #access: RepositoryAccess;
  /** For whoever concludes something from what is not listed, or writes into what was opened a while ago. */
  readonly #standing: RepositoryAccess & { readonly location: StandingLocation };
  readonly #pool: WorkerPool;
  readonly #logs: Logs;
  readonly #retention: SnapshotRetention | undefined;
  readonly #readable: ReadableIndex;
  #index: LoadedIndex | undefined;
  #indexLoading: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly location: Location;
    readonly masterKey: EnvelopeKey;
    /** The key file that opened it. */
    readonly keyName?: string;
    readonly config: RepositoryConfig;
    readonly stateFolder?: string | undefined;
  }) {
    const { location, masterKey, keyName, config, stateFolder } = options;
    this.id = config.id;
    this.chunkerPolynomial = config.chunkerPolynomial;
    this.location = location;
    this.#access = { location, masterKey, version: config.version };
    const isOurs = (stored: Uint8Array) => isSealedBy(masterKey, stored);
    const standing = new StandingLocation(location, { root: location, isOurs });
    this.#standing = { ...this.#access, location: standing };
    this.#readable = new ReadableIndex(this.#access);
    this.keys = openKeys(this.#access, keyName ?? '');
    this.#pool = new WorkerPool(masterKey);
    this.#logs = openLogs(this.#standing.location, masterKey, this.#pool);
    this.records = openRecordStore({
      location: this.#standing.location,
      key: masterKey,
      stateFolder,
    });
    this.#retention = SnapshotRetention.of(location, this.records);
  }

  async snapshots(options: OperationOptions = {}): Promise<readonly Snapshot[]> {
    return await listSnapshots(this.#standing, options);
  }

  async findSnapshot(idOrPrefix: string): Promise<Snapshot> {
    return await findSnapshot(this.#standing, idOrPrefix);
  }

  async readBlob(type: BlobType, id: BlobId, signal?: AbortSignal): Promise<Uint8Array> {
    const index = await this.#indexWith(type, [id], signal);
    const { pack, offset, length, uncompressedLength } = placeOf(index.blobs, type, id);
    if (type === 'tree') this.location.expectTrees?.([pack]);
    const sealed = await this.location.read('data', pack, { offset, length }, signal);
    return aboutFile('data', pack, () => {
      // Copied: what the decoder returns is overwritten by the next blob.
      return new Uint8Array(
        openVerifiedBlob(this.#access.masterKey, sealed, uncompressedLength, id),
      );
    });
  }

  async readTree(id: BlobId, signal?: AbortSignal): Promise<readonly TreeNode[]> {
    const bytes = await this.readBlob('tree', id, signal);
    try {
      return decodeTree(bytes);
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      throw damaged(`tree ${id}: ${error.message}`);
    }
  }

  async findNode(tree: BlobId, path: string): Promise<TreeNode | undefined> {
    const names = path.split('/').filter((name) => name !== '');
    let folder: BlobId | undefined = tree;
    let found: TreeNode | undefined;
    for (const name of names) {
      if (folder === undefined) return undefined;
      found = (await this.readTree(folder)).find((node) => node.name === name);
      folder = found?.subtree;
    }
    return found;
  }

  async *readFileContent(
    content: readonly BlobId[],
    options: ReadContentOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const index = await this.#indexWith('data', content, options.signal);
    const source = { location: this.location, pool: this.#pool, index: index.blobs };
    yield* readContent(source, content, options);
  }

  async startReaders(options: ReaderOptions): Promise<ReaderThreads> {
    const { blobs } = await this.#readable.of(
      await this.#loadIndex(options.signal),
      options.signal,
    );
    return new ReaderThreads(this.#access, blobs.memory, options);
  }

  async startBackup(options: StartOptions = {}): Promise<BackupWriter> {
    const { signal, progress, early: isEarly = false } = options;
    assertWritable(this.#access);
    await this.#standing.location.confirm(signal);
    // Most of the index can be read while the lock settles; what changed meanwhile is read again below.
    const early = this.#loadIndex(signal).catch(() => {});
    const listing = listPacks(this.#access, signal);
    const wanted = { exclusive: false, operation: 'backup', waitMs: options.lockWaitMs };
    const lockOptions = { ...wanted, signal, progress };
    const lock = isEarly
      ? await RepositoryLock.acquireEarly(this.#access, lockOptions)
      : await RepositoryLock.acquire(this.#access, lockOptions);
    try {
      await early;
      // Under the lock nobody removes what this index names.
      const loaded = await this.#loadIndex(signal);
      const about = { access: this.#access, loaded, listing, signal, progress };
      const { blobs, warnings } = await dependableIndex(about);
      const started = lock.settled.then(async () => {
        if (isEarly) await this.#confirmIndex(loaded, signal);
      });
      return new RepositoryBackupWriter({
        access: this.#access,
        lock,
        pool: this.#pool,
        known: blobs,
        started,
        warnings,
        onIndexed: (name, columns) => {
          blobs.addColumns(columns);
          // A reader may have loaded it anew since.
          if (this.#index?.blobs === blobs) this.#index.files.add(name);
        },
        signal,
        programVersion: programVersion(),
        retention: this.#retention,
        progress,
      });
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  async check(options: CheckOptions = {}): Promise<CheckReport> {
    return await checkRepository(this.#truth(), this.#pool, options);
  }

  async copyTo(destination: Repository, options: CopyOptions = {}): Promise<CopyReport> {
    assert(destination instanceof ResticRepository, 'a copy goes to a repository of this program');
    await destination.#standing.location.confirm(options.signal);
    return await copyRepository({ from: this.#side(), to: destination.#side() }, options);
  }

  async forget(options: ForgetOptions): Promise<ForgetReport> {
    return await forget(this.#access, options);
  }

  async prune(options: PruneOptions = {}): Promise<PruneReport> {
    try {
      return await pruneRepository(this.#access, this.#pool, options);
    } finally {
      // It names packs that may be gone.
      this.#index = undefined;
    }
  }

  async repairIndex(options?: RepairIndexOptions): Promise<RepairIndexReport> {
    this.#index = undefined;
    return await repairIndex(this.#truth(), options);
  }

  async repairPacks(
    names: readonly string[],
    options?: RepairPacksOptions,
  ): Promise<readonly RepairedPack[]> {
    this.#index = undefined;
    return await repairPacks(this.#truth(), names, options);
  }

  async repairSnapshots(options?: RepairSnapshotsOptions): Promise<readonly RepairedSnapshot[]> {
    return await repairSnapshots(this.#truth(), options);
  }

  async unlock(options: UnlockOptions = {}): Promise<readonly ListedLock[]> {
    return await unlock(this.#access, options);
  }

  async tag(options: TagOptions): Promise<TagReport> {
    return await tagSnapshots(this.#access, options);
  }

  async blobIndex(signal?: AbortSignal): Promise<BlobIndex> {
    return (await this.#loadIndex(signal)).blobs;
  }

  async showFile(kind: ShownKind, id?: string, signal?: AbortSignal): Promise<string> {
    return await showFile(this.#truth(), kind, id, signal);
  }

  async showPack(id: string, signal?: AbortSignal): Promise<ShownPack> {
    return await showPack(this.#access, id, signal);
  }

  async logNames(signal?: AbortSignal): Promise<readonly string[]> {
    return await this.#logs.names(signal);
  }

  log(name: string): Log {
    return this.#logs.log(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
    await this.location.close?.();
  }

  #side(): CopySide {
    const [access, pool, logs, retention] = [this.#access, this.#pool, this.#logs, this.#retention];
    return { id: this.id, access, pool, logs, retention };
  }

  /** For what judges or mends the place itself: past copies that are kept nearby. */
  #truth(): RepositoryAccess {
    return { ...this.#access, location: this.location.direct ?? this.location };
  }

  /** The loaded index, read again when it lacks a blob: another program may have written it since. */
  async #indexWith(
    type: BlobType,
    ids: readonly BlobId[],
    signal?: AbortSignal,
  ): Promise<LoadedIndex> {
    const index = this.#index ?? (await this.#loadIndex(signal));
    if (ids.every((id) => index.blobs.has(type, id))) return await this.#readable.of(index, signal);
    const again = await this.#loadIndex(signal);
    const [problem] = again.damaged.values();
    const missing = problem && ids.find((id) => !again.blobs.has(type, id));
    if (!missing) return await this.#readable.of(again, signal);
    throw new LifeboatError(
      'repository.blob-missing',
      `${type} blob ${missing} is in no index that can be read; ${problem}`,
      {
        hint: 'Run `lifeboat check` to see what is affected. If the packs are whole, `lifeboat repair index` makes the index anew from them.',
        context: { blob: missing, type },
      },
    );
  }

  /** One load at a time; each looks at the repository anew. */
  /** What was read while a lock settled: whoever removed packs meanwhile has removed the index files that named them first. */
  async #confirmIndex(loaded: LoadedIndex, signal?: AbortSignal): Promise<void> {
    const { blobs } = await this.#loadIndex(signal);
    if (blobs === loaded.blobs) return;
    throw new LifeboatError('repository.locked', 'the index was changed at this very moment', {
      hint: 'Run the command again.',
      retryable: true,
    });
  }

  #loadIndex(signal?: AbortSignal): Promise<LoadedIndex> {
    const loading = this.#indexLoading
      .catch(() => {})
      .then(async () => {
        this.#index = await loadIndex(this.#standing, this.#index, signal);
        return this.#index;
      });
    this.#indexLoading = loading;
    return loading;
  }
}
