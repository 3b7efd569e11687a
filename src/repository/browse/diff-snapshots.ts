import { nameBytes } from '../format/raw-name.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId, TreeNode } from '../repository.ts';
import { BlobSet } from './blob-set.ts';
import { sizeOfBlobs } from './size-of-blobs.ts';
import { type TreeReader, walkTree } from './walk-tree.ts';

/** `modified`: other content. `metadata`: same content, but another mode, owner, time, attribute. */
export type ChangeKind = 'added' | 'removed' | 'modified' | 'type-changed' | 'metadata';

export interface Change {
  readonly kind: ChangeKind;
  readonly path: string;
  readonly before?: TreeNode;
  readonly after?: TreeNode;
}

export interface ChangedCounts {
  readonly files: number;
  readonly dirs: number;
  readonly others: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Of blobs that only this side has, before compression. */
  readonly bytes: number;
  readonly bytesStored: number;
}

export interface DiffStatistics {
  readonly added: ChangedCounts;
  readonly removed: ChangedCounts;
  readonly filesModified: number;
}

interface Side {
  readonly counts: { files: number; dirs: number; others: number };
  readonly blobs: BlobSet;
}

/**
 * Tells every change from one tree to another to `onChange`, in the order of paths. Folders that are the same are not read,
 * except to find out which blobs the two have in common, each once.
 */
export async function diffTrees(
  reader: TreeReader,
  request: {
    readonly index: BlobIndex;
    readonly before: BlobId;
    readonly after: BlobId;
    readonly under?: string;
    readonly signal?: AbortSignal;
    readonly onChange: (change: Change) => void;
  },
): Promise<DiffStatistics> {
  const diff = new TreeDiff(reader, request.index, request.onChange, request.signal);
  await diff.compare(request.under ?? '', request.before, request.after);
  return await diff.statistics();
}

class TreeDiff {
  readonly #reader: TreeReader;
  readonly #index: BlobIndex;
  readonly #onChange: (change: Change) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #before: Side;
  readonly #after: Side;
  /** Trees that both have at the same place. */
  readonly #common: BlobSet;
  readonly #commonTrees: BlobId[] = [];
  #filesModified = 0;

  constructor(
    reader: TreeReader,
    index: BlobIndex,
    onChange: (change: Change) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#reader = reader;
    this.#index = index;
    this.#onChange = onChange;
    this.#signal = signal;
    const side = () => ({ counts: { files: 0, dirs: 0, others: 0 }, blobs: new BlobSet(index) });
    [this.#before, this.#after] = [side(), side()];
    this.#common = new BlobSet(index);
  }

  async compare(path: string, before: BlobId, after: BlobId): Promise<void> {
    if (before === after) {
      if (this.#common.add('tree', before)) this.#commonTrees.push(before);
      return;
    }
    this.#before.blobs.add('tree', before);
    this.#after.blobs.add('tree', after);
    const [old, now] = await Promise.all([
      this.#reader.readTree(before, this.#signal),
      this.#reader.readTree(after, this.#signal),
    ]);
    for (const [former, present] of pairs(old, now)) {
      await this.#compareNodes(`${path}/${(former ?? present)?.name}`, former, present);
    }
  }

  async #compareNodes(
    path: string,
    before: TreeNode | undefined,
    after: TreeNode | undefined,
  ): Promise<void> {
    if (before === undefined || after === undefined || before.type !== after.type) {
      if (before && after) this.#onChange({ kind: 'type-changed', path, before, after });
      if (before) await this.#oneSided('removed', this.#before, path, before, after === undefined);
      if (after) await this.#oneSided('added', this.#after, path, after, before === undefined);
      return;
    }
    addContent(this.#before.blobs, before);
    addContent(this.#after.blobs, after);
    const isModified =
      (before.content ?? []).join() !== (after.content ?? []).join() ||
      before.linkTarget !== after.linkTarget ||
      before.device !== after.device;
    if (isModified && before.type === 'file') this.#filesModified++;
    if (isModified) this.#onChange({ kind: 'modified', path, before, after });
    else if (hasOtherMetadata(before, after)) {
      this.#onChange({ kind: 'metadata', path, before, after });
    }
    if (before.subtree && after.subtree) await this.compare(path, before.subtree, after.subtree);
  }

  /** A node that only one side has, with all that is in it. */
  async #oneSided(
    kind: 'added' | 'removed',
    side: Side,
    path: string,
    node: TreeNode,
    isTold: boolean,
  ): Promise<void> {
    const take = (each: TreeNode) => {
      side.counts[each.type === 'file' ? 'files' : each.type === 'dir' ? 'dirs' : 'others']++;
      addContent(side.blobs, each);
      if (each.subtree) side.blobs.add('tree', each.subtree);
    };
    const tell = (at: string, each: TreeNode) =>
      this.#onChange({ kind, path: at, [kind === 'added' ? 'after' : 'before']: each });
    take(node);
    if (isTold) tell(path, node);
    if (node.subtree === undefined) return;
    for await (const inside of walkTree(this.#reader, node.subtree, {
      under: path,
      signal: this.#signal,
    })) {
      take(inside.node);
      tell(inside.path, inside.node);
    }
  }

  async statistics(): Promise<DiffStatistics> {
    const [onlyBefore, onlyAfter] = [this.#before.blobs, this.#after.blobs];
    const isDone = () => onlyBefore.size === 0 && onlyAfter.size === 0;
    const drop = (type: 'data' | 'tree', id: BlobId) => {
      onlyBefore.delete(type, id);
      onlyAfter.delete(type, id);
    };
    for (const row of onlyBefore.rows()) {
      const [type, id] = [this.#index.typeAt(row), this.#index.idAt(row)];
      if (onlyAfter.has(type, id)) drop(type, id);
    }
    // What lies in a folder that did not change is in both, wherever else it came or went.
    for (const tree of this.#commonTrees) {
      if (isDone()) break;
      drop('tree', tree);
      const inside = walkTree(this.#reader, tree, {
        signal: this.#signal,
        enter: ({ node }) => node.subtree !== undefined && this.#common.add('tree', node.subtree),
      });
      for await (const { node } of inside) {
        for (const id of node.content ?? []) drop('data', id);
        if (node.subtree) drop('tree', node.subtree);
      }
    }
    return {
      added: this.#count(this.#after),
      removed: this.#count(this.#before),
      filesModified: this.#filesModified,
    };
  }

  #count({ counts, blobs }: Side): ChangedCounts {
    const { dataBlobs, treeBlobs, bytes, bytesStored } = sizeOfBlobs(this.#index, blobs);
    return { ...counts, dataBlobs, treeBlobs, bytes, bytesStored };
  }
}

function addContent(blobs: BlobSet, node: TreeNode): void {
  for (const id of node.content ?? []) blobs.add('data', id);
}

/** Nodes of two folders by name; both are sorted by the bytes of names, or are sorted here. */
function* pairs(
  before: readonly TreeNode[],
  after: readonly TreeNode[],
): Generator<readonly [TreeNode | undefined, TreeNode | undefined], void, undefined> {
  const names = new Map<string, [TreeNode | undefined, TreeNode | undefined]>();
  for (const node of before) names.set(node.name, [node, undefined]);
  for (const node of after) names.set(node.name, [names.get(node.name)?.[0], node]);
  const sorted = [...names.keys()].map((name) => ({ name, key: nameBytes(name) }));
  sorted.sort((a, b) => Buffer.compare(a.key, b.key));
  for (const { name } of sorted) yield names.get(name) as [TreeNode, TreeNode];
}

/** Apart from when it was last read. */
function hasOtherMetadata(before: TreeNode, after: TreeNode): boolean {
  return metadata(before) !== metadata(after);
}

function metadata(node: TreeNode): string {
  const { name: _, content: _content, subtree: _subtree, atimeNs: _atime, ...rest } = node;
  return JSON.stringify(rest, (_key, value) => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  });
}
