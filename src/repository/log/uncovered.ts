import { earlier, later } from './position.ts';

export interface Stretch {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
}

/** The parts of `whole` that none of `others` covers, in order. */
export function uncovered(whole: Stretch, others: readonly Stretch[]): readonly Stretch[] {
  const sorted = others.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const parts: Stretch[] = [];
  let at = whole.start;
  for (const each of sorted) {
    if (each.end <= at) continue;
    if (each.start >= whole.end) break;
    if (each.start > at) parts.push({ start: at, end: each.start });
    at = later(at, earlier(each.end, whole.end));
  }
  if (at < whole.end) parts.push({ start: at, end: whole.end });
  return parts;
}
