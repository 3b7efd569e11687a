import { assert } from '../../core/index.ts';
import type { BlobId } from '../repository.ts';
import { type ColumnsKernel, columnsKernel, idBytes, placeWords } from './columns-kernel.ts';
import type { IndexedPack, PackedBlob } from './index-file.ts';
import { decodePackHeader } from './pack-header.ts';

/** Packs and their blobs as columns: a fraction of what objects with texts take to make, and to hold. */
export interface IndexColumns {
  readonly packs: readonly ColumnPack[];
  /** 32 bytes a blob, pack after pack. */
  readonly ids: Uint8Array;
  /** Four words a blob: 1 for a tree, offset, length, uncompressed length. */
  readonly places: Uint32Array;
}

export interface ColumnPack {
  readonly name: string;
  /** Its first blob among all. */
  readonly firstRow: number;
}

/** One pack after the other, as objects that only whoever takes them keeps. */
export function* packsIn({ packs, ids, places }: IndexColumns): Generator<IndexedPack> {
  const bytes = Buffer.from(ids.buffer, ids.byteOffset, ids.length);
  const rows = places.length / placeWords;
  for (const [number, { name, firstRow }] of packs.entries()) {
    const end = packs[number + 1]?.firstRow ?? rows;
    const blobs: PackedBlob[] = [];
    for (let row = firstRow; row < end; row++) {
      const at = row * placeWords;
      blobs.push({
        id: bytes.toString('hex', row * idBytes, (row + 1) * idBytes) as BlobId,
        type: places[at] === 1 ? 'tree' : 'data',
        offset: places[at + 1] as number,
        length: places[at + 2] as number,
        uncompressedLength: places[at + 3] as number,
      });
    }
    yield { name, blobs };
  }
}

/** Collects packs as columns. */
export class ColumnsBuilder {
  #packs: ColumnPack[] = [];
  #ids = new Uint8Array(0);
  #places = new Uint32Array(0);
  #rows = 0;

  get blobCount(): number {
    return this.#rows;
  }

  add(pack: IndexedPack): void {
    this.#packs.push({ name: pack.name, firstRow: this.#rows });
    const kernel = columnsKernel();
    if (pack.header === undefined) this.#addBlobs(pack.blobs);
    else if (kernel === undefined) this.#addBlobs(decodePackHeader(pack.header));
    else this.#addHeader(pack.header, kernel);
  }

  /** What was collected; it begins anew. */
  take(): IndexColumns {
    const columns = {
      packs: this.#packs,
      ids: this.#ids.subarray(0, this.#rows * idBytes),
      places: this.#places.subarray(0, this.#rows * placeWords),
    };
    this.#packs = [];
    this.#ids = new Uint8Array(0);
    this.#places = new Uint32Array(0);
    this.#rows = 0;
    return columns;
  }

  #addHeader(header: Uint8Array, kernel: ColumnsKernel): void {
    const { calls } = kernel;
    calls.begin();
    for (let at = 0; at < header.length; ) {
      const piece = header.subarray(at, at + kernel.input.length);
      kernel.give(piece);
      const taken = calls.unpack(piece.length);
      assert(taken > 0, 'a pack of our own has a sound header');
      const count = calls.rowCount();
      this.#makeRoom(count);
      this.#ids.set(kernel.ids.subarray(0, count * idBytes), this.#rows * idBytes);
      this.#places.set(kernel.places.subarray(0, count * placeWords), this.#rows * placeWords);
      this.#rows += count;
      at += taken;
    }
  }

  #addBlobs(blobs: readonly PackedBlob[]): void {
    this.#makeRoom(blobs.length);
    for (const { id, type, offset, length, uncompressedLength } of blobs) {
      const row = this.#rows++;
      Buffer.from(this.#ids.buffer, row * idBytes, idBytes).write(id, 'hex');
      this.#places.set([type === 'tree' ? 1 : 0, offset, length, uncompressedLength], row * 4);
    }
  }

  #makeRoom(count: number): void {
    const wanted = this.#rows + count;
    if (wanted * idBytes <= this.#ids.length) return;
    const rows = Math.max(wanted, 1024, Math.ceil(this.#rows * 1.5));
    const [ids, places] = [new Uint8Array(rows * idBytes), new Uint32Array(rows * placeWords)];
    ids.set(this.#ids);
    places.set(this.#places);
    this.#ids = ids;
    this.#places = places;
  }
}
