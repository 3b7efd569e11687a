import { createHash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { assert, LifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, envelopeOverhead, open, seal } from '../crypto/envelope.ts';
import {
  damaged,
  decodeHeader,
  encodeHeader,
  maximumPayloadBytes,
  type NestedHeader,
} from './nested-header.ts';
import type { NestedFolder } from './nested-keys.ts';

// Synchronous: `NestedCodec` sees to it that only small files are worked on by the main thread.
const params = { [constants.ZSTD_c_compressionLevel]: 1 };

/** A file as it is stored: its name is the SHA-256 of its bytes. */
export interface SealedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the payload. */
  readonly content: string;
}

export interface OpenedFile {
  readonly header: NestedHeader;
  readonly payload: Uint8Array;
  /** SHA-256 of the payload. */
  readonly content: string;
}

/**
 * Envelope(header || zstd(payload)). What is returned was opened, decompressed and compared with the
 * payload again: a fault of memory or of a library is found now, not when the bytes are needed.
 */
export function sealFile(
  key: EnvelopeKey,
  header: Omit<NestedHeader, 'lengthBytes'>,
  payload: Uint8Array,
): SealedFile {
  assert(payload.length <= maximumPayloadBytes, 'a payload has at most 1 GiB');
  const full = { ...header, lengthBytes: payload.length };
  const content = sha256(payload);
  const bytes = seal(key, Buffer.concat([encodeHeader(full), deflate(payload)]));
  const again = openFile(key, bytes, 'a file just sealed');
  if (Buffer.compare(again.payload, payload) !== 0) {
    throw damaged('a file just sealed', 'it does not hold what was put in');
  }
  return { name: sha256(bytes), bytes, content };
}

/** As `openFile`, of bytes that are to have that name. Errors: `repository.damaged`, also when the bytes are
 * whole but not the ones of the name, `repository.unsupported`. */
export function openNamedFile(
  key: EnvelopeKey,
  folder: NestedFolder,
  name: string,
  sealed: Uint8Array,
): OpenedFile {
  const subject = `lifeboat/${folder}/${name}`;
  if (sha256(sealed) !== name) throw damaged(subject, 'its bytes are not the ones of its name');
  const opened = openFile(key, sealed, subject);
  return { ...opened, content: sha256(opened.payload) };
}

/** Checks the MAC, the header's form and the length. What the header *says* is for the caller to compare. */
export function openFile(
  key: EnvelopeKey,
  sealed: Uint8Array,
  subject: string,
): Omit<OpenedFile, 'content'> {
  if (sealed.length <= envelopeOverhead) throw damaged(subject, 'it is too short');
  const plain = open(key, sealed, subject);
  const { header, payloadAt } = decodeHeader(plain, subject);
  const payload = inflate(plain.subarray(payloadAt), header.lengthBytes, subject);
  return { header, payload };
}

/** Into one buffer that is surely large enough: Node would otherwise put it together from small ones. */
function deflate(payload: Uint8Array): Uint8Array {
  const chunkSize = payload.length + (payload.length >>> 8) + 1024;
  return zstdCompressSync(payload, { params, chunkSize, pledgedSrcSize: payload.length });
}

function inflate(compressed: Uint8Array, lengthBytes: number, subject: string): Uint8Array {
  try {
    // A little more than expected: a longer payload shows as one and cannot fill the memory, and a good one
    // leaves room in the one buffer it is decompressed into, so that Node makes no second.
    const roomBytes = lengthBytes + 64;
    const options = { chunkSize: roomBytes, maxOutputLength: roomBytes };
    const plain = zstdDecompressSync(compressed, options);
    if (plain.length !== lengthBytes) throw damaged(subject, 'its payload has another length');
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    throw damaged(subject, 'it does not decompress', error);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
