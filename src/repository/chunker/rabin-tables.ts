// The arithmetic of restic's chunker (github.com/restic/chunker, its documentation): polynomials over GF(2) as numbers, in
// tables of 256 entries so that a byte costs two look-ups.

/** Of 64-bit numbers, the upper and the lower half. */
export interface Halves {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

export interface RabinTables {
  /** What a byte that leaves the window takes with it. */
  readonly out: Halves;
  /** Takes the digest back below the polynomial, by its uppermost bits. */
  readonly mod: Halves;
  /** How far right the uppermost eight bits of a digest lie in its upper half. */
  readonly indexShift: number;
}

export const windowBytes = 64;

export function rabinTables(polynomial: bigint): RabinTables {
  const degree = degreeOf(polynomial);
  const out = halves();
  const mod = halves();
  for (let byte = 0; byte < 256; byte++) {
    let hash = remainder(BigInt(byte), polynomial);
    for (let at = 1; at < windowBytes; at++) hash = remainder(hash << 8n, polynomial);
    set(out, byte, hash);
    const shifted = BigInt(byte) << BigInt(degree);
    set(mod, byte, remainder(shifted, polynomial) | shifted);
  }
  return { out, mod, indexShift: degree - 8 - 32 };
}

/** A polynomial of a repository always has degree 53. */
function degreeOf(polynomial: bigint): number {
  return polynomial.toString(2).length - 1;
}

function remainder(value: bigint, polynomial: bigint): bigint {
  const degree = degreeOf(polynomial);
  let rest = value;
  for (let at = degreeOf(rest); rest !== 0n && at >= degree; at = degreeOf(rest)) {
    rest ^= polynomial << BigInt(at - degree);
  }
  return rest;
}

function halves(): Halves {
  return { high: new Uint32Array(256), low: new Uint32Array(256) };
}

function set({ high, low }: Halves, at: number, value: bigint): void {
  high[at] = Number(value >> 32n);
  low[at] = Number(value & 0xffff_ffffn);
}
