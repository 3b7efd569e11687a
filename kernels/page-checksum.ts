// PostgreSQL's page checksum (storage/checksum_impl.h): 32 FNV-1a-like sums side by side, as 8 vectors.
// Tested against a scalar reference and against the pages of real servers.

const PRIME: i32 = 16777619;

// @ts-ignore: decorator
@inline
function mix(sum: v128, value: v128): v128 {
  const mixed = v128.xor(sum, value);
  return v128.xor(i32x4.mul(mixed, i32x4.splat(PRIME)), i32x4.shr_u(mixed, 17));
}

/** The checksum that the page at `page` must carry as block `block` of its relation, 1 to 65535. */
export function checksum(page: usize, pageSize: i32, block: u32): u32 {
  let s0 = i32x4(0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a);
  let s1 = i32x4(0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c);
  let s2 = i32x4(0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa);
  let s3 = i32x4(0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb);
  let s4 = i32x4(0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de);
  let s5 = i32x4(0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4);
  let s6 = i32x4(0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e);
  let s7 = i32x4(0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756);
  // The field that holds the checksum counts as zero.
  s0 = mix(s0, v128.and(v128.load(page), i32x4(-1, -1, -65536, -1)));
  s1 = mix(s1, v128.load(page, 16));
  s2 = mix(s2, v128.load(page, 32));
  s3 = mix(s3, v128.load(page, 48));
  s4 = mix(s4, v128.load(page, 64));
  s5 = mix(s5, v128.load(page, 80));
  s6 = mix(s6, v128.load(page, 96));
  s7 = mix(s7, v128.load(page, 112));
  const end = page + pageSize;
  for (let at = page + 128; at < end; at += 128) {
    s0 = mix(s0, v128.load(at));
    s1 = mix(s1, v128.load(at, 16));
    s2 = mix(s2, v128.load(at, 32));
    s3 = mix(s3, v128.load(at, 48));
    s4 = mix(s4, v128.load(at, 64));
    s5 = mix(s5, v128.load(at, 80));
    s6 = mix(s6, v128.load(at, 96));
    s7 = mix(s7, v128.load(at, 112));
  }
  const zero = i32x4.splat(0);
  for (let round = 0; round < 2; round++) {
    s0 = mix(s0, zero);
    s1 = mix(s1, zero);
    s2 = mix(s2, zero);
    s3 = mix(s3, zero);
    s4 = mix(s4, zero);
    s5 = mix(s5, zero);
    s6 = mix(s6, zero);
    s7 = mix(s7, zero);
  }
  const sum = v128.xor(
    v128.xor(v128.xor(s0, s1), v128.xor(s2, s3)),
    v128.xor(v128.xor(s4, s5), v128.xor(s6, s7)),
  );
  const folded: u32 =
    i32x4.extract_lane(sum, 0) ^
    i32x4.extract_lane(sum, 1) ^
    i32x4.extract_lane(sum, 2) ^
    i32x4.extract_lane(sum, 3);
  return ((folded ^ block) % 65535) + 1;
}

function isZero(page: usize, pageSize: i32): bool {
  const end = page + pageSize;
  for (let at = page; at < end; at += 16) {
    if (v128.any_true(v128.load(at))) return false;
  }
  return true;
}

/**
 * Checks `count` pages from `pages` on, the first being block `firstBlock`. Writes the index of each page that
 * fails as u32 to `failures` and returns how many there are. A page never used (pd_upper 0) must be all zero.
 */
export function verify(
  pages: usize,
  count: i32,
  pageSize: i32,
  firstBlock: u32,
  failures: usize,
): i32 {
  let failed = 0;
  for (let index = 0; index < count; index++) {
    const page = pages + index * pageSize;
    const good =
      load<u16>(page, 14) == 0
        ? isZero(page, pageSize)
        : <u32>load<u16>(page, 8) == checksum(page, pageSize, firstBlock + index);
    if (!good) store<u32>(failures + 4 * failed++, index);
  }
  return failed;
}
