import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damaged } from './json-shape.ts';

const compressedMark = 0x02;
/** Far above any index or snapshot that anyone writes: what a bomb may take. */
const maxOutputLength = 256 * 1024 * 1024;
/** Of what a call to zstd yields where a frame does not say how much there is. */
const someBytes = 256 * 1024;
/** Digits of hashes, most of it: level 3 takes twice the time for an index that is 8 % larger. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 };

/** The plain form of index, snapshot and lock files: 0x02, then the zstd frame of the JSON. Format 1 has bare JSON. */
export function encodeStoredJson(json: string | Uint8Array, version: 1 | 2): Uint8Array {
  if (version === 1) return typeof json === 'string' ? Buffer.from(json) : json;
  return Buffer.concat([
    Buffer.of(compressedMark),
    zstdCompressSync(json, { pledgedSrcSize: Buffer.byteLength(json), params }),
  ]);
}

/** Takes either form, as format 2 allows. Errors: `repository.damaged`. */
export function decodeStoredJson(bytes: Uint8Array): string {
  return decodeStoredBytes(bytes).toString('utf8');
}

/** As `decodeStoredJson`, without making a text of it; may be a view of what was given. */
export function decodeStoredBytes(bytes: Uint8Array): Buffer {
  const first = bytes[0];
  if (bytes.length > maxOutputLength) throw damaged('too long');
  if (first === 0x5b || first === 0x7b) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  if (first !== compressedMark) throw damaged('unknown encoding');
  try {
    const frame = bytes.subarray(1);
    // One piece that is never quite full: Node does not ask for another, and has none to join.
    const chunkSize = Math.min(maxOutputLength, (contentBytes(frame) ?? someBytes) + 64);
    return zstdDecompressSync(frame, { maxOutputLength, chunkSize });
  } catch {
    throw damaged('does not decompress');
  }
}

/** What a zstd frame says of its content's length (RFC 8878, 3.1.1.1), when it does. */
function contentBytes(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 18) return undefined;
  const descriptor = frame[4] as number;
  const isSingle = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  switch (descriptor >> 6) {
    case 0:
      return isSingle ? frame[at] : undefined;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
