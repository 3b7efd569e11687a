import type { BlobId } from '../../../repository/index.ts';
import { crc32cOfParts } from '../../../wal/index.ts';
import type { SavedPiece } from './piece.ts';

const idBytes = 32;

/** What one file of the snapshot consists of. Its pieces are saved by several threads, and come back in any order. */
export class FileContent {
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
  /** The raw ids of its chunks, one behind the other. Whole once all pieces are saved. */
  readonly ids: Uint8Array;
  /** CRC-32C of each chunk. */
  readonly sums: Uint32Array;

  constructor(sizeBytes: number, chunkSizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.chunkSizeBytes = chunkSizeBytes;
    this.sums = new Uint32Array(Math.ceil(sizeBytes / chunkSizeBytes));
    this.ids = new Uint8Array(this.sums.length * idBytes);
  }

  /** A piece begins where a chunk does. */
  add(position: number, { ids, sums }: SavedPiece): void {
    const first = position / this.chunkSizeBytes;
    this.ids.set(ids, first * idBytes);
    this.sums.set(sums, first);
  }

  /** A whole chunk that is in the repository already. */
  keep(index: number, id: BlobId, sum: number): void {
    this.ids.set(Buffer.from(id, 'hex'), index * idBytes);
    this.sums[index] = sum;
  }

  /** CRC-32C as a manifest writes it: the bytes of the number as they lie in the memory of the server. */
  get crc32c(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(crc32cOfParts(this.sums, this.chunkSizeBytes, this.sizeBytes));
    return bytes.toString('hex');
  }
}
