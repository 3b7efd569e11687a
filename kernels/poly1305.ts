// Poly1305 (RFC 8439 section 2.5) with five 26-bit limbs in 64-bit integers. Four blocks are taken per round with
// r^4, r^3, r^2 and r, so that three of the four products do not wait for the one before and carries are
// propagated once per 64 bytes. The caller owns the memory; see src/repository/crypto/poly1305.ts.
//
//   0  key: r (16 bytes, clamped here), s (16 bytes)      32  tag      64  h: 5 x u64
//   128  r^1, 256  r^2, 384  r^3, 512  r^4: each 5 x u64, then 5 x limb times five
const KEY: usize = 0;
const TAG: usize = 32;
const H: usize = 64;
const R1: usize = 128;
const R2: usize = 256;
const R3: usize = 384;
const R4: usize = 512;
const FIVE: usize = 40;
const MASK: u64 = 0x3ffffff;

/** Reads the key at 0 and starts a new message. */
export function init(): void {
  const lo = load<u64>(KEY) & 0x0ffffffc0fffffff;
  const hi = load<u64>(KEY, 8) & 0x0ffffffc0ffffffc;
  storePower(
    R1,
    lo & MASK,
    (lo >> 26) & MASK,
    ((lo >> 52) | (hi << 12)) & MASK,
    (hi >> 14) & MASK,
    hi >> 40,
  );
  nextPower(R1, R2);
  nextPower(R2, R3);
  nextPower(R3, R4);
  memory.fill(H, 0, 40);
}

function storePower(at: usize, l0: u64, l1: u64, l2: u64, l3: u64, l4: u64): void {
  store<u64>(at, l0);
  store<u64>(at, l1, 8);
  store<u64>(at, l2, 16);
  store<u64>(at, l3, 24);
  store<u64>(at, l4, 32);
  store<u64>(at + FIVE, l0 * 5);
  store<u64>(at + FIVE, l1 * 5, 8);
  store<u64>(at + FIVE, l2 * 5, 16);
  store<u64>(at + FIVE, l3 * 5, 24);
  store<u64>(at + FIVE, l4 * 5, 32);
}

// `to` = `from` * r. h serves as the accumulator; init clears it afterwards.
function nextPower(from: usize, to: usize): void {
  for (let limb: usize = 0; limb < 40; limb += 8) store<u64>(H + limb, load<u64>(from + limb));
  multiplyByR();
  storePower(to, load<u64>(H), load<u64>(H, 8), load<u64>(H, 16), load<u64>(H, 24), load<u64>(H, 32));
}

// h *= r mod 2^130 - 5, limbs partly reduced.
function multiplyByR(): void {
  const h0 = load<u64>(H), h1 = load<u64>(H, 8), h2 = load<u64>(H, 16), h3 = load<u64>(H, 24), h4 = load<u64>(H, 32);
  const r0 = load<u64>(R1), r1 = load<u64>(R1, 8), r2 = load<u64>(R1, 16), r3 = load<u64>(R1, 24), r4 = load<u64>(R1, 32);
  const s1 = r1 * 5, s2 = r2 * 5, s3 = r3 * 5, s4 = r4 * 5;
  let d0 = h0 * r0 + h1 * s4 + h2 * s3 + h3 * s2 + h4 * s1;
  let d1 = h0 * r1 + h1 * r0 + h2 * s4 + h3 * s3 + h4 * s2;
  let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s4 + h4 * s3;
  let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s4;
  let d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0;
  d1 += d0 >> 26;
  d2 += d1 >> 26;
  d3 += d2 >> 26;
  d4 += d3 >> 26;
  d0 = (d0 & MASK) + (d4 >> 26) * 5;
  store<u64>(H, d0 & MASK);
  store<u64>(H, (d1 & MASK) + (d0 >> 26), 8);
  store<u64>(H, d2 & MASK, 16);
  store<u64>(H, d3 & MASK, 24);
  store<u64>(H, d4 & MASK, 32);
}

function addBlock(lo: u64, hi: u64, bit: u64): void {
  store<u64>(H, load<u64>(H) + (lo & MASK));
  store<u64>(H, load<u64>(H, 8) + ((lo >> 26) & MASK), 8);
  store<u64>(H, load<u64>(H, 16) + (((lo >> 52) | (hi << 12)) & MASK), 16);
  store<u64>(H, load<u64>(H, 24) + ((hi >> 14) & MASK), 24);
  store<u64>(H, load<u64>(H, 32) + ((hi >> 40) | bit), 32);
}

/** Takes `length` bytes at `at`. `length` is a multiple of 16, except in the last call before `finish`. */
export function update(at: usize, length: usize): void {
  let end = at + (length & ~63);
  let h0 = load<u64>(H), h1 = load<u64>(H, 8), h2 = load<u64>(H, 16), h3 = load<u64>(H, 24), h4 = load<u64>(H, 32);
  for (; at < end; at += 64) {
    let lo = load<u64>(at), hi = load<u64>(at, 8);
    let m0 = h0 + (lo & MASK);
    let m1 = h1 + ((lo >> 26) & MASK);
    let m2 = h2 + (((lo >> 52) | (hi << 12)) & MASK);
    let m3 = h3 + ((hi >> 14) & MASK);
    let m4 = h4 + ((hi >> 40) | 0x1000000);
    let d0 = m0 * load<u64>(R4) + m1 * load<u64>(R4, 72) + m2 * load<u64>(R4, 64) + m3 * load<u64>(R4, 56) + m4 * load<u64>(R4, 48);
    let d1 = m0 * load<u64>(R4, 8) + m1 * load<u64>(R4) + m2 * load<u64>(R4, 72) + m3 * load<u64>(R4, 64) + m4 * load<u64>(R4, 56);
    let d2 = m0 * load<u64>(R4, 16) + m1 * load<u64>(R4, 8) + m2 * load<u64>(R4) + m3 * load<u64>(R4, 72) + m4 * load<u64>(R4, 64);
    let d3 = m0 * load<u64>(R4, 24) + m1 * load<u64>(R4, 16) + m2 * load<u64>(R4, 8) + m3 * load<u64>(R4) + m4 * load<u64>(R4, 72);
    let d4 = m0 * load<u64>(R4, 32) + m1 * load<u64>(R4, 24) + m2 * load<u64>(R4, 16) + m3 * load<u64>(R4, 8) + m4 * load<u64>(R4);
    lo = load<u64>(at, 16);
    hi = load<u64>(at, 24);
    m0 = lo & MASK;
    m1 = (lo >> 26) & MASK;
    m2 = ((lo >> 52) | (hi << 12)) & MASK;
    m3 = (hi >> 14) & MASK;
    m4 = (hi >> 40) | 0x1000000;
    d0 += m0 * load<u64>(R3) + m1 * load<u64>(R3, 72) + m2 * load<u64>(R3, 64) + m3 * load<u64>(R3, 56) + m4 * load<u64>(R3, 48);
    d1 += m0 * load<u64>(R3, 8) + m1 * load<u64>(R3) + m2 * load<u64>(R3, 72) + m3 * load<u64>(R3, 64) + m4 * load<u64>(R3, 56);
    d2 += m0 * load<u64>(R3, 16) + m1 * load<u64>(R3, 8) + m2 * load<u64>(R3) + m3 * load<u64>(R3, 72) + m4 * load<u64>(R3, 64);
    d3 += m0 * load<u64>(R3, 24) + m1 * load<u64>(R3, 16) + m2 * load<u64>(R3, 8) + m3 * load<u64>(R3) + m4 * load<u64>(R3, 72);
    d4 += m0 * load<u64>(R3, 32) + m1 * load<u64>(R3, 24) + m2 * load<u64>(R3, 16) + m3 * load<u64>(R3, 8) + m4 * load<u64>(R3);
    lo = load<u64>(at, 32);
    hi = load<u64>(at, 40);
    m0 = lo & MASK;
    m1 = (lo >> 26) & MASK;
    m2 = ((lo >> 52) | (hi << 12)) & MASK;
    m3 = (hi >> 14) & MASK;
    m4 = (hi >> 40) | 0x1000000;
    d0 += m0 * load<u64>(R2) + m1 * load<u64>(R2, 72) + m2 * load<u64>(R2, 64) + m3 * load<u64>(R2, 56) + m4 * load<u64>(R2, 48);
    d1 += m0 * load<u64>(R2, 8) + m1 * load<u64>(R2) + m2 * load<u64>(R2, 72) + m3 * load<u64>(R2, 64) + m4 * load<u64>(R2, 56);
    d2 += m0 * load<u64>(R2, 16) + m1 * load<u64>(R2, 8) + m2 * load<u64>(R2) + m3 * load<u64>(R2, 72) + m4 * load<u64>(R2, 64);
    d3 += m0 * load<u64>(R2, 24) + m1 * load<u64>(R2, 16) + m2 * load<u64>(R2, 8) + m3 * load<u64>(R2) + m4 * load<u64>(R2, 72);
    d4 += m0 * load<u64>(R2, 32) + m1 * load<u64>(R2, 24) + m2 * load<u64>(R2, 16) + m3 * load<u64>(R2, 8) + m4 * load<u64>(R2);
    lo = load<u64>(at, 48);
    hi = load<u64>(at, 56);
    m0 = lo & MASK;
    m1 = (lo >> 26) & MASK;
    m2 = ((lo >> 52) | (hi << 12)) & MASK;
    m3 = (hi >> 14) & MASK;
    m4 = (hi >> 40) | 0x1000000;
    d0 += m0 * load<u64>(R1) + m1 * load<u64>(R1, 72) + m2 * load<u64>(R1, 64) + m3 * load<u64>(R1, 56) + m4 * load<u64>(R1, 48);
    d1 += m0 * load<u64>(R1, 8) + m1 * load<u64>(R1) + m2 * load<u64>(R1, 72) + m3 * load<u64>(R1, 64) + m4 * load<u64>(R1, 56);
    d2 += m0 * load<u64>(R1, 16) + m1 * load<u64>(R1, 8) + m2 * load<u64>(R1) + m3 * load<u64>(R1, 72) + m4 * load<u64>(R1, 64);
    d3 += m0 * load<u64>(R1, 24) + m1 * load<u64>(R1, 16) + m2 * load<u64>(R1, 8) + m3 * load<u64>(R1) + m4 * load<u64>(R1, 72);
    d4 += m0 * load<u64>(R1, 32) + m1 * load<u64>(R1, 24) + m2 * load<u64>(R1, 16) + m3 * load<u64>(R1, 8) + m4 * load<u64>(R1);
    // Two carry chains side by side (0 to 3 and 3 to 0) shorten the wait.
    d1 += d0 >> 26;
    h0 = d0 & MASK;
    d4 += d3 >> 26;
    h3 = d3 & MASK;
    d2 += d1 >> 26;
    h1 = d1 & MASK;
    h0 += (d4 >> 26) * 5;
    h4 = d4 & MASK;
    h3 += d2 >> 26;
    h2 = d2 & MASK;
    h1 += h0 >> 26;
    h0 &= MASK;
    h4 += h3 >> 26;
    h3 &= MASK;
  }
  store<u64>(H, h0);
  store<u64>(H, h1, 8);
  store<u64>(H, h2, 16);
  store<u64>(H, h3, 24);
  store<u64>(H, h4, 32);
  end = at + (length & 48);
  for (; at < end; at += 16) {
    addBlock(load<u64>(at), load<u64>(at, 8), 0x1000000);
    multiplyByR();
  }
  const rest = length & 15;
  if (rest != 0) {
    let lo: u64 = 0, hi: u64 = 0;
    for (let i: usize = 0; i < rest; i++) {
      const byte = <u64>load<u8>(at + i);
      if (i < 8) lo |= byte << (<u64>i * 8);
      else hi |= byte << (<u64>(i - 8) * 8);
    }
    if (rest < 8) lo |= <u64>1 << (<u64>rest * 8);
    else hi |= <u64>1 << (<u64>(rest - 8) * 8);
    addBlock(lo, hi, 0);
    multiplyByR();
  }
}

/** Writes the 16-byte tag at 32. */
export function finish(): void {
  let h0 = load<u64>(H), h1 = load<u64>(H, 8), h2 = load<u64>(H, 16), h3 = load<u64>(H, 24), h4 = load<u64>(H, 32);
  // Twice: the first round may leave a carry out of the top limb.
  for (let round = 0; round < 2; round++) {
    h1 += h0 >> 26;
    h0 &= MASK;
    h2 += h1 >> 26;
    h1 &= MASK;
    h3 += h2 >> 26;
    h2 &= MASK;
    h4 += h3 >> 26;
    h3 &= MASK;
    h0 += (h4 >> 26) * 5;
    h4 &= MASK;
  }
  h1 += h0 >> 26;
  h0 &= MASK;
  // g = h + 5 - 2^130; take g when it is not negative.
  let g0 = h0 + 5;
  let g1 = h1 + (g0 >> 26);
  let g2 = h2 + (g1 >> 26);
  let g3 = h3 + (g2 >> 26);
  const g4 = h4 + (g3 >> 26) - 0x4000000;
  const useH: u64 = 0 - (g4 >> 63);
  h0 = (h0 & useH) | (g0 & MASK & ~useH);
  h1 = (h1 & useH) | (g1 & MASK & ~useH);
  h2 = (h2 & useH) | (g2 & MASK & ~useH);
  h3 = (h3 & useH) | (g3 & MASK & ~useH);
  h4 = (h4 & useH) | (g4 & MASK & ~useH);
  const lo = h0 | (h1 << 26) | (h2 << 52);
  const hi = (h2 >> 12) | (h3 << 14) | (h4 << 40);
  const sum = lo + load<u64>(KEY, 16);
  const carry: u64 = sum < lo ? 1 : 0;
  store<u64>(TAG, sum);
  store<u64>(TAG, hi + load<u64>(KEY, 24) + carry, 8);
}
