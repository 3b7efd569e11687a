import { createHash } from 'node:crypto';
import { type EnvelopeKey, envelopeOverhead, openView, sealInto } from '../crypto/envelope.ts';
import type { IndexedPack, PackedBlob } from '../format/index-file.ts';
import { encodePackHeader, headerEntryBytes, packTrailerBytes } from '../format/pack-header.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { compressBlob, verifyReadBack } from './blob-codec.ts';

/** restic's default. */
const packTargetBytes = 16 * 1024 * 1024;
/** Keeps the header small when blobs are tiny. */
const maxBlobs = 10_000;
/** Hashed while it is in the processor's cache. */
const hashEveryBytes = 128 * 1024;

export interface FinishedPack extends IndexedPack {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One pack being filled with blobs of one type. */
export class PackBuilder {
  readonly #key: EnvelopeKey;
  readonly #type: BlobType;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #hash = createHash('sha256');
  readonly #blobs: PackedBlob[] = [];
  #used = 0;
  #hashed = 0;
  #headerBytes = envelopeOverhead + packTrailerBytes;

  /** `buffer` is used again when it is large enough. */
  constructor(key: EnvelopeKey, type: BlobType, buffer: Uint8Array<ArrayBuffer>) {
    this.#key = key;
    this.#type = type;
    this.#buffer = buffer;
  }

  get isEmpty(): boolean {
    return this.#blobs.length === 0;
  }

  get isFull(): boolean {
    return this.#used >= packTargetBytes || this.#blobs.length >= maxBlobs;
  }

  fits(prepared: PreparedBlob): boolean {
    const more = prepared.stored.length + envelopeOverhead + headerEntryBytes(true);
    return this.#used + this.#headerBytes + more <= this.#buffer.length;
  }

  /** Seals, reads back what is in the pack, and compares. The caller has asked `fits`. */
  add(prepared: PreparedBlob): void {
    const { id, plain, stored, isProven } = prepared;
    const uncompressedLength = stored === plain ? 0 : plain.length;
    const [offset, length] = [this.#used, stored.length + envelopeOverhead];
    const sealed = this.#buffer.subarray(offset, offset + length);
    sealInto(this.#key, stored, sealed);
    const back = openView(this.#key, sealed);
    // What was decompressed and compared before need only be decrypted and compared.
    if (isProven) verifyReadBack(back, 0, stored);
    else verifyReadBack(back, uncompressedLength, plain);
    this.#blobs.push({ id, type: this.#type, offset, length, uncompressedLength });
    this.#used += length;
    this.#headerBytes += headerEntryBytes(uncompressedLength !== 0);
    if (this.#used - this.#hashed >= hashEveryBytes) this.#hashUsed();
  }

  #hashUsed(): void {
    this.#hash.update(this.#buffer.subarray(this.#hashed, this.#used));
    this.#hashed = this.#used;
  }

  finish(): FinishedPack {
    this.#hashUsed();
    const header = encodePackHeader(this.#blobs);
    const end = this.#used + header.length + envelopeOverhead + packTrailerBytes;
    const tail = this.#buffer.subarray(this.#used, end);
    sealInto(this.#key, header, tail);
    new DataView(tail.buffer, tail.byteOffset, tail.byteLength).setUint32(
      tail.length - packTrailerBytes,
      header.length + envelopeOverhead,
      true,
    );
    const name = this.#hash.update(tail).digest('hex');
    return { name, blobs: this.#blobs, bytes: this.#buffer.subarray(0, end) };
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

export function prepareBlob(type: BlobType, id: BlobId, plain: Uint8Array): PreparedBlob {
  return { id, plain, stored: compressBlob(type, plain) };
}

/** A buffer for a pack: of the usual size, or as large as this blob needs. */
export function packBufferBytes(prepared: PreparedBlob): number {
  const usual = packTargetBytes + 2 * 1024 * 1024;
  return Math.max(usual, prepared.stored.length + 4096);
}
