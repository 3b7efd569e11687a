import { crc32c } from '../../../wal/index.ts';
import type { FoundRecord } from './record-walk.ts';

/** One byte of WAL to be changed. */
export interface WalPatch {
  readonly position: number;
  readonly value: number;
}

/** Resource manager of tablespaces. */
export const tablespaceManager = 5;

const headerBytes = 24;
const infoOffset = 16;
const checksumOffset = 20;
const pageBytes = 8192;
/** xl_tblspc_create_rec: the OID, then the path. */
const pathOffset = 4;
/** Parts that may stand before the main data of a record without blocks, with their sizes: top-level xid, origin. */
const partBytes: Readonly<Record<number, number>> = { 252: 5, 253: 3 };
const longData = 254;

/**
 * What to change so that replaying a CREATE TABLESPACE stays inside the data folder: the path in the record
 * becomes empty, which PostgreSQL takes as "in place", a real folder in `pg_tblspc`. Replayed as written it would
 * empty the live tablespace's folder, if one lies at that path, and write into it. Empty for any other record.
 * See docs/decisions/0010.
 */
export function patchesAgainstTablespace(
  record: FoundRecord,
  segmentSizeBytes: number,
): readonly WalPatch[] {
  const bytes = record.bytes.slice();
  // 0x00 is CREATE, 0x10 DROP, which stays inside the data folder.
  if (((bytes[infoOffset] as number) & 0xf0) !== 0) return [];
  const path = mainDataOffset(bytes) + pathOffset;
  if (path >= bytes.length || bytes[path] === 0) return [];
  bytes[path] = 0;
  // The record's checksum covers its body first, then its header.
  const body = crc32c(bytes.subarray(headerBytes));
  const checksum = crc32c(bytes.subarray(0, checksumOffset), body);
  new DataView(bytes.buffer).setUint32(checksumOffset, checksum, true);
  const changed = [path, ...[0, 1, 2, 3].map((index) => checksumOffset + index)];
  return changed.map((at) => ({
    position: positionOf(record.start, at, segmentSizeBytes),
    value: bytes[at] as number,
  }));
}

function mainDataOffset(bytes: Uint8Array): number {
  let at = headerBytes;
  for (;;) {
    const size = partBytes[bytes[at] as number];
    if (size === undefined) return at + (bytes[at] === longData ? 5 : 2);
    at += size;
  }
}

/** Where in the log the `offset`-th byte of the record at `start` lies, past the page headers in between. */
export function positionOf(start: number, offset: number, segmentSizeBytes: number): number {
  let position = start;
  let rest = offset;
  for (;;) {
    const page = position - (position % pageBytes);
    const header = page % segmentSizeBytes === 0 ? 40 : 24;
    position = Math.max(position, page + header);
    const room = page + pageBytes - position;
    if (rest < room) return position + rest;
    rest -= room;
    position = page + pageBytes;
  }
}
