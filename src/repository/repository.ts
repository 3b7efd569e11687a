import type { Progress } from '../core/index.ts';
import type { ShownKind, ShownPack } from './browse/show-file.ts';
import type { CheckOptions } from './check/check-repository.ts';
import type { ContentCutter } from './chunker/content-cutter.ts';
import type { CopyOptions, CopyReport } from './copy/copy.ts';
import type { SinkGrant } from './data-plane/blob-sink.ts';
import type { ForgetOptions, ForgetReport } from './forget/forget.ts';
import type { BlobIndex } from './index/blob-index.ts';
import type { RepositoryKeys } from './keys/keys.ts';
import type { Location } from './location/location.ts';
import type { ListedLock, UnlockOptions } from './lock/unlock.ts';
import type { Log } from './log/log.ts';
import type { PruneOptions, PruneReport } from './prune/prune-options.ts';
import type { ReaderOptions, ReaderThreads } from './read/reader-threads.ts';
import type { RecordStore } from './record/record.ts';
import type { RepairIndexOptions, RepairIndexReport } from './repair/repair-index.ts';
import type { RepairedPack, RepairPacksOptions } from './repair/repair-packs.ts';
import type { RepairedSnapshot, RepairSnapshotsOptions } from './repair/repair-snapshots.ts';
import type { TagOptions, TagReport } from './tag/tag-snapshots.ts';

/** SHA-256 of the plain bytes, 64 lower-case hex digits. */
export type BlobId = string & { readonly brand: 'BlobId' };
/** SHA-256 of the stored snapshot file, 64 lower-case hex digits. */
export type SnapshotId = string & { readonly brand: 'SnapshotId' };
export type BlobType = 'data' | 'tree';

export interface ExtendedAttribute {
  readonly name: string;
  /** Undefined where restic stored `null`. */
  readonly value: Uint8Array | undefined;
}

/** A node of a tree, in memory. `format/tree.ts` turns it into restic's canonical bytes and back. */
export interface TreeNode {
  /** The raw name; each byte that is no UTF-8 stands as the lone surrogate 0xDC00 + byte: see `nameBytes`. */
  readonly name: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'dev' | 'chardev' | 'fifo' | 'socket';
  /** Permission bits with setuid, setgid, sticky as in st_mode (0o7777). Type bits are added when encoded. */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  readonly atimeNs?: bigint;
  readonly ctimeNs?: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  readonly inode?: bigint;
  readonly deviceId?: bigint;
  readonly sizeBytes?: number;
  readonly links?: number;
  readonly linkTarget?: string;
  readonly extendedAttributes?: readonly ExtendedAttribute[];
  /** JSON text of what restic keeps for Windows. */
  readonly genericAttributes?: string;
  /** Devices only: st_rdev. */
  readonly device?: bigint;
  /** What went wrong when the entry was read. */
  readonly error?: string;
  /** Files only: blobs in order. */
  readonly content?: readonly BlobId[];
  /** Directories only. */
  readonly subtree?: BlobId;
}

export interface Snapshot {
  readonly id: SnapshotId;
  readonly time: Date;
  /** `time` to the nanosecond, as other programs store it; kept when a snapshot is copied or rewritten. */
  readonly timeNs?: bigint;
  /** `time` as the file has it, with the zone of the clock that wrote it: retention counts its hours and days. */
  readonly timeText?: string;
  readonly tree: BlobId;
  readonly paths: readonly string[];
  readonly hostname: string;
  readonly username: string;
  readonly tags: readonly string[];
  readonly parent?: SnapshotId;
  readonly excludes?: readonly string[];
  /** The snapshot this one was rewritten or copied from. */
  readonly original?: SnapshotId;
  readonly uid?: number;
  readonly gid?: number;
  readonly programVersion?: string;
  readonly summary?: SnapshotSummary;
}

/** How many entries of a kind differ from the parent snapshot. */
export interface ChangeCounts {
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  /** Entries of the parent that are not there any more; restic does not count them. */
  readonly entriesGone?: number;
}

/** What restic calls the summary of a snapshot. */
export interface SnapshotSummary extends ChangeCounts {
  readonly backupStart: Date;
  readonly backupEnd: Date;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Of new blobs, before and after compression and encryption. */
  readonly bytesAdded: number;
  readonly bytesAddedPacked: number;
  readonly filesTotal: number;
  readonly bytesTotal: number;
}

export interface NewSnapshot {
  readonly time: Date;
  readonly tree: BlobId;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  readonly parent?: SnapshotId;
  readonly excludes?: readonly string[];
  /** Default: this host. */
  readonly hostname?: string;
  /** Default: every file counts as new. */
  readonly changes?: ChangeCounts;
  readonly filesTotal: number;
  readonly bytesTotal: number;
}

export interface SavedBlob {
  readonly id: BlobId;
  /** False when the repository (or this backup) held it already. */
  readonly isNew: boolean;
}

export interface WriterTotals {
  readonly blobsNew: number;
  readonly bytesRead: number;
  readonly bytesNew: number;
  readonly bytesStored: number;
}

export interface StartOptions extends OperationOptions {
  /**
   * The writer is given while the lock still settles (200 ms). What is written waits for that. If another program had the same
   * idea at the same moment, all that was done so far counts for nothing, and `started` rejects.
   */
  readonly early?: boolean | undefined;
}

/**
 * Writes one snapshot. Holds a non-exclusive restic lock, refreshed, from `startBackup` to disposal.
 * What is not published is left as unreferenced packs, which the next prune removes.
 */
export interface BackupWriter extends AsyncDisposable {
  /** What was found wrong with the repository when the backup began; told to `progress` as well. */
  readonly warnings: readonly string[];
  /** What is seen of the repository holds. Rejects only after an early start; then nothing was written, nor will be. */
  readonly started: Promise<void>;
  /**
   * Hashes, deduplicates, compresses, encrypts, verifies and packs in worker threads. The buffer
   * belongs to the writer from the call on (its ArrayBuffer may be transferred away). Resolves with the id once
   * known; `saveData` blocks (through its promise) while the bounded queues are full. The bytes are durable
   * only after `publishSnapshot`. Zero-length data is not allowed.
   */
  saveData(bytes: Uint8Array): Promise<SavedBlob>;
  /** Cuts content by its bytes, for what is saved by `saveData` in pieces. */
  createCutter(): ContentCutter;
  /** Whether the repository held the blob, in a pack that is there, when the backup began. */
  isStored(type: BlobType, id: BlobId): boolean;
  /** Sorts by raw name bytes and encodes canonically. */
  saveTree(nodes: readonly TreeNode[]): Promise<BlobId>;
  /**
   * For `new BlobSink(grant)` in a worker thread of one's own; its port is to be transferred. What the sink was given counts as
   * saved once its `flush` has returned. `isFast`: data is compressed as suits the pages of a database.
   */
  grantSink(options?: { readonly isFast?: boolean }): SinkGrant;
  /**
   * Names in the index what is durable by now, so that the next backup does not store it again, even if no snapshot of this one
   * follows. The next prune removes what none came to need.
   */
  keepStored(signal?: AbortSignal): Promise<void>;
  /** Throws the first failure of a write, which may be why a sink was stopped. */
  throwIfFailed(): void;
  /** Forgets a snapshot of one's own making, such as a checkpoint; its blobs stay until the next prune. */
  removeSnapshot(id: SnapshotId): Promise<void>;
  /** Packs durable, then index durable, then the snapshot. More may follow. */
  publishSnapshot(snapshot: NewSnapshot): Promise<SnapshotId>;
  totals(): WriterTotals;
}

export interface CheckFinding {
  /** `index`, `pack`, `tree`, `blob`, `snapshot`, `log`, `record` ... */
  readonly kind: string;
  /** Name of the damaged or missing file or blob. */
  readonly name: string;
  readonly problem: string;
  /** What is affected: snapshots, files, spans of a log. Empty when nothing is. */
  readonly affects: readonly string[];
  readonly severity: 'error' | 'hint';
}

export interface CheckReport {
  readonly findings: readonly CheckFinding[];
  readonly packs: number;
  readonly blobs: number;
  readonly snapshots: number;
  readonly bytesRead: number;
}

export interface OperationOptions {
  /** How long to wait for a lock that another program holds. Default: refuse at once. */
  readonly lockWaitMs?: number;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface ReadContentOptions {
  readonly signal?: AbortSignal;
  readonly ahead?: number;
}

/** An open restic repository (format 2) with Lifeboat's logs and records beside it. */
export interface Repository extends AsyncDisposable {
  /** From the repository's config, 64 hex digits. */
  readonly id: string;
  /** By which restic cuts content; from the repository's config. */
  readonly chunkerPolynomial: bigint;
  readonly location: Location;
  /** Newest first. */
  snapshots(options?: OperationOptions): Promise<readonly Snapshot[]>;
  /** By full id, unique prefix, or `latest`. */
  findSnapshot(idOrPrefix: string): Promise<Snapshot>;
  /** Verified: MAC, decompression, SHA-256. */
  readBlob(type: BlobType, id: BlobId, signal?: AbortSignal): Promise<Uint8Array>;
  readTree(id: BlobId, signal?: AbortSignal): Promise<readonly TreeNode[]>;
  /**
   * The bytes of a file's content in order, verified, in pieces of some MiB: neighbours in a pack are read together,
   * decoded in worker threads, and up to `ahead` pieces (default 4) are under way while one is consumed.
   */
  readFileContent(
    content: readonly BlobId[],
    options?: ReadContentOptions,
  ): AsyncIterable<Uint8Array>;
  /** Threads that read blobs and hand them to a module of the caller, on the spot. */
  startReaders(options: ReaderOptions): Promise<ReaderThreads>;
  /** Follows `path` ("/data/PG_VERSION") from a tree; undefined when absent. */
  findNode(tree: BlobId, path: string): Promise<TreeNode | undefined>;
  startBackup(options?: StartOptions): Promise<BackupWriter>;
  check(options?: CheckOptions): Promise<CheckReport>;
  /** Brings everything of this one to another repository: snapshots, logs, records. See `copy/copy-repository.ts`. */
  copyTo(destination: Repository, options?: CopyOptions): Promise<CopyReport>;
  /** Removes snapshots by policy or by id, under the exclusive lock. */
  forget(options: ForgetOptions): Promise<ForgetReport>;
  /** Takes what no snapshot needs out of the index and marks it; removes what was marked long enough ago. */
  prune(options?: PruneOptions): Promise<PruneReport>;
  /** Makes the index what the packs say. */
  repairIndex(options?: RepairIndexOptions): Promise<RepairIndexReport>;
  /** Saves what is whole in damaged packs; the files stay, marked for a later prune. */
  repairPacks(
    names: readonly string[],
    options?: RepairPacksOptions,
  ): Promise<readonly RepairedPack[]>;
  /** Gives snapshots that miss something a twin without it. Only tells what it would do unless `dryRun` is false. */
  repairSnapshots(options?: RepairSnapshotsOptions): Promise<readonly RepairedSnapshot[]>;
  /** Removes stale locks, with `removeAll` all of them; lists them all. */
  unlock(options?: UnlockOptions): Promise<readonly ListedLock[]>;
  /** Gives snapshots other tags, under the exclusive lock. */
  tag(options: TagOptions): Promise<TagReport>;
  /** Where every blob lies, as of now. */
  blobIndex(signal?: AbortSignal): Promise<BlobIndex>;
  /** The JSON inside a file, for people who look into a repository. `id` may be a beginning. */
  showFile(kind: ShownKind, id?: string, signal?: AbortSignal): Promise<string>;
  showPack(id: string, signal?: AbortSignal): Promise<ShownPack>;
  readonly keys: RepositoryKeys;
  /** The names of all logs there is anything of. */
  logNames(signal?: AbortSignal): Promise<readonly string[]>;
  /** The log of a source. Creating the object does no work. */
  log(name: string): Log;
  readonly records: RecordStore;
}
