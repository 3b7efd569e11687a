import { type EnvelopeKey, envelopeOverhead, openView, sealInto } from '../crypto/envelope.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { headerEntryBytes, packTrailerBytes, writeHeaderEntry } from '../format/pack-header.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { compressBlob, verifyReadBack } from './blob-codec.ts';
import { CompactPack } from './compact-pack.ts';
import type { PackTarget } from './pack-target.ts';

/** restic's default. */
const packTargetBytes = 16 * 1024 * 1024;
/** Keeps the header small when blobs are tiny. */
const maxBlobs = 10_000;
const someHeaderBytes = 16 * 1024;

export class FinishedPack<Content> extends CompactPack {
  readonly content: Content;
  readonly sizeBytes: number;

  constructor(name: string, header: Uint8Array, content: Content, sizeBytes: number) {
    super(name, header);
    this.content = content;
    this.sizeBytes = sizeBytes;
  }
}

/** One pack being filled with blobs of one type. */
export class PackBuilder<Content> {
  readonly #key: EnvelopeKey;
  readonly #type: BlobType;
  readonly #target: PackTarget<Content>;
  /** Plain. Objects with a text each would be held until the pack is full. */
  #header = Buffer.alloc(someHeaderBytes);
  #headerBytes = 0;
  #blobs = 0;
  #used = 0;

  constructor(key: EnvelopeKey, type: BlobType, target: PackTarget<Content>) {
    this.#key = key;
    this.#type = type;
    this.#target = target;
  }

  get isEmpty(): boolean {
    return this.#blobs === 0;
  }

  get isFull(): boolean {
    return this.#used >= packTargetBytes || this.#blobs >= maxBlobs;
  }

  fits(prepared: PreparedBlob): boolean {
    const blob = prepared.stored.length + envelopeOverhead;
    const header = this.#headerBytes + headerEntryBytes(true) + envelopeOverhead + packTrailerBytes;
    return this.#used + blob + header <= this.#target.capacityBytes;
  }

  /** Seals, reads back what goes into the pack, and compares. The caller has asked `fits`. */
  add(prepared: PreparedBlob): void {
    const { id, plain, stored, isProven } = prepared;
    const uncompressedLength = stored === plain ? 0 : plain.length;
    const length = stored.length + envelopeOverhead;
    const sealed = this.#target.next(length);
    sealInto(this.#key, stored, sealed);
    const back = openView(this.#key, sealed);
    // What was decompressed and compared before need only be decrypted and compared.
    if (isProven) verifyReadBack(back, 0, stored);
    else verifyReadBack(back, uncompressedLength, plain);
    this.#describe({ id, type: this.#type, length, uncompressedLength });
    this.#used += length;
  }

  finish(): FinishedPack<Content> {
    const header = new Uint8Array(this.#header.subarray(0, this.#headerBytes));
    const tail = this.#target.next(header.length + envelopeOverhead + packTrailerBytes);
    sealInto(this.#key, header, tail);
    new DataView(tail.buffer, tail.byteOffset, tail.byteLength).setUint32(
      tail.length - packTrailerBytes,
      header.length + envelopeOverhead,
      true,
    );
    const sizeBytes = this.#used + tail.length;
    const { name, content } = this.#target.finish();
    return new FinishedPack(name, header, content, sizeBytes);
  }

  discard(): void {
    this.#target.discard();
  }

  #describe(blob: Omit<PackedBlob, 'offset'>): void {
    if (this.#headerBytes + headerEntryBytes(true) > this.#header.length) {
      this.#header = Buffer.concat([this.#header], 2 * this.#header.length);
    }
    this.#headerBytes += writeHeaderEntry(this.#header, this.#headerBytes, blob);
    this.#blobs++;
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
