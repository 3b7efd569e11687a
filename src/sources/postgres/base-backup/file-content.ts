import { crc32cPart } from '../../../wal/index.ts';
import type { SavedPiece } from './piece.ts';

const idBytes = 32;

/** What one file of the snapshot consists of. Its pieces are saved by several threads, and come back in any order. */
export class FileContent {
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
  /** The raw ids of its chunks, one behind the other. Whole once all pieces are saved. */
  readonly ids: Uint8Array;
  #checksum = 0;

  constructor(sizeBytes: number, chunkSizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.chunkSizeBytes = chunkSizeBytes;
    this.ids = new Uint8Array(Math.ceil(sizeBytes / chunkSizeBytes) * idBytes);
  }

  /** A piece begins where a chunk does. */
  add(position: number, piece: SavedPiece): void {
    this.ids.set(piece.ids, (position / this.chunkSizeBytes) * idBytes);
    const bytesAfter = this.sizeBytes - position - piece.lengthBytes;
    this.#checksum ^= crc32cPart(piece.crc32c, bytesAfter);
  }

  /** CRC-32C as a manifest writes it: the bytes of the number as they lie in the memory of the server. */
  get crc32c(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(this.#checksum);
    return bytes.toString('hex');
  }
}
