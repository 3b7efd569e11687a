import { type BigIntStats, lstatSync } from 'node:fs';
import type { BlobId, BlobSink } from '../../../repository/thread.ts';
import { systemPath } from './byte-path.ts';
import type { EntryNodes } from './entry-node.ts';
import { type Hole, type TreeText, wholeTree } from './tree-text.ts';

/** A folder that is not finished. */
export interface PartialFolder {
  readonly path: string;
  readonly text: TreeText;
  /** How it stands in the folder before it in the list; undefined where it is no part of that. */
  readonly inParent: { readonly hole: Hole; readonly head: string } | undefined;
}

/**
 * Trees from the root with what is saved so far of folders that are not finished: for each that others have part in (the
 * outermost, and those taken over from other workers) one.
 */
export function savePartialTrees(
  folders: readonly PartialFolder[],
  sink: BlobSink,
  nodes: EntryNodes,
): readonly BlobId[] {
  const trees: BlobId[] = [];
  let standIn: { hole: Hole; node: string } | undefined;
  for (const { path, text, inParent } of folders.toReversed()) {
    const partial = text.nodes(standIn);
    standIn = undefined;
    // What is empty helps nobody.
    if (partial.length === 0) continue;
    const { id } = sink.save('tree', wholeTree(partial));
    if (inParent !== undefined) {
      standIn = { hole: inParent.hole, node: folderNode(inParent.head, id) };
      continue;
    }
    const tree = fromRoot(path, id, sink, nodes);
    if (tree !== undefined) trees.push(tree);
  }
  return trees;
}

/** Undefined when a folder on the way has gone, or cannot be reached. */
function fromRoot(
  path: string,
  tree: BlobId,
  sink: BlobSink,
  nodes: EntryNodes,
): BlobId | undefined {
  let id = tree;
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const facts = factsOf(at);
    if (facts === undefined) return undefined;
    const head = nodes.head(at.slice(at.lastIndexOf('/') + 1), 'dir', facts, 0n);
    id = sink.save('tree', wholeTree(Buffer.from(folderNode(head, id), 'latin1'))).id;
  }
  return id;
}

/** A checkpoint is about all of the backup: a folder that was exchanged or unmounted must not end it. */
function factsOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(systemPath(path), { bigint: true });
  } catch {
    return undefined;
  }
}

/** With a comma behind it. */
export function folderNode(head: string, tree: BlobId): string {
  return `${head},"content":null,"subtree":"${tree}"},`;
}
