/** Size of a WAL page and of a relation block. Other sizes are compile-time options nobody ships. */
export const pageBytes = 8192;

/** `xlp_magic` changes with every major version whose WAL differs. */
export const majorOfMagic: ReadonlyMap<number, number> = new Map([
  [0xd106, 13],
  [0xd10d, 14],
  [0xd110, 15],
  [0xd113, 16],
  [0xd116, 17],
  [0xd118, 18],
]);

const flags = { continued: 1, long: 2, overwritten: 8, all: 0xf } as const;
const shortBytes = 24;
const longBytes = 40;

/** What a page says about itself: XLogPageHeaderData, on the first page of a segment the long form. */
export interface PageHeader {
  magic: number;
  timeline: number;
  /** The page's position as a number; exact up to 2^53. */
  position: number;
  /** The page begins with the rest of a record: `remainingBytes` of it. */
  continued: boolean;
  /** The record that was cut off before this page was given up: reading restarts after this header. */
  overwritten: boolean;
  long: boolean;
  remainingBytes: number;
  /** Offset of the first byte behind the header. */
  sizeBytes: number;
  /** Of long headers only. */
  systemIdentifier: bigint;
  segmentBytes: number;
}

export function emptyPageHeader(): PageHeader {
  return {
    magic: 0,
    timeline: 0,
    position: 0,
    continued: false,
    overwritten: false,
    long: false,
    remainingBytes: 0,
    sizeBytes: 0,
    systemIdentifier: 0n,
    segmentBytes: 0,
  };
}

/** How many bytes of a page must be there before its header can be read whole. */
export function headerBytesNeeded(info: number): number {
  return info & flags.long ? longBytes : shortBytes;
}

/**
 * Reads the header at `offset` of `view` into `header`. Returns what is wrong with it by itself, or undefined.
 * The caller has made sure that `headerBytesNeeded` bytes are there.
 */
export function readPageHeader(
  view: DataView,
  offset: number,
  header: PageHeader,
): string | undefined {
  const info = view.getUint16(offset + 2, true);
  header.magic = view.getUint16(offset, true);
  header.timeline = view.getUint32(offset + 4, true);
  header.position = readPosition(view, offset + 8);
  header.remainingBytes = view.getUint32(offset + 16, true);
  header.continued = (info & flags.continued) !== 0;
  header.overwritten = (info & flags.overwritten) !== 0;
  header.long = (info & flags.long) !== 0;
  header.sizeBytes = headerBytesNeeded(info);
  if ((info & ~flags.all) !== 0) return `unknown page flags ${info.toString(16)}`;
  if (!header.long) return undefined;
  header.systemIdentifier = view.getBigUint64(offset + 24, true);
  header.segmentBytes = view.getUint32(offset + 32, true);
  if (view.getUint32(offset + 36, true) !== pageBytes) return 'pages are not 8192 bytes';
  if (!isSegmentSize(header.segmentBytes)) return `no segment size: ${header.segmentBytes}`;
  return undefined;
}

/** A power of two from 1 MiB to 1 GiB. */
export function isSegmentSize(sizeBytes: number): boolean {
  return sizeBytes >= 2 ** 20 && sizeBytes <= 2 ** 30 && (sizeBytes & (sizeBytes - 1)) === 0;
}

/** A 64-bit position as a number. Beyond 2^53 (9 PB of WAL) it is inexact and matches nothing. */
export function readPosition(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}
