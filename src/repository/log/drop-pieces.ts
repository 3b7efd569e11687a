import { type Catalog, endOf, type PieceEntry } from './catalog.ts';
import type { LogContents } from './log-contents.ts';
import type { NestedArea } from './nested-area.ts';
import { earlier, later } from './position.ts';

/**
 * Removes the pieces that segments hold completely. Each is compared with the segments first: should the
 * two differ (two clusters wrote to one log), the piece is the only copy of its bytes, and stays.
 */
export async function dropCoveredPieces(
  area: NestedArea,
  catalog: Catalog,
  contents: LogContents,
): Promise<void> {
  const held: string[] = [];
  for (const piece of catalog.pieces.values()) {
    if (await isHeldBySegments(catalog, contents, piece)) held.push(piece.file);
  }
  await area.discard('locks', held);
  for (const file of held) {
    catalog.pieces.delete(file);
    contents.forget(file);
  }
}

async function isHeldBySegments(
  catalog: Catalog,
  contents: LogContents,
  piece: PieceEntry,
): Promise<boolean> {
  const end = endOf(piece);
  const segments = catalog.segmentsOverlapping(piece.stream, piece.start, end);
  if (!isCovered(piece.start, end, segments.map(boundsOf))) return false;
  const bytes = await contents.orUndefined(piece);
  // Damaged: there is nothing to lose, and the segments have it.
  if (bytes === undefined) return true;
  for (const segment of segments) {
    const stored = await contents.orUndefined(segment);
    // The piece may be the last good copy.
    if (stored === undefined) return false;
    const from = later(segment.start, piece.start);
    const to = earlier(endOf(segment), end);
    const mine = bytes.subarray(Number(from - piece.start), Number(to - piece.start));
    const theirs = stored.subarray(Number(from - segment.start), Number(to - segment.start));
    if (Buffer.compare(mine, theirs) !== 0) return false;
  }
  return true;
}

function boundsOf(span: { readonly start: bigint; readonly lengthBytes: number }) {
  return { start: span.start, end: span.start + BigInt(span.lengthBytes) };
}

/** `bounds` sorted by start. */
function isCovered(
  start: bigint,
  end: bigint,
  bounds: readonly { readonly start: bigint; readonly end: bigint }[],
): boolean {
  let at = start;
  for (const each of bounds) {
    if (each.start > at) break;
    if (each.end > at) at = each.end;
  }
  return at >= end;
}
