import type { ContentCutter } from './content-cutter.ts';
import { type RabinTables, rabinTables, windowBytes } from './rabin-tables.ts';

// restic's limits; those of the Gear cutter are its own affair.
const chunkMinBytes = 512 * 1024;
const chunkMaxBytes = 8 * 1024 * 1024;
/** Cuts are where the lower 20 bits of the digest are zero: a chunk has 1 MiB on average. */
const splitMask = (1 << 20) - 1;

/**
 * restic's own cuts, by the polynomial of the repository: the same content gets the same chunks whichever of the two stored
 * it. Slower than the Gear cutter.
 */
export function createRabinCutter(polynomial: bigint): ContentCutter {
  const tables = rabinTables(polynomial);
  return {
    minBytes: chunkMinBytes,
    cut(bytes, isEnd, searched = 0) {
      if (bytes.length < chunkMinBytes) return isEnd ? bytes.length : undefined;
      const end = Math.min(bytes.length, chunkMaxBytes);
      const found = findCut(tables, bytes, end, searched);
      if (found !== undefined) return found;
      return isEnd || end === chunkMaxBytes ? end : undefined;
    },
  };
}

/**
 * Length of the chunk, if it ends within `end` bytes. restic skips what cannot matter: the digest is of the last 64 bytes, and
 * no chunk ends before the minimum. It begins with a window of zeros in which a 1 stands first, so the 64th byte pushes out
 * that 1 and the later ones what came 64 bytes before. Further on, the last 64 bytes are all that counts.
 */
function findCut(
  { out, mod, indexShift }: RabinTables,
  bytes: Uint8Array,
  end: number,
  searched: number,
): number | undefined {
  const { high: outHigh, low: outLow } = out;
  const { high: modHigh, low: modLow } = mod;
  const mark = searched > chunkMinBytes ? 0 : 1;
  const full = Math.max(chunkMinBytes, searched) - 1;
  const first = full + 1 - windowBytes;
  let high = 0;
  let low = mark;
  // One loop without calls: half a million rounds for each chunk.
  for (let at = first; at < end; at++) {
    const gone = at > full ? (bytes[at - windowBytes] as number) : at === full ? mark : 0;
    high ^= outHigh[gone] as number;
    low ^= outLow[gone] as number;
    const index = (high >>> indexShift) & 0xff;
    high = ((high << 8) | (low >>> 24)) ^ (modHigh[index] as number);
    low = ((low << 8) | (bytes[at] as number)) ^ (modLow[index] as number);
    if ((low & splitMask) === 0 && at >= full) return at + 1;
  }
  return undefined;
}
