// Gear rolling hash: hash = (hash << 1) + table[byte] in 64 bits, so it depends on the last 64 bytes. A cut lies
// behind the byte after which the top 19 bits are zero. The caller owns the memory: the table (256 x u64) at 0,
// bytes where it says; see src/repository/chunker/content-cutter.ts.
const MASK: u64 = ((1 << 19) - 1) << 45;

let hash: u64 = 0;

/** Forgets everything hashed so far. */
export function reset(): void {
  hash = 0;
}

/** Hashes [at, end) without looking for a cut. */
export function warm(at: usize, end: usize): void {
  let h = hash;
  for (; at < end; at++) h = (h << 1) + load<u64>(<usize>load<u8>(at) << 3);
  hash = h;
}

/** Hashes on over [at, end). Returns the address behind the byte that makes the cut, or 0. */
export function scan(at: usize, end: usize): usize {
  let h = hash;
  const whole = at + ((end - at) & ~3);
  for (; at < whole; at += 4) {
    h = (h << 1) + load<u64>(<usize>load<u8>(at) << 3);
    if ((h & MASK) == 0) return at + 1;
    h = (h << 1) + load<u64>(<usize>load<u8>(at, 1) << 3);
    if ((h & MASK) == 0) return at + 2;
    h = (h << 1) + load<u64>(<usize>load<u8>(at, 2) << 3);
    if ((h & MASK) == 0) return at + 3;
    h = (h << 1) + load<u64>(<usize>load<u8>(at, 3) << 3);
    if ((h & MASK) == 0) return at + 4;
  }
  for (; at < end; at++) {
    h = (h << 1) + load<u64>(<usize>load<u8>(at) << 3);
    if ((h & MASK) == 0) return at + 1;
  }
  hash = h;
  return 0;
}
