import type { EnvelopeKey } from '../crypto/envelope.ts';
import { chunkMaxBytes, chunkMinBytes, chunkWindowBytes, gearTable } from './content-cutter.ts';

/** The chunk lengths of a whole content: slow and readable, what the kernel is tested against. */
export function chunkLengthsReference(master: EnvelopeKey, content: Uint8Array): number[] {
  const bytes = Buffer.from(gearTable(master));
  const table = Array.from({ length: 256 }, (_, i) => bytes.readBigUInt64LE(8 * i));
  const lengths: number[] = [];
  for (let start = 0; start < content.length; start += lengths.at(-1) as number) {
    const rest = content.length - start;
    let length = Math.min(rest, chunkMinBytes);
    let hash = 0n;
    for (let at = start + chunkMinBytes - chunkWindowBytes; at < content.length; at++) {
      hash = BigInt.asUintN(64, 2n * hash + (table[content[at] as number] as bigint));
      length = at + 1 - start;
      if (length > chunkMinBytes && hash >> 45n === 0n) break;
      if (length === chunkMaxBytes) break;
    }
    lengths.push(length);
  }
  return lengths;
}
