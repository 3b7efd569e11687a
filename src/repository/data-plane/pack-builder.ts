import { type EnvelopeKey, envelopeOverhead, openView, sealInto } from '../crypto/envelope.ts';
import type { IndexedPack, PackedBlob } from '../format/index-file.ts';
import { encodePackHeader, headerEntryBytes, packTrailerBytes } from '../format/pack-header.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { compressBlob, verifyReadBack } from './blob-codec.ts';
import type { PackTarget } from './pack-target.ts';

/** restic's default. */
const packTargetBytes = 16 * 1024 * 1024;
/** Keeps the header small when blobs are tiny. */
const maxBlobs = 10_000;

export interface FinishedPack<Content> extends IndexedPack {
  readonly content: Content;
  readonly sizeBytes: number;
}

/** One pack being filled with blobs of one type. */
export class PackBuilder<Content> {
  readonly #key: EnvelopeKey;
  readonly #type: BlobType;
  readonly #target: PackTarget<Content>;
  readonly #blobs: PackedBlob[] = [];
  #used = 0;
  #headerBytes = envelopeOverhead + packTrailerBytes;

  constructor(key: EnvelopeKey, type: BlobType, target: PackTarget<Content>) {
    this.#key = key;
    this.#type = type;
    this.#target = target;
  }

  get isEmpty(): boolean {
    return this.#blobs.length === 0;
  }

  get isFull(): boolean {
    return this.#used >= packTargetBytes || this.#blobs.length >= maxBlobs;
  }

  fits(prepared: PreparedBlob): boolean {
    const more = prepared.stored.length + envelopeOverhead + headerEntryBytes(true);
    return this.#used + this.#headerBytes + more <= this.#target.capacityBytes;
  }

  /** Seals, reads back what goes into the pack, and compares. The caller has asked `fits`. */
  add(prepared: PreparedBlob): void {
    const { id, plain, stored, isProven } = prepared;
    const uncompressedLength = stored === plain ? 0 : plain.length;
    const [offset, length] = [this.#used, stored.length + envelopeOverhead];
    const sealed = this.#target.next(length);
    sealInto(this.#key, stored, sealed);
    const back = openView(this.#key, sealed);
    // What was decompressed and compared before need only be decrypted and compared.
    if (isProven) verifyReadBack(back, 0, stored);
    else verifyReadBack(back, uncompressedLength, plain);
    this.#blobs.push({ id, type: this.#type, offset, length, uncompressedLength });
    this.#used += length;
    this.#headerBytes += headerEntryBytes(uncompressedLength !== 0);
  }

  finish(): FinishedPack<Content> {
    const header = encodePackHeader(this.#blobs);
    const tail = this.#target.next(header.length + envelopeOverhead + packTrailerBytes);
    sealInto(this.#key, header, tail);
    new DataView(tail.buffer, tail.byteOffset, tail.byteLength).setUint32(
      tail.length - packTrailerBytes,
      header.length + envelopeOverhead,
      true,
    );
    const sizeBytes = this.#used + tail.length;
    return { ...this.#target.finish(), blobs: this.#blobs, sizeBytes };
  }

  discard(): void {
    this.#target.discard();
  }
}

export interface PreparedBlob {
  readonly id: BlobId;
  readonly plain: Uint8Array;
  /** Compressed, or `plain` itself. */
  readonly stored: Uint8Array;
  /** `stored` was decompressed and compared with the id already. */
  readonly isProven?: boolean;
}

export function prepareBlob(
  type: BlobType,
  id: BlobId,
  plain: Uint8Array,
  isFast = false,
): PreparedBlob {
  return { id, plain, stored: compressBlob(type, plain, isFast) };
}

/** A buffer for a pack: of the usual size, or as large as this blob needs. */
export function packBufferBytes(prepared: PreparedBlob): number {
  const usual = packTargetBytes + 2 * 1024 * 1024;
  return Math.max(usual, prepared.stored.length + 4096);
}
