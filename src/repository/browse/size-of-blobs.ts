import { envelopeOverhead } from '../crypto/envelope.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobSet } from './blob-set.ts';

export interface BlobTotals {
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Before compression. */
  readonly bytes: number;
  /** As stored, sealed. */
  readonly bytesStored: number;
  /** Of those blobs that are stored compressed: before and after. */
  readonly bytesBeforeCompression: number;
  readonly bytesAfterCompression: number;
}

export function sizeOfBlobs(index: BlobIndex, blobs: BlobSet): BlobTotals {
  const totals = {
    dataBlobs: 0,
    treeBlobs: 0,
    bytes: 0,
    bytesStored: 0,
    bytesBeforeCompression: 0,
    bytesAfterCompression: 0,
  };
  for (const row of blobs.rows()) {
    const { length, uncompressedLength } = index.placeAt(row);
    totals[index.typeAt(row) === 'tree' ? 'treeBlobs' : 'dataBlobs']++;
    totals.bytes += uncompressedLength || length - envelopeOverhead;
    totals.bytesStored += length;
    if (uncompressedLength === 0) continue;
    totals.bytesBeforeCompression += uncompressedLength;
    totals.bytesAfterCompression += length;
  }
  return totals;
}
