import type { BlobPlace } from '../index/blob-index.ts';
import type { BlobId } from '../repository.ts';

/** A wanted blob, with the number it is wanted under. */
export interface PlacedBlob {
  readonly number: number;
  readonly id: BlobId;
  readonly place: BlobPlace;
}

/** Part of a pack that is read at once. */
export interface PackRange {
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly blobs: readonly PlacedBlob[];
}

/** Programs write blobs of 8 MiB at most; what claims far more is meant to exhaust memory. */
export const maxBlobBytes = 512 * 1024 * 1024;
const maxRangeBytes = 4 * 1024 * 1024;
/** Reading on through what is not wanted is cheaper than another request. */
const maxGapBytes = 64 * 1024;

/** The ranges to read, pack by pack, each from its beginning to its end. */
export function* planRanges(placed: readonly PlacedBlob[]): Generator<PackRange> {
  const sorted = placed.toSorted((a, b) =>
    a.place.pack === b.place.pack
      ? a.place.offset - b.place.offset
      : a.place.pack < b.place.pack
        ? -1
        : 1,
  );
  let range: { pack: string; offset: number; length: number; blobs: PlacedBlob[] } | undefined;
  for (const blob of sorted) {
    const { pack, offset, length } = blob.place;
    if (range !== undefined && range.pack === pack) {
      const gap = offset - (range.offset + range.length);
      const wholeLength = Math.max(range.length, offset + length - range.offset);
      if (gap <= maxGapBytes && wholeLength <= maxRangeBytes) {
        range.length = wholeLength;
        range.blobs.push(blob);
        continue;
      }
    }
    if (range !== undefined) yield range;
    range = { pack, offset, length, blobs: [blob] };
  }
  if (range !== undefined) yield range;
}
