import type { Lsn } from '../../../wal/index.ts';

/** A place in a cluster's history: where in which timeline. */
export interface WalPosition {
  readonly timeline: number;
  readonly start: Lsn;
}

export function isLater(a: WalPosition, b: WalPosition): boolean {
  return a.timeline > b.timeline || (a.timeline === b.timeline && a.start > b.start);
}

/** The later one of two that may be missing. */
export function later(
  a: WalPosition | undefined,
  b: WalPosition | undefined,
): WalPosition | undefined {
  if (!a || !b) return a ?? b;
  return isLater(b, a) ? b : a;
}
