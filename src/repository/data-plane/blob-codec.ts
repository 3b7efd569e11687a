import { LifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, envelopeOverhead, openView } from '../crypto/envelope.ts';
import { damaged } from '../format/json-shape.ts';
import type { BlobType } from '../repository.ts';
import { sha256 } from '../stored-file.ts';
import { zstdContext } from './zstd-context.ts';

/** Level 3 stores 2 to 6 % less and takes a quarter longer. */
const short = { level: 1 };
/**
 * For pages of a database: level 3 makes them no smaller (some even larger) in twice the time. Steps of two find what matters in
 * rows (half of an index page is found faster and better), take a sixth to a third less time and store 1 to 4 % more of tables.
 * Long matches, which the level looks for in long pieces only, save another 5 % of chunks of 16 KiB, at the same size.
 */
const fast = { level: 1, minMatch: 7, step: 2 };
/** In trees, and where there is much to look back on, level 3 saves several percent; in small blobs it does not pay. */
const long = { level: 3 };
const longBytes = 32 * 1024;
/**
 * For pieces of large files of which half or more stays: level 2 with short matches takes two thirds of level 3's time and stores
 * as little of them (of what compresses well it stores 3 to 8 % more). What the piece before it came to tells.
 */
const mixed = { level: 2, minMatch: 5 };
const pieceBytes = 512 * 1024;
let isMixed = false;

/**
 * The zstd frame of a blob, or the blob itself when that is no larger (data only: restic repacks trees that are
 * not compressed). A view that the next call overwrites. `isFast`: those of a database.
 */
export function compressBlob(type: BlobType, plain: Uint8Array, isFast = false): Uint8Array {
  if (isFast) {
    // Trees of long lists of hashes: level 3 takes twice the time for the same.
    const frame = zstdContext(type === 'data' ? fast : short).compress(plain);
    return type === 'data' && frame.length >= plain.length ? plain : frame;
  }
  const isPiece = type === 'data' && plain.length >= pieceBytes;
  const isLong = type === 'tree' || plain.length >= longBytes;
  const choice = isPiece && isMixed ? mixed : isLong ? long : short;
  const frame = zstdContext(choice).compress(plain);
  if (isPiece) isMixed = frame.length * 2 > plain.length;
  return type === 'data' && frame.length >= plain.length ? plain : frame;
}

/** The plain bytes of a sealed blob, not yet compared with its id. A view that the next call overwrites.
 * Errors: `repository.damaged`. */
export function openBlob(
  key: EnvelopeKey,
  sealed: Uint8Array,
  uncompressedLength: number,
): Uint8Array {
  return inflateBlob(openView(key, sealed), uncompressedLength);
}

/** The plain bytes of what was stored before sealing. A view that the next call may overwrite. */
export function inflateBlob(stored: Uint8Array, uncompressedLength: number): Uint8Array {
  if (uncompressedLength === 0) return stored;
  const plain = zstdContext(short).decompress(stored, uncompressedLength);
  if (plain === undefined) throw damaged('does not decompress to the recorded length');
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
 * Compares what was decrypted from a freshly sealed blob with what went in, before it may leave the machine: a bug or a
 * flipped bit in compression or encryption must not become the only copy.
 */
export function verifyReadBack(
  stored: Uint8Array,
  uncompressedLength: number,
  plain: Uint8Array,
): void {
  if (Buffer.compare(inflateBlob(stored, uncompressedLength), plain) === 0) return;
  throw new LifeboatError('repository.damaged', 'a blob read back differs from what was stored', {
    hint: 'Nothing wrong was written. Test the memory of this machine, then run the command again.',
  });
}

export function plainLength(blob: { length: number; uncompressedLength: number }): number {
  return blob.uncompressedLength === 0 ? blob.length - envelopeOverhead : blob.uncompressedLength;
}
