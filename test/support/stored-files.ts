import { createHash } from 'node:crypto';
import type { BlobId, Repository, SnapshotId } from '../../src/repository/index.ts';

/** Backs up files of a flat folder, each as blobs of at most 100 KB, in one snapshot. */
export async function storeFiles(
  repository: Repository,
  files: Readonly<Record<string, Uint8Array>>,
  tags: readonly string[] = [],
): Promise<SnapshotId> {
  await using writer = await repository.startBackup();
  const nodes = [];
  let bytesTotal = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const content: BlobId[] = [];
    for (let at = 0; at < bytes.length; at += 100_000) {
      // Copied: what is saved is given away.
      const part = new Uint8Array(bytes.subarray(at, at + 100_000));
      content.push((await writer.saveData(part)).id);
    }
    bytesTotal += bytes.length;
    const file = { name, type: 'file' as const, mode: 0o644, mtimeNs: 1n, uid: 0, gid: 0 };
    nodes.push({ ...file, content, sizeBytes: bytes.length });
  }
  const folder = { type: 'dir' as const, mode: 0o755, mtimeNs: 1n, uid: 0, gid: 0 };
  const subtree = await writer.saveTree(nodes);
  const tree = await writer.saveTree([{ ...folder, name: 'folder', subtree }]);
  const paths = ['/folder'];
  const filesTotal = nodes.length;
  const time = new Date();
  return await writer.publishSnapshot({ time, tree, paths, tags, filesTotal, bytesTotal });
}

/** SHA-256 of every file of such a snapshot, read back and verified on the way. */
export async function hashesOf(
  repository: Repository,
  id: string,
): Promise<Readonly<Record<string, string>>> {
  const { tree } = await repository.findSnapshot(id);
  const folder = await repository.findNode(tree, 'folder');
  const hashes: Record<string, string> = {};
  for (const node of await repository.readTree(folder?.subtree as BlobId)) {
    const hash = createHash('sha256');
    for await (const bytes of repository.readFileContent(node.content ?? [])) hash.update(bytes);
    hashes[node.name] = hash.digest('hex');
  }
  return hashes;
}

export function hashesWanted(files: Readonly<Record<string, Uint8Array>>) {
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [
      name,
      createHash('sha256').update(bytes).digest('hex'),
    ]),
  );
}
