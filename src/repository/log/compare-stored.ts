import { LifeboatError } from '../../core/index.ts';
import { type Catalog, endOf, type StoredSpan } from './catalog.ts';
import type { LogContents } from './log-contents.ts';
import { sha256 } from './nested-file.ts';
import { earlier, later } from './position.ts';

/**
 * Compares new bytes with everything stored at the same positions: `log.conflict` when a byte differs.
 * True when all of them are stored already, in one piece or segment that can still be read. Stored bytes
 * that are damaged or gone are passed over: appending again is how they are healed.
 */
export async function isStoredAlready(
  log: string,
  catalog: Catalog,
  contents: LogContents,
  offered: { readonly stream: string; readonly start: bigint; readonly bytes: Uint8Array },
  wanted: 'segment' | 'any',
): Promise<boolean> {
  const { stream, start, bytes } = offered;
  const end = start + BigInt(bytes.length);
  const segments = catalog.segmentsOverlapping(stream, start, end);
  let stored = false;
  for (const entry of [...segments, ...catalog.piecesOverlapping(stream, start, end)]) {
    const holdsAll = entry.start <= start && endOf(entry) >= end;
    const counts = holdsAll && (wanted === 'any' || !('level' in entry));
    if (entry.start >= start && endOf(entry) <= end) {
      const at = Number(entry.start - start);
      const mine = bytes.subarray(at, at + entry.lengthBytes);
      const cached = contents.cached(entry);
      // Where the bytes would have to be read, their hash says as much.
      const same = cached ? Buffer.compare(mine, cached) === 0 : sha256(mine) === entry.content;
      if (!same) throw conflict(log, stream, entry.start);
      if (!counts) continue;
    }
    const content = await contents.orUndefined(entry);
    if (content === undefined) continue;
    compareOverlap(log, offered, entry, content);
    stored ||= counts;
  }
  return stored;
}

function compareOverlap(
  log: string,
  offered: { readonly stream: string; readonly start: bigint; readonly bytes: Uint8Array },
  entry: StoredSpan,
  content: Uint8Array,
): void {
  const from = later(entry.start, offered.start);
  const offeredEnd = offered.start + BigInt(offered.bytes.length);
  const to = earlier(endOf(entry), offeredEnd);
  const [at, until] = [Number(from - offered.start), Number(to - offered.start)];
  const [storedAt, storedUntil] = [Number(from - entry.start), Number(to - entry.start)];
  const mine = offered.bytes.subarray(at, until);
  const theirs = content.subarray(storedAt, storedUntil);
  if (Buffer.compare(mine, theirs) !== 0) throw conflict(log, offered.stream, from);
}

export function conflict(log: string, part: string, position?: bigint): LifeboatError {
  const where = position === undefined ? '' : ` from position ${position} on`;
  return new LifeboatError(
    'log.conflict',
    `log ${log} holds other bytes for ${part}${where} than those offered`,
    {
      hint: 'Nothing was changed. Two clusters may be writing to one log: give each source its own name.',
      context: { log, part, ...(position === undefined ? {} : { position: position.toString() }) },
    },
  );
}
