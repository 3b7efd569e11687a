import type { BlobId, Snapshot, TreeNode } from '../repository.ts';
import type { Glob } from './glob.ts';
import { type TreeReader, type WalkedNode, walkTree } from './walk-tree.ts';

export interface NodeTest {
  /** True when where a node is cannot matter: a folder in which nothing was found is then never read again. */
  readonly isPlaceless: boolean;
  test(walked: WalkedNode): boolean;
}

/** Enough for some million folders in tens of MiB; beyond it folders are read again. */
const maxRemembered = 500_000;

/** Finds nodes in one snapshot after another; folders that several have in common are read once where the test allows it. */
export class NodeFinder {
  readonly #reader: TreeReader;
  readonly #test: NodeTest;
  readonly #signal: AbortSignal | undefined;
  /** Whole folders (with all below) without a match. */
  readonly #barren = new Set<BlobId>();

  constructor(reader: TreeReader, test: NodeTest, signal?: AbortSignal) {
    this.#reader = reader;
    this.#test = test;
    this.#signal = signal;
  }

  async *find(snapshot: Pick<Snapshot, 'tree'>): AsyncGenerator<WalkedNode, void, undefined> {
    const { isPlaceless } = this.#test;
    const open: { readonly path: string; readonly tree: BlobId; hasMatch: boolean }[] = [
      { path: '', tree: snapshot.tree, hasMatch: false },
    ];
    if (this.#barren.has(snapshot.tree)) return;
    const close = (path: string) => {
      // Everything that is not above `path` has been walked to its end.
      for (let top = open.at(-1); top && !path.startsWith(`${top.path}/`); top = open.at(-1)) {
        open.pop();
        const parent = open.at(-1);
        if (top.hasMatch && parent) parent.hasMatch = true;
        if (!top.hasMatch && isPlaceless) this.#remember(top.tree);
      }
    };
    const walk = walkTree(this.#reader, snapshot.tree, {
      signal: this.#signal,
      enter: ({ path, node }) => {
        if (this.#barren.has(node.subtree as BlobId)) return false;
        open.push({ path, tree: node.subtree as BlobId, hasMatch: false });
        return true;
      },
    });
    for await (const walked of walk) {
      close(walked.path);
      if (!this.#test.test(walked)) continue;
      const folder = open.at(-1);
      if (folder) folder.hasMatch = true;
      yield walked;
    }
    close('');
  }

  #remember(tree: BlobId): void {
    if (this.#barren.size < maxRemembered) this.#barren.add(tree);
  }
}

/** By name or path, and by when the content was last modified. */
export function matching(
  globs: readonly Glob[],
  { oldest, newest }: { readonly oldest?: Date | undefined; readonly newest?: Date | undefined },
): NodeTest {
  const from = oldest && BigInt(oldest.getTime()) * 1_000_000n;
  const to = newest && BigInt(newest.getTime()) * 1_000_000n;
  return {
    isPlaceless: globs.every((glob) => glob.isNameOnly),
    test: ({ path, node }) =>
      globs.some((glob) => glob.matches(path, node.name)) &&
      (from === undefined || node.mtimeNs >= from) &&
      (to === undefined || node.mtimeNs <= to),
  };
}

/** By what they refer to: `blobs` in their content, `trees` as what is in them. */
export function referringTo(wanted: {
  readonly blobs: ReadonlySet<string>;
  readonly trees: ReadonlySet<string>;
}): NodeTest {
  const refers = ({ content = [], subtree }: TreeNode) =>
    (subtree !== undefined && wanted.trees.has(subtree)) ||
    (wanted.blobs.size > 0 && content.some((id) => wanted.blobs.has(id)));
  return { isPlaceless: true, test: ({ node }) => refers(node) };
}
