import { FileContent } from './file-content.ts';
import type { SlabFiller } from './slab-filler.ts';
import type { EntryOwner, SnapshotTree } from './snapshot-tree.ts';

const pieceBytes = 1024 * 1024;

/** Puts a file that did not stream past into the snapshot, mode 0600. Its bytes are copied. */
export function addFile(
  tree: SnapshotTree,
  filler: SlabFiller,
  path: string,
  bytes: Uint8Array,
  owner: EntryOwner,
): FileContent {
  const content = new FileContent(bytes.length, pieceBytes);
  filler.begin({ content, firstBlock: undefined, pageSizeBytes: 1 });
  filler.push(bytes);
  tree.addFile(path, { mode: 0o600, ...owner, content });
  return content;
}
