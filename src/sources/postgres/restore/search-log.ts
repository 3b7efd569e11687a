import { type Progress, silentProgress, throwIfAborted } from '../../../core/index.ts';
import { formatLsn, segmentStart, WalReader, type WalRecord } from '../../../wal/index.ts';
import type { Reach } from './reaches.ts';
import type { TimelinePath } from './timeline-path.ts';
import type { WalHoldings } from './wal-holdings.ts';

/** An unbroken piece of the log along a path. */
export interface LogPiece {
  readonly path: TimelinePath;
  readonly holdings: WalHoldings;
  readonly segmentSizeBytes: number;
  /** At the start of a segment. */
  readonly start: bigint;
  readonly end: bigint;
  /** How far the log is held behind `end`: a record may go on there. */
  readonly held: bigint;
}

const readBytes = 16n * 1024n * 1024n;

/** The log that these reaches lead through, cut at the snapshots, the newest piece first. */
export function piecesOf(reaches: readonly Reach[]): readonly LogPiece[] {
  const pieces: LogPiece[] = [];
  const newestFirst = reaches.toSorted((a, b) => (a.backup.startLsn < b.backup.startLsn ? 1 : -1));
  let searchedFrom: bigint | undefined;
  for (const { backup, path, holdings, end } of newestFirst) {
    const { segmentSizeBytes } = backup.info;
    const start = segmentStart(backup.startLsn, segmentSizeBytes);
    const until = searchedFrom !== undefined && searchedFrom < end ? searchedFrom : end;
    if (start >= until) continue;
    pieces.push({ path, holdings, segmentSizeBytes, start, end: until, held: end });
    searchedFrom = start;
  }
  return pieces;
}

/** Visits the records that begin in the piece, in order. Ends early where the records end, or when `visit` says `stop`. */
export async function visitPiece(
  piece: LogPiece,
  visit: (record: WalRecord) => 'stop' | undefined,
  options: { readonly progress?: Progress; readonly signal?: AbortSignal; readonly title: string },
): Promise<void> {
  const { path, holdings, segmentSizeBytes, start, end, held } = piece;
  const { progress = silentProgress, signal, title } = options;
  const reader = new WalReader({ startLsn: start, segmentSizeBytes });
  const task = `search-${formatLsn(start)}`;
  const total = Number(end - start);
  progress({ type: 'begin', task, title });
  try {
    for (let at = start; at < held && reader.ended === undefined; ) {
      throwIfAborted(signal);
      const until = at + readBytes < held ? at + readBytes : held;
      const bytes = await holdings.readPath(path, at, until, segmentSizeBytes, signal);
      for (const record of reader.read(bytes)) {
        if (BigInt(record.start) >= end) return;
        if (visit(record) === 'stop') return;
      }
      at = until;
      const done = Math.min(Number(at - start), total);
      progress({ type: 'progress', task, done, total, unit: 'bytes', detail: formatLsn(at) });
    }
  } finally {
    progress({ type: 'end', task });
  }
}
