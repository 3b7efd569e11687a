import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { LifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, envelopeOverhead, open } from '../crypto/envelope.ts';
import { damaged } from '../format/json-shape.ts';
import type { BlobType } from '../repository.ts';
import { sha256 } from '../stored-file.ts';

/** On half-compressible data level 1 is twice as fast as 3 and stores 2 % more. */
const compressionLevel = 1;

/**
 * The zstd frame of a blob, or the blob itself when that is no larger (data only: restic repacks trees that are
 * not compressed).
 */
export function compressBlob(type: BlobType, plain: Uint8Array): Uint8Array {
  const frame = zstdCompressSync(plain, {
    // One output chunk: the default of 16 KiB costs more than the compression.
    chunkSize: plain.length + (plain.length >>> 7) + 1024,
    pledgedSrcSize: plain.length,
    params: { [constants.ZSTD_c_compressionLevel]: compressionLevel },
  });
  return type === 'data' && frame.length >= plain.length ? plain : frame;
}

/** The plain bytes of a sealed blob, not yet compared with its id. Errors: `repository.damaged`. */
export function openBlob(
  key: EnvelopeKey,
  sealed: Uint8Array,
  uncompressedLength: number,
): Uint8Array {
  const stored = open(key, sealed);
  if (uncompressedLength === 0) return stored;
  let plain: Uint8Array;
  try {
    plain = zstdDecompressSync(stored, {
      chunkSize: uncompressedLength + 64,
      maxOutputLength: uncompressedLength + 64,
    });
  } catch {
    throw damaged('does not decompress');
  }
  if (plain.length !== uncompressedLength) throw damaged('has another length than recorded');
  return plain;
}

/** As `openBlob`, and the bytes are those that `id` names. */
export function openVerifiedBlob(
  key: EnvelopeKey,
  sealed: Uint8Array,
  uncompressedLength: number,
  id: string,
): Uint8Array {
  const plain = openBlob(key, sealed, uncompressedLength);
  if (sha256(plain) !== id) throw damaged('its bytes do not match its id');
  return plain;
}

/**
 * Reads a freshly sealed blob back before it may leave the machine: a bug or a flipped bit in compression or
 * encryption must not become the only copy.
 */
export function verifySealed(
  key: EnvelopeKey,
  sealed: Uint8Array,
  uncompressedLength: number,
  plain: Uint8Array,
): void {
  if (Buffer.compare(openBlob(key, sealed, uncompressedLength), plain) === 0) return;
  throw new LifeboatError('repository.damaged', 'a blob read back differs from what was stored', {
    hint: 'Nothing wrong was written. Test the memory of this machine, then run the command again.',
  });
}

export function plainLength(blob: { length: number; uncompressedLength: number }): number {
  return blob.uncompressedLength === 0 ? blob.length - envelopeOverhead : blob.uncompressedLength;
}
