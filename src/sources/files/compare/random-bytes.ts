/** Fewer tell nothing. */
const leastBytes = 512;
/** Of what random bytes of that length have. */
const nearlyBits = 0.2;

/**
 * Whether bytes look as if they were random, as what is encrypted does (and what is well compressed): by the entropy of their
 * distribution. Undefined where they are too few to say.
 */
export function looksRandom(bytes: Uint8Array): boolean | undefined {
  if (bytes.length < leastBytes) return undefined;
  const counts = new Uint32Array(256);
  for (const byte of bytes) (counts[byte] as number)++;
  let entropy = 0;
  for (const count of counts) {
    if (count === 0) continue;
    const share = count / bytes.length;
    entropy -= share * Math.log2(share);
  }
  // The entropy of a sample is below that of its source: Miller and Madow, 1955.
  const expected = 8 - 255 / (2 * Math.LN2 * bytes.length);
  return entropy >= expected - nearlyBits;
}
