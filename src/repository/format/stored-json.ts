import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damaged } from './json-shape.ts';

const compressedMark = 0x02;
/** Far above any index or snapshot that anyone writes: what a bomb may take. */
const maxOutputLength = 256 * 1024 * 1024;
/** Of what a call to zstd yields. An index file has some MiB. */
const chunkSize = 256 * 1024;

/** The plain form of index, snapshot and lock files: 0x02, then the zstd frame of the JSON. Format 1 has bare JSON. */
export function encodeStoredJson(json: string | Uint8Array, version: 1 | 2): Uint8Array {
  if (version === 1) return typeof json === 'string' ? Buffer.from(json) : json;
  return Buffer.concat([Buffer.of(compressedMark), zstdCompressSync(json)]);
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
    return zstdDecompressSync(bytes.subarray(1), { maxOutputLength, chunkSize });
  } catch {
    throw damaged('does not decompress');
  }
}
