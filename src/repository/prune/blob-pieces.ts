import type { BlobIndex } from '../index/blob-index.ts';
import type { ByteRange, Location } from '../location/location.ts';

/** Reading on through what is not wanted is cheaper than another request. */
const maxGapBytes = 128 * 1024;

export interface Piece {
  readonly pack: string;
  readonly range: ByteRange;
}

export interface PlacedRow {
  readonly row: number;
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

/** The places of rows, in the order in which they lie in their packs. */
export function placedRows(index: BlobIndex, rows: readonly number[]): PlacedRow[] {
  const placed = rows.map((row) => ({ row, ...index.placeAt(row) }));
  return placed.sort((a, b) => compareText(a.pack, b.pack) || a.offset - b.offset);
}

/** What to read for blobs in that order, and where in it each lies. */
export function piecesOf(placed: readonly PlacedRow[]): {
  readonly pieces: readonly Piece[];
  /** For each blob. */
  readonly spots: readonly { readonly piece: number; readonly offset: number }[];
} {
  const pieces: { pack: string; range: { offset: number; length: number } }[] = [];
  const spots = placed.map(({ pack, offset, length }) => {
    let piece = pieces.at(-1);
    const end = piece === undefined ? 0 : piece.range.offset + piece.range.length;
    if (piece === undefined || piece.pack !== pack || offset - end > maxGapBytes) {
      piece = { pack, range: { offset, length: 0 } };
      pieces.push(piece);
    }
    const start = piece.range.offset;
    piece.range.length = Math.max(piece.range.length, offset + length - start);
    return { piece: pieces.length - 1, offset: offset - start };
  });
  return { pieces, spots };
}

export async function readPieces(
  location: Location,
  pieces: readonly Piece[],
  signal?: AbortSignal,
): Promise<Uint8Array[]> {
  const bytes: Uint8Array[] = [];
  for (const { pack, range } of pieces) {
    bytes.push(await location.read('data', pack, range, signal));
  }
  return bytes;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
