import { createHash } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import type { BlobId, BlobReader } from '../../../repository/index.ts';

/** Holes begin and end at multiples of this; shorter runs of zeros are written. */
const holeBytes = 16 * 1024;
const zeros = Buffer.alloc(holeBytes);

/** Writes all of it at its place; `leaveHoles` skips runs of zeros, for files that were empty before. */
export function writeAt(fd: number, bytes: Uint8Array, offset: number, leaveHoles: boolean): void {
  if (!leaveHoles || bytes.length < holeBytes) {
    writeAll(fd, bytes, 0, bytes.length, offset);
    return;
  }
  let from = 0;
  let at = (holeBytes - (offset % holeBytes)) % holeBytes;
  while (at < bytes.length) {
    const end = Math.min(at + holeBytes, bytes.length);
    if (isZero(bytes, at, end)) {
      writeAll(fd, bytes, from, at, offset);
      from = end;
    }
    at = end;
  }
  writeAll(fd, bytes, from, bytes.length, offset);
}

function writeAll(fd: number, bytes: Uint8Array, from: number, to: number, offset: number): void {
  let at = from;
  while (at < to) at += writeSync(fd, bytes, at, to - at, offset + at);
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  if (bytes[from] !== 0 || bytes[to - 1] !== 0) return false;
  return zeros.compare(bytes, from, to, 0, to - from) === 0;
}

let buffer = Buffer.alloc(0);

/** Whether the file has exactly this content, by the hash of every blob. */
export function holdsContent(
  fd: number,
  content: readonly BlobId[],
  sizeBytes: number,
  reader: BlobReader,
): boolean {
  let offset = 0;
  for (const id of content) {
    const length = reader.plainBytesOf('data', id);
    if (length === undefined || offset + length > sizeBytes) return false;
    if (!holdsBlob(fd, id, offset, length)) return false;
    offset += length;
  }
  return offset === sizeBytes;
}

export function holdsBlob(fd: number, id: BlobId, offset: number, length: number): boolean {
  if (buffer.length < length) buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, buffer, filled, length - filled, offset + filled);
    if (count === 0) return false;
    filled += count;
  }
  return createHash('sha256').update(buffer.subarray(0, length)).digest('hex') === id;
}
