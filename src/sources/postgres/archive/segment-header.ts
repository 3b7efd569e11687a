import { LifeboatError } from '../../../core/index.ts';
import { parseSegmentName, type SegmentPosition } from '../../../wal/index.ts';

/** XLogLongPageHeaderData: u16 info at 2 (0x0002: long), u64 page address at 8, u64 system identifier at 24, u32 segment size at 32. */
export const longHeaderBytes = 40;
const longHeader = 0x0002;

export interface SegmentHeader {
  readonly address: bigint;
  /** Decimal. */
  readonly systemId: string;
  readonly segmentSizeBytes: number;
}

/** What the first page of a segment says of it; undefined when it is none. */
export function readSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < longHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const segmentSizeBytes = view.getUint32(32, true);
  const isSize = segmentSizeBytes >= 2 ** 20 && segmentSizeBytes <= 2 ** 30;
  if ((view.getUint16(2, true) & longHeader) === 0 || !isSize) return undefined;
  if (!Number.isInteger(Math.log2(segmentSizeBytes))) return undefined;
  const systemId = view.getBigUint64(24, true).toString();
  return { address: view.getBigUint64(8, true), systemId, segmentSizeBytes };
}

/** Makes sure that `bytes` are the whole segment that the name says. Errors: `archive.refused`. */
export function checkSegment(
  name: string,
  bytes: Uint8Array,
): SegmentPosition & { readonly systemId: string } {
  const header = readSegmentHeader(bytes);
  if (header === undefined) throw refused(name, 'it does not begin with a page of WAL');
  const { segmentSizeBytes, address, systemId } = header;
  if (bytes.length !== segmentSizeBytes) {
    throw refused(name, `it has ${bytes.length} bytes instead of ${segmentSizeBytes}`);
  }
  const position = parseSegmentName(name, segmentSizeBytes);
  if (position?.start !== address) throw refused(name, 'it holds WAL of another position');
  return { ...position, systemId };
}

function refused(name: string, fact: string): LifeboatError {
  return new LifeboatError('archive.refused', `${name} is not what its name says: ${fact}`, {
    hint: 'Nothing was stored. The server keeps the file and offers it again.',
  });
}
