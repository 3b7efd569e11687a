import { LifeboatError } from '../core/index.ts';

/** A byte position in the write-ahead log, as an unsigned 64-bit number. */
export type Lsn = bigint & { readonly brand: 'Lsn' };

export function lsn(value: bigint): Lsn {
  return value as Lsn;
}

/** `16/B374D848`, as PostgreSQL prints it. */
export function formatLsn(position: bigint): string {
  const high = (position >> 32n).toString(16).toUpperCase();
  const low = (position & 0xffff_ffffn).toString(16).toUpperCase();
  return `${high}/${low}`;
}

export function parseLsn(text: string): Lsn {
  const match = /^([0-9a-fA-F]{1,8})\/([0-9a-fA-F]{1,8})$/.exec(text.trim());
  if (!match) {
    throw new LifeboatError('usage.invalid', `not a WAL position: ${JSON.stringify(text)}`, {
      hint: 'A position looks like 0/16B3748.',
    });
  }
  return lsn((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`));
}

/** Where the segment that holds `position` begins. */
export function segmentStart(position: bigint, segmentSizeBytes: number): Lsn {
  return lsn(position - (position % BigInt(segmentSizeBytes)));
}

/** The 24-digit file name of the segment that holds `position`. */
export function segmentName(timeline: number, position: bigint, segmentSizeBytes: number): string {
  const perId = 0x1_0000_0000n / BigInt(segmentSizeBytes);
  const number = position / BigInt(segmentSizeBytes);
  return [BigInt(timeline), number / perId, number % perId].map(hex8).join('');
}

export interface SegmentPosition {
  readonly timeline: number;
  readonly start: Lsn;
}

/** The opposite of `segmentName`; undefined when `name` is not the name of a segment. */
export function parseSegmentName(
  name: string,
  segmentSizeBytes: number,
): SegmentPosition | undefined {
  if (!/^[0-9A-F]{24}$/.test(name)) return undefined;
  const part = (index: number) => BigInt(`0x${name.slice(index * 8, index * 8 + 8)}`);
  const perId = 0x1_0000_0000n / BigInt(segmentSizeBytes);
  const number = part(1) * perId + part(2);
  return { timeline: Number(part(0)), start: lsn(number * BigInt(segmentSizeBytes)) };
}

/** A timeline as the log's stream name: 8 upper-case hex digits. */
export function timelineStream(timeline: number): string {
  return hex8(BigInt(timeline));
}

function hex8(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
