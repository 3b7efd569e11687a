import { crc32c, isTablespaceCreate, type WalRecord } from '../../../wal/index.ts';

/** One byte of WAL to be changed. */
export interface WalPatch {
  readonly position: number;
  readonly value: number;
}

const headerBytes = 24;
const checksumOffset = 20;
const pageBytes = 8192;
/** xl_tblspc_create_rec: the OID, then the path. */
const pathOffset = 4;

/**
 * What to change so that replaying a CREATE TABLESPACE stays inside the data folder: the path in the record
 * becomes empty, which PostgreSQL takes as "in place", a real folder in `pg_tblspc`. Replayed as written it would
 * empty the live tablespace's folder, if one lies at that path, and write into it. Empty for any other record.
 * See docs/decisions/0010.
 */
export function patchesAgainstTablespace(
  record: WalRecord,
  segmentSizeBytes: number,
): readonly WalPatch[] {
  if (!isTablespaceCreate(record)) return [];
  const { offset, lengthBytes, mainOffset, mainBytes } = record;
  const path = mainOffset - offset + pathOffset;
  const bytes = record.bytes.slice(offset, offset + lengthBytes);
  if (mainBytes <= pathOffset || bytes[path] === 0) return [];
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
