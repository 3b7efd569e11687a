/** The larger of two positions (`Math.max` takes no bigint). */
export function later(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** The smaller of two positions. */
export function earlier(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
