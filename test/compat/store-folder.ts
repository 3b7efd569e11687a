import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BackupWriter,
  type BlobId,
  nameFromBytes,
  type Repository,
  type SnapshotId,
  type TreeNode,
} from '../../src/repository/index.ts';

/** Stores a folder as restic would: absolute path, every node with its metadata. Content is cut every 256 KiB. */
export async function storeFolder(
  repository: Repository,
  folder: string,
  tags: readonly string[] = [],
): Promise<SnapshotId> {
  await using writer = await repository.startBackup();
  let tree = await storeTree(writer, folder);
  let path = folder;
  for (const name of folder.split('/').slice(1).reverse()) {
    const node = nodeOf(name, lstatSync(path, { bigint: true }));
    tree = await writer.saveTree([{ ...node, type: 'dir', subtree: tree }]);
    path = join(path, '..');
  }
  const snapshot = { time: new Date(), tree, paths: [folder], tags, filesTotal: 1, bytesTotal: 1 };
  return await writer.publishSnapshot(snapshot);
}

async function storeTree(writer: BackupWriter, folder: string): Promise<BlobId> {
  const nodes: TreeNode[] = [];
  for (const rawName of readdirSync(folder, { encoding: 'buffer' })) {
    const path = Buffer.concat([Buffer.from(`${folder}/`), rawName]);
    const stat = lstatSync(path, { bigint: true });
    const node = nodeOf(nameFromBytes(rawName), stat);
    if (stat.isDirectory()) {
      const subtree = await storeTree(writer, path.toString());
      nodes.push({ ...node, type: 'dir', subtree });
    } else if (stat.isSymbolicLink()) {
      const target = readlinkSync(path, { encoding: 'buffer' });
      nodes.push({ ...node, type: 'symlink', linkTarget: nameFromBytes(target) });
    } else {
      const sizeBytes = Number(stat.size);
      nodes.push({ ...node, sizeBytes, content: await storeContent(writer, readFileSync(path)) });
    }
  }
  return await writer.saveTree(nodes);
}

async function storeContent(writer: BackupWriter, bytes: Uint8Array): Promise<BlobId[]> {
  const saves: Promise<{ readonly id: BlobId }>[] = [];
  for (let at = 0; at < bytes.length; at += 256 * 1024) {
    saves.push(writer.saveData(bytes.slice(at, at + 256 * 1024)));
  }
  return (await Promise.all(saves)).map(({ id }) => id);
}

function nodeOf(name: string, stat: BigIntStats): TreeNode {
  return {
    name,
    type: 'file',
    mode: Number(stat.mode & 0o7777n),
    mtimeNs: stat.mtimeNs,
    atimeNs: stat.atimeNs,
    ctimeNs: stat.ctimeNs,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    user: 'root',
    group: 'root',
    inode: stat.ino,
    deviceId: stat.dev,
    links: 1,
  };
}
