import type { SnapshotSummary } from '../repository.ts';
import { formatGoTime, parseGoTime } from './go-time.ts';
import { type JsonObject, numberField, optionalText } from './json-shape.ts';

const counts = {
  files_new: 'filesNew',
  files_changed: 'filesChanged',
  files_unmodified: 'filesUnmodified',
  dirs_new: 'dirsNew',
  dirs_changed: 'dirsChanged',
  dirs_unmodified: 'dirsUnmodified',
  data_blobs: 'dataBlobs',
  tree_blobs: 'treeBlobs',
  data_added: 'bytesAdded',
  data_added_packed: 'bytesAddedPacked',
  total_files_processed: 'filesTotal',
  total_bytes_processed: 'bytesTotal',
} as const;

/** JSON in the field order of restic's SnapshotSummary struct. Readers of other programs want every field. */
export function encodeSummary(summary: SnapshotSummary): string {
  const numbers = Object.entries(counts).map(([name, key]) => [name, summary[key]]);
  return JSON.stringify({
    backup_start: goTime(summary.backupStart),
    backup_end: goTime(summary.backupEnd),
    ...Object.fromEntries(numbers),
    // Ours; restic's own readers ignore it.
    ...(summary.entriesGone ? { entries_gone: summary.entriesGone } : {}),
  });
}

/** What is absent is 0: older programs wrote fewer fields. Errors: `repository.damaged`. */
export function decodeSummary(object: JsonObject): SnapshotSummary {
  const numbers = Object.entries(counts).map(([name, key]) => [
    key,
    numberField(object, name, Number.MAX_SAFE_INTEGER, 0),
  ]);
  const time = (name: string) => {
    const ns = parseGoTime(optionalText(object, name)) ?? 0n;
    return new Date(Number(ns / 1_000_000n));
  };
  const entriesGone = numberField(object, 'entries_gone', Number.MAX_SAFE_INTEGER, 0);
  return {
    ...(entriesGone === 0 ? {} : { entriesGone }),
    ...(Object.fromEntries(numbers) as Omit<SnapshotSummary, 'backupStart' | 'backupEnd'>),
    backupStart: time('backup_start'),
    backupEnd: time('backup_end'),
  };
}

export function goTime(time: Date): string {
  return formatGoTime(BigInt(time.getTime()) * 1_000_000n);
}
