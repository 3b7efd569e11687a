import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { BlobId, BlobType } from '../repository.ts';
import {
  type FinishedPack,
  PackBuilder,
  type PreparedBlob,
  packBufferBytes,
  prepareBlob,
} from './pack-builder.ts';
import { MemoryPackTarget, type PackTarget } from './pack-target.ts';

/** Makes room for a new pack, which begins with the blob. */
export type NewPackTarget<Content> = (first: PreparedBlob) => PackTarget<Content>;

/** The open packs of one backup in one worker, one per blob type. */
export class PackSession<Content> {
  readonly #key: EnvelopeKey;
  readonly #newTarget: NewPackTarget<Content>;
  readonly #onPack: (pack: FinishedPack<Content>) => void;
  readonly #open = new Map<BlobType, PackBuilder<Content>>();

  constructor(
    key: EnvelopeKey,
    newTarget: NewPackTarget<Content>,
    onPack: (pack: FinishedPack<Content>) => void,
  ) {
    this.#key = key;
    this.#newTarget = newTarget;
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
      builder = new PackBuilder(this.#key, type, this.#newTarget(prepared));
      this.#open.set(type, builder);
    }
    builder.add(prepared);
    if (builder.isFull) this.#finish(type, builder);
  }

  flush(): void {
    for (const [type, builder] of this.#open) this.#finish(type, builder);
  }

  /** Whatever is open will be no pack. */
  discard(): void {
    for (const builder of this.#open.values()) builder.discard();
    this.#open.clear();
  }

  #finish(type: BlobType, builder: PackBuilder<Content>): void {
    this.#open.delete(type);
    if (!builder.isEmpty) this.#onPack(builder.finish());
  }
}

/** Packs in memory. `buffers` are spare ones: they are taken from, and never put back. */
export function inMemory(buffers: ArrayBuffer[]): NewPackTarget<Uint8Array<ArrayBuffer>> {
  return (first) => {
    const wantedBytes = packBufferBytes(first);
    const spare = buffers.pop();
    const fits = spare !== undefined && spare.byteLength >= wantedBytes;
    return new MemoryPackTarget(fits ? new Uint8Array(spare) : new Uint8Array(wantedBytes));
  };
}
