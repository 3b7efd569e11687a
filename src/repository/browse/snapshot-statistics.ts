import { type Progress, silentProgress } from '../../core/index.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId, Snapshot, TreeNode } from '../repository.ts';
import { BlobSet } from './blob-set.ts';
import { ContentSet } from './content-set.ts';
import { type BlobTotals, sizeOfBlobs } from './size-of-blobs.ts';
import { type TreeReader, walkTree } from './walk-tree.ts';

export interface SnapshotStatistics {
  readonly snapshots: number;
  /** What restoring all of them one after the other would write; hard links count once in each. */
  readonly restoreBytes: number;
  readonly entries: number;
  readonly files: number;
  /** Files of different content. */
  readonly contents: number;
  readonly contentBytes: number;
  /** What the repository stores for them. */
  readonly raw: BlobTotals;
  /** Blobs that are in no index. */
  readonly blobsMissing: number;
}

interface Sum {
  bytes: number;
  entries: number;
  files: number;
}

/** In one walk over the snapshots; what several of them share is read once. */
export async function snapshotStatistics(
  reader: TreeReader,
  request: {
    readonly index: BlobIndex;
    readonly snapshots: readonly Snapshot[];
    readonly signal?: AbortSignal;
    readonly progress?: Progress;
  },
): Promise<SnapshotStatistics> {
  const { snapshots, progress = silentProgress } = request;
  const task = 'stats';
  progress({ type: 'begin', task, title: 'reading trees' });
  const walk = new StatisticsWalk(reader, request.index, request.signal);
  let done = 0;
  try {
    for (const { tree } of snapshots) {
      await walk.addSnapshot(tree);
      progress({
        type: 'progress',
        task,
        done: ++done,
        total: snapshots.length,
        unit: 'snapshots',
      });
    }
  } finally {
    progress({ type: 'end', task });
  }
  return { snapshots: snapshots.length, ...walk.result() };
}

class StatisticsWalk {
  readonly #reader: TreeReader;
  readonly #index: BlobIndex;
  readonly #signal: AbortSignal | undefined;
  readonly #blobs: BlobSet;
  readonly #contents = new ContentSet();
  /** What restoring a tree takes, of those without hard links: these count anew in every snapshot, wherever the other names are. */
  readonly #sums = new Map<number, Sum>();
  readonly #total: Sum = { bytes: 0, entries: 0, files: 0 };
  #contentBytes = 0;
  #blobsMissing = 0;

  constructor(reader: TreeReader, index: BlobIndex, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#index = index;
    this.#signal = signal;
    this.#blobs = new BlobSet(index);
  }

  async addSnapshot(tree: BlobId): Promise<void> {
    const links = new Set<string>();
    this.#addBlob('tree', tree);
    const { sum } = await this.#sumOf(tree, links);
    add(this.#total, sum);
  }

  /** `hasLinks`: the sum is true of this snapshot only. */
  async #sumOf(tree: BlobId, links: Set<string>): Promise<{ sum: Sum; hasLinks: boolean }> {
    const row = this.#index.rowOf('tree', tree);
    const known = row === undefined ? undefined : this.#sums.get(row);
    if (known) return { sum: known, hasLinks: false };
    const sum: Sum = { bytes: 0, entries: 0, files: 0 };
    let hasLinks = false;
    const folders: TreeNode[] = [];
    const inside = walkTree(this.#reader, tree, { signal: this.#signal, enter: () => false });
    for await (const { node } of inside) {
      sum.entries++;
      if (node.subtree) folders.push(node);
      if (node.type !== 'file') continue;
      sum.files++;
      this.#addFile(node);
      if ((node.links ?? 0) > 1) {
        hasLinks = true;
        const name = `${node.inode} ${node.deviceId}`;
        if (links.has(name)) continue;
        links.add(name);
      }
      sum.bytes += node.sizeBytes ?? 0;
    }
    for (const { subtree } of folders) {
      this.#addBlob('tree', subtree as BlobId);
      const below = await this.#sumOf(subtree as BlobId, links);
      add(sum, below.sum);
      hasLinks ||= below.hasLinks;
    }
    if (!hasLinks && row !== undefined) this.#sums.set(row, sum);
    return { sum, hasLinks };
  }

  #addFile(node: TreeNode): void {
    const content = node.content ?? [];
    for (const id of content) this.#addBlob('data', id);
    if (this.#contents.add(content)) this.#contentBytes += node.sizeBytes ?? 0;
  }

  #addBlob(type: 'data' | 'tree', id: BlobId): void {
    if (!this.#blobs.add(type, id) && !this.#index.has(type, id)) this.#blobsMissing++;
  }

  result(): Omit<SnapshotStatistics, 'snapshots'> {
    return {
      restoreBytes: this.#total.bytes,
      entries: this.#total.entries,
      files: this.#total.files,
      contents: this.#contents.size,
      contentBytes: this.#contentBytes,
      raw: sizeOfBlobs(this.#index, this.#blobs),
      blobsMissing: this.#blobsMissing,
    };
  }
}

function add(to: Sum, sum: Sum): void {
  to.bytes += sum.bytes;
  to.entries += sum.entries;
  to.files += sum.files;
}
