/** The Castagnoli polynomial, reflected: bit 31 is the coefficient of x^0. */
const polynomial = 0x82f63b78;
const one = 0x80000000;

/** x^(2^n) modulo the polynomial. */
const powers: number[] = [];
for (let power = 0x40000000, n = 0; n < 64; n++) {
  powers.push(power);
  power = multiply(power, power);
}

/**
 * The CRC-32C of a whole, from those of its parts: each is `partBytes` long, the last one is what is left of `wholeBytes`
 * (as zlib's crc32_combine: a checksum is linear).
 */
export function crc32cOfParts(sums: Uint32Array, partBytes: number, wholeBytes: number): number {
  const last = sums.length - 1;
  const usual = powerOf(partBytes);
  let whole = 0;
  for (let part = 0; part < last; part++) whole = multiply(usual, whole) ^ (sums[part] as number);
  if (last < 0) return 0;
  return (multiply(powerOf(wholeBytes - last * partBytes), whole) ^ (sums[last] as number)) >>> 0;
}

/** What moves a checksum on by so many bytes, as a factor. */
function powerOf(bytes: number): number {
  let factor = one;
  // In bits. A number of bytes is exact up to 2^53, and 2^53 * 8 does not fit the 32 bits of a shift.
  for (let rest = bytes, n = 3; rest > 0; rest = Math.floor(rest / 2), n++) {
    if (rest % 2 === 1) factor = multiply(factor, powers[n] as number);
  }
  return factor;
}

/** The product of two polynomials modulo the polynomial. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1;
  }
  return product >>> 0;
}
