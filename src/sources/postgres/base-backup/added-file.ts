import type { BlobId } from '../../../repository/index.ts';
import type { ChunkSaver } from './chunk-saver.ts';
import type { EntryOwner, SnapshotTree } from './snapshot-tree.ts';

const pieceBytes = 1024 * 1024;

/** Puts a file that did not stream past into the snapshot, mode 0600. Its bytes are copied. */
export function addFile(
  tree: SnapshotTree,
  saver: ChunkSaver,
  path: string,
  bytes: Uint8Array,
  owner: EntryOwner,
): void {
  const content: BlobId[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const index = at / pieceBytes;
    saver.save(new Uint8Array(bytes.subarray(at, at + pieceBytes)), (id) => {
      content[index] = id;
    });
  }
  tree.addFile(path, { mode: 0o600, ...owner, sizeBytes: bytes.length, content });
}
