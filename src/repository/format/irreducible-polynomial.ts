import { randomBytes } from 'node:crypto';

// Polynomials over GF(2): bit i is the coefficient of x^i.

/** A random irreducible polynomial of degree 53, as restic's chunker wants it. */
export function randomIrreduciblePolynomial(): bigint {
  for (;;) {
    const random = randomBytes(8).readBigUInt64LE() % 2n ** 53n;
    const candidate = random | (1n << 53n) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

/** Ben-Or's test: f is irreducible if gcd(f, x^(2^i) - x) is 1 for every i up to half its degree. */
export function isIrreducible(f: bigint): boolean {
  const degree = degreeOf(f);
  if (degree < 1) return false;
  if (degree === 1) return true;
  let power = 2n;
  for (let i = 1; i <= degree / 2; i++) {
    power = multiplyModulo(power, power, f);
    if (greatestCommonDivisor(f, power ^ 2n) !== 1n) return false;
  }
  return true;
}

function degreeOf(f: bigint): number {
  return f === 0n ? -1 : f.toString(2).length - 1;
}

function remainder(a: bigint, b: bigint): bigint {
  const degree = degreeOf(b);
  let rest = a;
  for (let shift = degreeOf(rest) - degree; shift >= 0; shift = degreeOf(rest) - degree) {
    rest ^= b << BigInt(shift);
  }
  return rest;
}

function multiplyModulo(a: bigint, b: bigint, f: bigint): bigint {
  let product = 0n;
  for (let i = 0n; b >> i !== 0n; i++) {
    if ((b >> i) & 1n) product ^= a << i;
  }
  return remainder(product, f);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, remainder(a, b));
}
