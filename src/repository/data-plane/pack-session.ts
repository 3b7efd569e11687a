import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { BlobId, BlobType } from '../repository.ts';
import {
  type FinishedPack,
  PackBuilder,
  type PreparedBlob,
  packBufferBytes,
  prepareBlob,
} from './pack-builder.ts';

/** The open packs of one backup in one worker, one per blob type. */
export class PackSession {
  readonly #key: EnvelopeKey;
  readonly #buffers: ArrayBuffer[];
  readonly #onPack: (pack: FinishedPack) => void;
  readonly #open = new Map<BlobType, PackBuilder>();

  /** `buffers` are spare ones; the session takes from them and never puts back. */
  constructor(key: EnvelopeKey, buffers: ArrayBuffer[], onPack: (pack: FinishedPack) => void) {
    this.#key = key;
    this.#buffers = buffers;
    this.#onPack = onPack;
  }

  add(type: BlobType, id: BlobId, plain: Uint8Array): void {
    this.addPrepared(type, prepareBlob(type, id, plain));
  }

  addPrepared(type: BlobType, prepared: PreparedBlob): void {
    let builder = this.#open.get(type);
    if (builder !== undefined && !builder.fits(prepared)) {
      this.#finish(type, builder);
      builder = undefined;
    }
    if (builder === undefined) {
      builder = new PackBuilder(this.#key, type, this.#buffer(prepared));
      this.#open.set(type, builder);
    }
    builder.add(prepared);
    if (builder.isFull) this.#finish(type, builder);
  }

  flush(): void {
    for (const [type, builder] of this.#open) this.#finish(type, builder);
  }

  #finish(type: BlobType, builder: PackBuilder): void {
    this.#open.delete(type);
    if (!builder.isEmpty) this.#onPack(builder.finish());
  }

  #buffer(prepared: PreparedBlob): Uint8Array<ArrayBuffer> {
    const wantedBytes = packBufferBytes(prepared);
    const spare = this.#buffers.pop();
    if (spare !== undefined && spare.byteLength >= wantedBytes) return new Uint8Array(spare);
    return new Uint8Array(wantedBytes);
  }
}
