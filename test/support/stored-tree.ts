import { randomBytes } from 'node:crypto';
import type {
  BackupWriter,
  BlobId,
  Repository,
  Snapshot,
  TreeNode,
} from '../../src/repository/index.ts';

type Made = Partial<TreeNode> & { readonly name: string };

/** A node of a tree, with what is not given filled in. */
export function fileNode(node: Made): TreeNode {
  return {
    type: 'file',
    mode: 0o644,
    mtimeNs: 1n,
    uid: own.uid,
    gid: own.gid,
    content: [],
    ...node,
  };
}

export function folderNode(name: string, subtree: BlobId, node: Partial<TreeNode> = {}): TreeNode {
  return {
    name,
    type: 'dir',
    mode: 0o755,
    mtimeNs: 2n,
    uid: own.uid,
    gid: own.gid,
    subtree,
    ...node,
  };
}

export function linkNode(name: string, linkTarget: string): TreeNode {
  return {
    name,
    type: 'symlink',
    mode: 0o777,
    mtimeNs: 3n,
    uid: own.uid,
    gid: own.gid,
    linkTarget,
  };
}

const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Stores a snapshot whose root tree `build` makes, whatever it is. */
export async function storeTree(
  repository: Repository,
  build: (writer: BackupWriter) => Promise<readonly TreeNode[]>,
  tags: readonly string[] = [],
): Promise<Snapshot> {
  await using writer = await repository.startBackup();
  const tree = await writer.saveTree(await build(writer));
  const id = await writer.publishSnapshot({
    time: new Date(),
    tree,
    paths: ['/'],
    tags,
    filesTotal: 0,
    bytesTotal: 0,
  });
  return await repository.findSnapshot(id);
}

/** Saves bytes as one blob; the content of a node. */
export async function saved(writer: BackupWriter, bytes: string | Uint8Array): Promise<BlobId[]> {
  const { id } = await writer.saveData(new Uint8Array(Buffer.from(bytes as string)));
  return [id];
}

export async function savedRandom(writer: BackupWriter, bytes: number): Promise<BlobId[]> {
  return await saved(writer, randomBytes(bytes));
}
