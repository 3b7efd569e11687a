import { envelopeOverhead } from '../crypto/envelope.ts';
import type { BlobId } from '../repository.ts';
import { maxBlobBytes, type PackedBlob } from './index-file.ts';
import { damaged } from './json-shape.ts';

// An entry: type (0 data, 1 tree, 2 data compressed, 3 tree compressed), stored length, plain length (only
// when compressed), SHA-256 of the plain bytes. The order is that in the file; offsets are sums.
const plainEntryBytes = 37;
const compressedEntryBytes = 41;
/** The sealed header's length, little endian, ends the pack. */
export const packTrailerBytes = 4;
/** restic reads no longer header. */
const maxHeaderBytes = 16 * 1024 * 1024;

export function headerEntryBytes(compressed: boolean): number {
  return compressed ? compressedEntryBytes : plainEntryBytes;
}

/** Exactly how long a pack with these blobs is. */
export function packSizeBytes(blobs: readonly PackedBlob[]): number {
  return blobs.reduce(
    (sum, blob) => sum + blob.length + headerEntryBytes(blob.uncompressedLength !== 0),
    envelopeOverhead + packTrailerBytes,
  );
}

/** The plain header. */
export function encodePackHeader(blobs: readonly PackedBlob[]): Buffer {
  const bytes = blobs.reduce(
    (sum, blob) => sum + headerEntryBytes(blob.uncompressedLength !== 0),
    0,
  );
  const header = Buffer.alloc(bytes);
  let at = 0;
  for (const blob of blobs) at += writeHeaderEntry(header, at, blob);
  return header;
}

/** Returns how long the entry is. */
export function writeHeaderEntry(
  header: Buffer,
  at: number,
  { id, type, length, uncompressedLength }: Omit<PackedBlob, 'offset'>,
): number {
  const compressed = uncompressedLength !== 0;
  const bytes = headerEntryBytes(compressed);
  header[at] = (type === 'tree' ? 1 : 0) + (compressed ? 2 : 0);
  header.writeUInt32LE(length, at + 1);
  if (compressed) header.writeUInt32LE(uncompressedLength, at + 5);
  header.write(id, at + bytes - 32, 'hex');
  return bytes;
}

/** Errors: `repository.damaged`. */
export function decodePackHeader(header: Uint8Array): readonly PackedBlob[] {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  const blobs: PackedBlob[] = [];
  let offset = 0;
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at] as number;
    if (kind > 3) throw damaged('pack header: an entry of unknown type');
    const compressed = kind >= 2;
    const end = at + headerEntryBytes(compressed);
    if (end > bytes.length) throw damaged('pack header: ends inside an entry');
    const length = bytes.readUInt32LE(at + 1);
    const uncompressedLength = compressed ? bytes.readUInt32LE(at + 5) : 0;
    if (length > maxBlobBytes || uncompressedLength > maxBlobBytes) {
      throw damaged('pack header: a blob of impossible length');
    }
    blobs.push({
      id: bytes.toString('hex', end - 32, end) as BlobId,
      type: kind % 2 === 1 ? 'tree' : 'data',
      offset,
      length,
      uncompressedLength,
    });
    offset += length;
    at = end;
  }
  return blobs;
}

/** How long the trailer, the last bytes of a pack, says that the sealed header is. Errors: `repository.damaged`. */
export function packHeaderBytes(trailer: Uint8Array): number {
  const length = new DataView(trailer.buffer, trailer.byteOffset).getUint32(0, true);
  if (length > maxHeaderBytes) throw damaged('pack: its header has an impossible length');
  return length;
}

/** Where the sealed header lies in a whole pack, or in its end. Errors: `repository.damaged`. */
export function locatePackHeader(pack: Uint8Array): Uint8Array {
  const end = pack.length - packTrailerBytes;
  if (end < envelopeOverhead) throw damaged('pack: too short');
  const length = packHeaderBytes(pack.subarray(end));
  if (length < envelopeOverhead || length > end) {
    throw damaged('pack: its header has an impossible length');
  }
  return pack.subarray(end - length, end);
}
