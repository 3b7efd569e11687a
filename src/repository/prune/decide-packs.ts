import { type PackUse, unusedBytes } from './pack-use.ts';

export interface PackDecisions {
  readonly keep: readonly PackUse[];
  readonly repack: readonly PackUse[];
  /** Nothing in them is needed. */
  readonly remove: readonly PackUse[];
  readonly bytesUnused: number;
  /** Of the packs that stay. */
  readonly bytesUnusedAfter: number;
}

export interface PackLimits {
  readonly maxUnused: { readonly share: number } | { readonly bytes: number };
  readonly maxRepackBytes: number;
}

// restic's: a pack is small below 80 % of its smallest target size, and only many of them are worth joining.
const smallBelowBytes = 0.8 * 4 * 1024 * 1024;
const manySmallPacks = 10;

/**
 * Repacked is what is of both types or holds trees uncompressed, small packs when there are many, and then the packs
 * with the largest share of waste, until what is unused stays within the limit.
 */
export function decidePacks(uses: readonly PackUse[], limits: PackLimits): PackDecisions {
  const remove = uses.filter(({ usedBlobs }) => usedBlobs === 0);
  const needed = uses.filter(({ usedBlobs }) => usedBlobs > 0);
  const usedBytes = needed.reduce((sum, each) => sum + each.usedBytes, 0);
  const mustGo = needed.filter(isOdd).concat(manySmall(needed));
  const first = new Set(mustGo);
  const partly = needed
    .filter((each) => !first.has(each) && unusedBytes(each) > 0)
    .sort((a, b) => wasteShare(b) - wasteShare(a));
  let unusedLeft = needed.reduce((sum, each) => sum + unusedBytes(each), 0);
  const bytesUnused = unusedLeft + remove.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const mostUnused = limitBytes(limits.maxUnused, usedBytes);
  const chosen = new Set<PackUse>();
  let repackBytes = 0;
  for (const each of [...first, ...partly]) {
    if (!first.has(each) && unusedLeft <= mostUnused) break;
    if (repackBytes + each.usedBytes > limits.maxRepackBytes) continue;
    chosen.add(each);
    repackBytes += each.usedBytes;
    unusedLeft -= unusedBytes(each);
  }
  return {
    keep: needed.filter((each) => !chosen.has(each)),
    repack: [...chosen],
    remove,
    bytesUnused,
    bytesUnusedAfter: unusedLeft,
  };
}

function isOdd({ holdsData, holdsTrees, holdsPlainTrees }: PackUse): boolean {
  return (holdsData && holdsTrees) || holdsPlainTrees;
}

function manySmall(needed: readonly PackUse[]): PackUse[] {
  return [true, false].flatMap((trees) => {
    const small = needed.filter((each) => {
      return each.sizeBytes < smallBelowBytes && !isOdd(each) && each.holdsTrees === trees;
    });
    return small.length >= manySmallPacks ? small : [];
  });
}

/** So that unused bytes are no more than that share of all that stays. */
function limitBytes(maxUnused: PackLimits['maxUnused'], usedBytes: number): number {
  if ('bytes' in maxUnused) return maxUnused.bytes;
  if (maxUnused.share >= 1) return Number.POSITIVE_INFINITY;
  return (maxUnused.share / (1 - maxUnused.share)) * usedBytes;
}

function wasteShare(use: PackUse): number {
  return unusedBytes(use) / use.usedBytes;
}
