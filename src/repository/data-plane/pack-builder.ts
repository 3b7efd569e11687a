import { createHash } from 'node:crypto';
import { type EnvelopeKey, envelopeOverhead, sealInto } from '../crypto/envelope.ts';
import type { IndexedPack, PackedBlob } from '../format/index-file.ts';
import { encodePackHeader, headerEntryBytes, packTrailerBytes } from '../format/pack-header.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { compressBlob, verifyReadBack } from './blob-codec.ts';
import { PackCipher } from './pack-cipher.ts';
import { SealBatch } from './seal-batch.ts';

/** restic's default. */
const packTargetBytes = 16 * 1024 * 1024;
/** Keeps the header small when blobs are tiny. */
const maxBlobs = 10_000;

export interface FinishedPack extends IndexedPack {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Of packs that are finished. */
const spareBatches: SealBatch[] = [];

/** One pack being filled with blobs of one type. */
export class PackBuilder {
  readonly #key: EnvelopeKey;
  readonly #type: BlobType;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #hash = createHash('sha256');
  readonly #cipher: PackCipher;
  readonly #blobs: PackedBlob[] = [];
  readonly #batch = spareBatches.pop() ?? new SealBatch();
  #used = 0;
  #hashed = 0;
  #headerBytes = envelopeOverhead + packTrailerBytes;

  /** `buffer` is used again when it is large enough. */
  constructor(key: EnvelopeKey, type: BlobType, buffer: Uint8Array<ArrayBuffer>) {
    this.#key = key;
    this.#type = type;
    this.#buffer = buffer;
    this.#cipher = new PackCipher(key);
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

  /** Seals, reads back and compares, at the latest in `finish`. The caller has asked `fits`. */
  add(prepared: PreparedBlob): void {
    const { id, plain, stored, isProven } = prepared;
    const uncompressedLength = stored === plain ? 0 : plain.length;
    // What was decompressed and compared before need only be decrypted and compared.
    const [proof, proofLength] = isProven ? [stored, 0] : [plain, uncompressedLength];
    const [offset, length] = [this.#used, stored.length + envelopeOverhead];
    if (SealBatch.takes(stored, proof)) {
      if (!this.#batch.fits(stored, proof)) this.#sealBatch();
      this.#batch.add(offset, stored, proof, proofLength);
    } else {
      this.#sealBatch();
      const sealed = this.#buffer.subarray(offset, offset + length);
      this.#cipher.seal(stored, sealed);
      verifyReadBack(this.#cipher.openLast(sealed), proofLength, proof);
    }
    this.#blobs.push({ id, type: this.#type, offset, length, uncompressedLength });
    this.#used += length;
    this.#headerBytes += headerEntryBytes(uncompressedLength !== 0);
  }

  #sealBatch(): void {
    this.#batch.seal(this.#cipher, this.#buffer);
    this.#hash.update(this.#buffer.subarray(this.#hashed, this.#used));
    this.#hashed = this.#used;
  }

  finish(): FinishedPack {
    this.#sealBatch();
    spareBatches.push(this.#batch);
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
