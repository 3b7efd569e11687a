import type { PackedBlob } from '../format/index-file.ts';
import type { ByteRange } from '../location/location.ts';

/** Reading on through what is not wanted is cheaper than another request. */
const maxGapBytes = 128 * 1024;
const maxPieceBytes = 4 * 1024 * 1024;

/** A range of a pack and the blobs in it that are wanted. */
export interface StoredPiece {
  readonly range: ByteRange;
  readonly blobs: readonly PackedBlob[];
}

/** What to read of a pack, in its order, so that the wanted blobs come with few requests and little that is not wanted. */
export function planPieces(blobs: readonly PackedBlob[]): readonly StoredPiece[] {
  const pieces: { range: { offset: number; length: number }; blobs: PackedBlob[] }[] = [];
  for (const blob of blobs.toSorted((a, b) => a.offset - b.offset)) {
    const last = pieces.at(-1);
    const end = last === undefined ? 0 : last.range.offset + last.range.length;
    const lengthWith = blob.offset + blob.length - (last?.range.offset ?? 0);
    if (last === undefined || blob.offset - end > maxGapBytes || lengthWith > maxPieceBytes) {
      pieces.push({ range: { offset: blob.offset, length: blob.length }, blobs: [blob] });
    } else {
      last.range.length = Math.max(last.range.length, lengthWith);
      last.blobs.push(blob);
    }
  }
  return pieces;
}
