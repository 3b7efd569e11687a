/** A reference of a record to one block of a relation. Reused: valid until the reader moves on. */
export class WalBlock {
  id = 0;
  /** 0 main, 1 free space map, 2 visibility map, 3 init. */
  fork = 0;
  tablespace = 0;
  database = 0;
  /** The filenode, not the table's OID. */
  relation = 0;
  blockNumber = 0;
  /** The block is new: replay does not read its old content. */
  willInit = false;
  /** The record carries a full-page image of the block. */
  hasImage = false;
  /** Replay puts the image in place (else it is there only to be compared). */
  appliesImage = false;
  imageCompression: ImageCompression = 'none';
  /** Where the image's bytes lie in `record.bytes`. */
  imageOffset = 0;
  imageBytes = 0;
  /** The zeroes that were cut out of the page, and that are missing from the image. */
  holeOffset = 0;
  holeBytes = 0;
  /** Where the block's own data lies in `record.bytes`. */
  dataOffset = 0;
  dataBytes = 0;
}

export type ImageCompression = 'none' | 'pglz' | 'lz4' | 'zstd';

/** bimg_info, which was renumbered in 15. The bit for a hole is 1 in all. */
export function decodeImageInfo(block: WalBlock, info: number, before15: boolean): void {
  if (before15) {
    block.imageCompression = info & 2 ? 'pglz' : 'none';
    block.appliesImage = (info & 4) !== 0;
    return;
  }
  block.appliesImage = (info & 2) !== 0;
  block.imageCompression = info & 4 ? 'pglz' : info & 8 ? 'lz4' : info & 16 ? 'zstd' : 'none';
}
