import type { BitSet } from '../index/bit-set.ts';
import type { BlobIndex } from '../index/blob-index.ts';

/** How much of an indexed pack is needed. A blob that several packs hold is needed in the first of them only. */
export interface PackUse {
  readonly name: string;
  readonly sizeBytes: number;
  usedBlobs: number;
  usedBytes: number;
  holdsData: boolean;
  holdsTrees: boolean;
  /** restic compresses all trees. */
  holdsPlainTrees: boolean;
}

export function packUses(
  index: BlobIndex,
  used: BitSet,
  sizes: ReadonlyMap<string, number>,
): PackUse[] {
  const uses = new Map<string, PackUse>();
  for (const name of index.packNames) {
    uses.set(name, {
      name,
      sizeBytes: sizes.get(name) as number,
      usedBlobs: 0,
      usedBytes: 0,
      holdsData: false,
      holdsTrees: false,
      holdsPlainTrees: false,
    });
  }
  for (let row = 0; row < index.blobCount; row++) {
    const { pack, length, uncompressedLength } = index.placeAt(row);
    const use = uses.get(pack) as PackUse;
    const isTree = index.typeAt(row) === 'tree';
    if (isTree) use.holdsTrees = true;
    else use.holdsData = true;
    if (!used.has(row)) continue;
    if (isTree && uncompressedLength === 0) use.holdsPlainTrees = true;
    use.usedBlobs++;
    use.usedBytes += length;
  }
  return [...uses.values()];
}

/** Of its blobs; the header is not counted. */
export function unusedBytes(use: PackUse): number {
  return Math.max(0, use.sizeBytes - use.usedBytes - headerAllowance(use.usedBlobs));
}

/** What a pack needs besides its blobs, at most. */
function headerAllowance(blobs: number): number {
  return 36 + 41 * blobs;
}
