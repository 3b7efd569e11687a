import { formatBytes } from '../../core/index.ts';
import type { SnapshotSummary } from '../../repository/index.ts';

/** What a backup found and stored; of a summary, and known before the snapshot is published. */
export type BackupFigures = Pick<
  SnapshotSummary,
  'filesTotal' | 'filesChanged' | 'bytesTotal' | 'bytesAdded' | 'bytesAddedPacked'
> & {
  /** Files and folders of the backup before that are not there any more. */
  readonly entriesGone?: number;
};

/** So few files, or so few bytes, change in a day of ordinary work. */
const fewFiles = 30;
const fewBytes = 64 * 2 ** 20;
/** A share of all that looks like more than work. */
const largeShare = 0.5;
/** How many times as much as ever before is a jump. */
const jump = 3;
/** What is encrypted does not compress. */
const incompressible = 0.97;

/**
 * Why a backup looks as if something had happened to its source: files encrypted, overwritten or deleted in bulk. Judged by
 * those before it (newest first), so that a source in which much changes every day is not flagged every day. Nothing is said
 * of a first backup.
 */
export function judgeBackup(
  now: BackupFigures,
  before: readonly BackupFigures[],
): readonly string[] {
  const [last] = before;
  if (last === undefined) return [];
  return [changed(now, last, before), gone(now, last), scrambled(now, last, before)].filter(
    (reason) => reason !== undefined,
  );
}

function changed(
  now: BackupFigures,
  last: BackupFigures,
  before: readonly BackupFigures[],
): string | undefined {
  const share = now.filesChanged / Math.max(1, last.filesTotal);
  const most = Math.max(...before.map((each) => each.filesChanged / Math.max(1, each.filesTotal)));
  if (now.filesChanged < fewFiles || share < largeShare || share < jump * most) return undefined;
  return `${percent(share)} of the files have changed since the backup before (at most ${percent(most)} until now)`;
}

function gone(now: BackupFigures, last: BackupFigures): string | undefined {
  // However few they were: a volume that was made anew, a disk that is not mounted.
  if (now.filesTotal === 0 && last.filesTotal > 0) {
    const all = last.filesTotal === 1 ? 'the only file is' : `all ${last.filesTotal} files are`;
    return `${all} gone since the backup before`;
  }
  const missing = Math.max(now.entriesGone ?? 0, last.filesTotal - now.filesTotal);
  if (missing >= fewFiles && missing / Math.max(1, last.filesTotal) >= largeShare) {
    return `${missing} of ${last.filesTotal} files are gone since the backup before`;
  }
  const lost = last.bytesTotal - now.bytesTotal;
  if (lost < fewBytes || lost / last.bytesTotal < largeShare) return undefined;
  return `${formatBytes(lost)} of ${formatBytes(last.bytesTotal)} are gone since the backup before`;
}

function scrambled(
  now: BackupFigures,
  last: BackupFigures,
  before: readonly BackupFigures[],
): string | undefined {
  const share = now.bytesAdded / Math.max(1, now.bytesTotal);
  if (now.bytesAdded < fewBytes || share < largeShare || now.bytesTotal > 2 * last.bytesTotal) {
    return undefined;
  }
  const ratio = (each: BackupFigures) => each.bytesAddedPacked / Math.max(1, each.bytesAdded);
  const former = before.filter((each) => each.bytesAdded >= fewBytes);
  if (former.length === 0 || ratio(now) < incompressible) return undefined;
  if (Math.min(...former.map(ratio)) > 0.8) return undefined;
  return `${percent(share)} of all data is new, and unlike what was stored before it does not compress`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
