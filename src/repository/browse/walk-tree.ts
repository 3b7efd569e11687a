import { throwIfAborted } from '../../core/index.ts';
import type { BlobId, Repository, TreeNode } from '../repository.ts';

export type TreeReader = Pick<Repository, 'readTree'>;

export interface WalkedNode {
  /** From the root of the snapshot: `/srv/www/index.html`. */
  readonly path: string;
  readonly node: TreeNode;
}

export interface WalkOptions {
  /** The path of the tree itself; default the root. */
  readonly under?: string;
  readonly signal?: AbortSignal | undefined;
  /** Whether to go into a folder; default into all. */
  readonly enter?: (folder: WalkedNode) => boolean;
}

/** So many folders are being read while one is looked at: a request takes long, a tree is small. */
const ahead = 8;

interface Folder {
  readonly path: string;
  readonly nodes: readonly TreeNode[];
  at: number;
  /** By the number of the node. */
  readonly reading: Map<number, Promise<readonly TreeNode[]>>;
}

/**
 * Every node below a tree, a folder before what is in it, in the order of the bytes of names. In memory are the folders from
 * the root down to where it is, and a few ahead.
 */
export async function* walkTree(
  reader: TreeReader,
  tree: BlobId,
  options: WalkOptions = {},
): AsyncGenerator<WalkedNode, void, undefined> {
  const { under = '', signal, enter = () => true } = options;
  const root = under === '/' ? '' : under.replace(/\/+$/, '');
  const stack: Folder[] = [open(root, await reader.readTree(tree, signal))];
  for (let folder = stack.at(-1); folder !== undefined; folder = stack.at(-1)) {
    const at = folder.at++;
    const node = folder.nodes[at];
    if (node === undefined) {
      stack.pop();
      continue;
    }
    const walked = { path: `${folder.path}/${node.name}`, node };
    yield walked;
    throwIfAborted(signal);
    if (node.subtree === undefined || !enter(walked)) continue;
    stack.push(open(walked.path, await readAhead(reader, folder, at, signal)));
  }
}

function open(path: string, nodes: readonly TreeNode[]): Folder {
  return { path, nodes, at: 0, reading: new Map() };
}

/** The folder of node `at`, while its next siblings are being asked for. */
function readAhead(
  reader: TreeReader,
  folder: Folder,
  at: number,
  signal: AbortSignal | undefined,
): Promise<readonly TreeNode[]> {
  for (const number of folder.reading.keys()) if (number < at) folder.reading.delete(number);
  for (let next = at; folder.reading.size < ahead && next < folder.nodes.length; next++) {
    const subtree = folder.nodes[next]?.subtree;
    if (subtree === undefined || folder.reading.has(next)) continue;
    const reading = reader.readTree(subtree, signal);
    // It may fail before its turn, or never be waited for.
    reading.catch(() => {});
    folder.reading.set(next, reading);
  }
  const reading =
    folder.reading.get(at) ?? reader.readTree(folder.nodes[at]?.subtree as BlobId, signal);
  folder.reading.delete(at);
  return reading;
}
