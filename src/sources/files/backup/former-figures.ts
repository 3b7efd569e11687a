import {
  type BackupWriter,
  isCheckpoint,
  isFlagged,
  type Snapshot,
} from '../../../repository/index.ts';
import type { BackupFigures } from '../../anomaly/judge-backup.ts';
import type { Counts } from './counts.ts';

/** More say nothing of what is usual now. */
const mostBackups = 20;

/** What this backup has found, before its last packs are written. */
export function figuresOf(counts: Counts, writer: BackupWriter): BackupFigures {
  const { bytesNew, bytesStored } = writer.totals();
  return { ...counts, bytesAdded: bytesNew, bytesAddedPacked: bytesStored };
}

/** Those of the whole, unflagged backups before it with the same tags and paths; newest first. */
export function formerFigures(
  snapshots: readonly Snapshot[],
  { tags = [], paths }: { readonly tags?: readonly string[]; readonly paths: readonly string[] },
): readonly BackupFigures[] {
  return snapshots
    .filter(
      (each) =>
        !isCheckpoint(each) &&
        !isFlagged(each) &&
        tags.every((tag) => each.tags.includes(tag)) &&
        paths.every((path) => each.paths.includes(path)),
    )
    .flatMap(({ summary }) => (summary === undefined ? [] : [summary]))
    .slice(0, mostBackups);
}
