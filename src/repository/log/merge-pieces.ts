import { type Catalog, endOf, type PieceEntry } from './catalog.ts';
import type { LogContents } from './log-contents.ts';
import type { NestedArea } from './nested-area.ts';
import { noPrevious } from './nested-header.ts';
import { later } from './position.ts';

/** So many pieces of one level in one stream are made into one of the next. */
const piecesAtOnce = 32;
const largestMergedBytes = 16 * 1024 * 1024;
const highestLevel = 255;

/**
 * A segment that fills slowly gathers thousands of small pieces, all of which a reader must open. Runs of
 * pieces that touch are joined: the joined piece is durable before its parts are removed.
 */
export async function mergePieces(
  area: NestedArea,
  log: string,
  catalog: Catalog,
  contents: LogContents,
  stream: string,
): Promise<void> {
  const all = [...catalog.pieces.values()].filter((each) => each.stream === stream);
  for (const level of new Set(all.map((each) => each.level))) {
    const ofLevel = all.filter((each) => each.level === level);
    if (ofLevel.length < piecesAtOnce || level === highestLevel) continue;
    for (const run of runsOf(ofLevel)) {
      if (run.length > 1) await mergeRun(area, log, catalog, contents, run);
    }
  }
}

/** Pieces in order, each touching or overlapping the one before, no run larger than a merged piece may be. */
function runsOf(pieces: PieceEntry[]): PieceEntry[][] {
  pieces.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const runs: PieceEntry[][] = [];
  let end = -1n;
  for (const piece of pieces) {
    const run = runs.at(-1);
    const touches = run !== undefined && piece.start <= end;
    if (touches && endOf(piece) - run[0]!.start <= largestMergedBytes) run.push(piece);
    else {
      runs.push([piece]);
      end = endOf(piece);
    }
    if (endOf(piece) > end) end = endOf(piece);
  }
  return runs;
}

async function mergeRun(
  area: NestedArea,
  log: string,
  catalog: Catalog,
  contents: LogContents,
  run: readonly PieceEntry[],
): Promise<void> {
  const { stream, start, level } = run[0]!;
  const end = run.map(endOf).reduce(later);
  const bytes = new Uint8Array(Number(end - start));
  for (const piece of run) {
    const content = await contents.orUndefined(piece);
    // Without one part there is nothing to join; what is left stays as it is.
    if (content === undefined) return;
    bytes.set(content, Number(piece.start - start));
  }
  const header = { kind: 'piece' as const, level: level + 1, log, part: stream, position: start };
  const stored = await area.write('locks', { ...header, previous: noPrevious }, bytes);
  const { name, content } = stored;
  catalog.pieces.set(name, {
    stream,
    start,
    lengthBytes: bytes.length,
    level: level + 1,
    file: name,
    content,
  });
  contents.remember(name, bytes);
  for (const piece of run) {
    catalog.pieces.delete(piece.file);
    contents.forget(piece.file);
  }
  await area.discard(
    'locks',
    run.map((each) => each.file),
  );
}
