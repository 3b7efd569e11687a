import type { FileKind } from './location.ts';

/** A change that takes a file out of sight, though an older version of it is still stored. */
export interface StoredChange {
  readonly time: Date;
  /** `config`, `data/NAME`, `lifeboat/index/NAME` ... */
  readonly path: string;
  readonly kind: FileKind;
  /** `overwritten` with other bytes is never done by a program of this format; `removed` is what forget and prune do. */
  readonly change: 'overwritten' | 'removed';
}

/** What the place still keeps of the past. Files in `locks` come and go all the time and are left out. */
export interface StoredHistory {
  /** Versions of files, without delete markers. */
  readonly versions: number;
  readonly oldest: Date | undefined;
  readonly newest: Date | undefined;
  /** Oldest first. */
  readonly changes: readonly StoredChange[];
}

/** Changes that followed each other closely. */
export interface ChangeBurst {
  readonly start: Date;
  readonly end: Date;
  readonly overwritten: number;
  readonly removed: number;
  readonly kinds: readonly FileKind[];
}

const quietMs = 10 * 60_000;

/** Bursts, oldest first: a new one begins after ten quiet minutes. */
export function burstsOf(changes: readonly StoredChange[]): readonly ChangeBurst[] {
  const bursts: {
    start: Date;
    end: Date;
    overwritten: number;
    removed: number;
    kinds: FileKind[];
  }[] = [];
  for (const { time, change, kind } of changes) {
    let burst = bursts.at(-1);
    if (burst === undefined || time.getTime() - burst.end.getTime() > quietMs) {
      burst = { start: time, end: time, overwritten: 0, removed: 0, kinds: [] };
      bursts.push(burst);
    }
    burst.end = time;
    burst[change]++;
    if (!burst.kinds.includes(kind)) burst.kinds.push(kind);
  }
  return bursts;
}
