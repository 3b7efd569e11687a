import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { assert, LifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, envelopeOverhead, open, seal } from '../crypto/envelope.ts';
import {
  damaged,
  decodeHeader,
  encodeHeader,
  maximumPayloadBytes,
  type NestedHeader,
} from './nested-header.ts';

// The asynchronous calls: compression, by far the largest part of the work, leaves the event loop free.
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** A file as it is stored: its name is the SHA-256 of its bytes. */
export interface SealedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface OpenedFile {
  readonly header: NestedHeader;
  readonly payload: Uint8Array;
}

/**
 * Envelope(header || zstd(payload)). What is returned was opened, decompressed and compared with the
 * payload again: a fault of memory or of a library is found now, not when the bytes are needed.
 */
export async function sealFile(
  key: EnvelopeKey,
  header: Omit<NestedHeader, 'lengthBytes'>,
  payload: Uint8Array,
): Promise<SealedFile> {
  assert(payload.length <= maximumPayloadBytes, 'a payload has at most 1 GiB');
  const full = { ...header, lengthBytes: payload.length };
  const bytes = seal(key, Buffer.concat([encodeHeader(full), await compress(payload, level)]));
  const again = await openFile(key, bytes, 'a file just sealed');
  if (Buffer.compare(again.payload, payload) !== 0) {
    throw damaged('a file just sealed', 'it does not hold what was put in');
  }
  return { name: sha256(bytes), bytes };
}

/** Checks the MAC, the header's form and the length. What the header *says* is for the caller to compare. */
export async function openFile(
  key: EnvelopeKey,
  sealed: Uint8Array,
  subject: string,
): Promise<OpenedFile> {
  if (sealed.length <= envelopeOverhead) throw damaged(subject, 'it is too short');
  const plain = open(key, sealed, subject);
  const { header, payloadAt } = decodeHeader(plain, subject);
  const payload = await inflate(plain.subarray(payloadAt), header.lengthBytes, subject);
  return { header, payload };
}

async function inflate(
  compressed: Uint8Array,
  lengthBytes: number,
  subject: string,
): Promise<Uint8Array> {
  try {
    // One more than expected, so that a longer payload shows as one and cannot fill the memory.
    const plain = await decompress(compressed, { maxOutputLength: lengthBytes + 1 });
    if (plain.length !== lengthBytes) throw damaged(subject, 'its payload has another length');
    return plain;
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    throw damaged(subject, 'it does not decompress', error);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
