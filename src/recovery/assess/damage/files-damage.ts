import type { Part } from './part.ts';
import type { RestorePoints } from './restore-point.ts';

/** A source of files or of a volume, against its newest snapshot that is whole. */
export interface FilesDamage {
  readonly kind: 'files' | 'volume';
  readonly name: string;
  readonly files: Part<FilesFound>;
  readonly points: Part<RestorePoints>;
}

export interface FilesFound {
  readonly snapshot: { readonly id: string; readonly time: string };
  readonly before: FileTotals;
  /** Of what was looked at. */
  readonly now: FileTotals;
  /** Paths of the source that are not there at all: a disk that is not mounted, a folder that was removed. */
  readonly missingPaths: readonly string[];
  readonly missing: ChangedFiles;
  readonly changed: ChangedFiles;
  readonly added: ChangedFiles;
  /** Files that were neither missing nor different by size and times. */
  readonly same: number;
  /** Of changed and new files, some were read: how many look like random bytes, as what is encrypted does. */
  readonly sampled: {
    readonly files: number;
    readonly random: number;
    readonly wereRandom: number;
  };
  /** Why it looks as if files had been encrypted, overwritten or deleted in bulk. */
  readonly signs: readonly string[];
  /** False: the time was up before everything was compared; the counts are of a part. */
  readonly isWhole: boolean;
}

export interface FileTotals {
  readonly files: number;
  readonly bytes: number;
}

export interface ChangedFiles extends FileTotals {
  /** A few of them. */
  readonly examples: readonly string[];
  /** Of the newest of them; absent: none. Of missing files it is when their folder last changed. */
  readonly newest?: string;
}
