import type { LogComparison } from './log-comparison.ts';
import type { FilledFile } from './slab-filler.ts';
import type { StoredWal } from './stored-wal.ts';
import type { WalReplacements } from './wal-replacements.ts';

/** What looks at the files of `pg_wal` on their way into the snapshot. All pages must have been looked at before. */
export interface WalWatch {
  readonly wal: StoredWal;
  readonly comparison: Pick<LogComparison, 'add'>;
  readonly replacements: WalReplacements;
}

export function isSegmentName(name: string): boolean {
  return /^[0-9A-F]{24}$/.test(name);
}

/** Looks at each piece of a file of `pg_wal`. */
export function watching(
  { wal, comparison, replacements }: WalWatch,
  name: string,
  sizeBytes: number,
): Pick<FilledFile, 'onPiece'> {
  const isSegment = isSegmentName(name);
  return {
    onPiece(bytes, position) {
      if (position === 0) wal.add(name, sizeBytes, bytes.subarray(0, 40));
      if (!isSegment) return;
      if (position === 0) replacements.beginFile(name);
      replacements.push(bytes);
      comparison.add(name, position, bytes);
    },
  };
}
