import type { Repository, SnapshotId, TreeNode } from '../../src/repository/index.ts';

export const sceneStream = '00000001';
export const sceneSegmentBytes = 4096;

/** A snapshot of one folder with these contents. */
export async function storeSnapshot(
  repository: Repository,
  contents: readonly Uint8Array[],
  tags: string | readonly string[] = 'test',
): Promise<SnapshotId> {
  await using writer = await repository.startBackup();
  const saved = await Promise.all(contents.map((each) => writer.saveData(new Uint8Array(each))));
  const facts = { mtimeNs: 1n, uid: 0, gid: 0 };
  const nodes = saved.map(({ id }, nth): TreeNode => {
    return { name: `f${nth}`, type: 'file', mode: 0o644, ...facts, content: [id] };
  });
  const subtree = await writer.saveTree(nodes);
  const tree = await writer.saveTree([{ name: 'd', type: 'dir', mode: 0o755, ...facts, subtree }]);
  return await writer.publishSnapshot({
    time: new Date(),
    tree,
    paths: ['/d'],
    tags: [tags].flat(),
    filesTotal: contents.length,
    bytesTotal: contents.reduce((sum, { length }) => sum + length, 0),
  });
}

/** Segments up to `until`, a part of the next, and a named file. */
export async function storeLog(repository: Repository, until: number, from = 0): Promise<void> {
  const log = repository.log('shop');
  const size = sceneSegmentBytes;
  for (let at = from; at < until; at++) {
    await log.appendSegment(sceneStream, BigInt(at * size), Buffer.alloc(size, at + 1));
  }
  await log.appendPiece(sceneStream, BigInt(until * size), Buffer.alloc(100, until + 1));
  await log.appendFile('00000001.history', Buffer.from('history'));
}
