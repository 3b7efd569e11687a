import { LifeboatError } from '../../../core/index.ts';
import type { BlobId, TreeNode } from '../../../repository/index.ts';

/** A stretch of a file that a thread writes at once. */
export interface FilePart {
  readonly path: string;
  /** It is all of the file, which does not exist yet. */
  readonly isWhole: boolean;
  readonly start: number;
  readonly blobs: readonly BlobId[];
  readonly bytes: number;
}

/** What the threads that write parts are started with: who owns what they make. */
export interface PartWriterSetup {
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
}

/** As much as is decoded between two looks at whether to go on. */
export const partBytes = 8 * 1024 * 1024;

/** Errors: `repository.damaged` when the content is not as long as the file. */
export function cutFile(
  path: string,
  node: TreeNode,
  lengthOf: (id: BlobId) => number,
): readonly FilePart[] {
  const cuts: { start: number; blobs: BlobId[]; bytes: number }[] = [];
  let size = 0;
  for (const id of node.content ?? []) {
    const length = lengthOf(id);
    let cut = cuts.at(-1);
    if (cut === undefined || cut.bytes + length > partBytes) {
      cut = { start: size, blobs: [], bytes: 0 };
      cuts.push(cut);
    }
    cut.blobs.push(id);
    cut.bytes += length;
    size += length;
  }
  if (size !== (node.sizeBytes ?? size)) throw wrongSize(path, node, size);
  if (cuts.length === 0) cuts.push({ start: 0, blobs: [], bytes: 0 });
  return cuts.map((cut) => ({ path, isWhole: cuts.length === 1, ...cut }));
}

function wrongSize(path: string, node: TreeNode, size: number): LifeboatError {
  return new LifeboatError(
    'repository.damaged',
    `the file ${path} should have ${node.sizeBytes} bytes and has ${size}`,
    { hint: 'Run a check of the repository; restore from another snapshot or copy meanwhile.' },
  );
}
