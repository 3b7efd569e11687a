import type { IndexedPack, PackedBlob } from '../format/index-file.ts';
import { decodePackHeader } from '../format/pack-header.ts';

/** A pack that waits for its index file, as the bytes of its header: 41 bytes a blob. */
export class CompactPack implements IndexedPack {
  readonly name: string;
  readonly header: Uint8Array;

  /** `header` is plain. */
  constructor(name: string, header: Uint8Array) {
    this.name = name;
    this.header = header;
  }

  /** Made anew each time. */
  get blobs(): readonly PackedBlob[] {
    return decodePackHeader(this.header);
  }
}
