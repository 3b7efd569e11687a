// CRC-32C (Castagnoli, reflected, polynomial 0x82F63B78), sixteen bytes per step from sixteen tables.
// Memory: the tables lie below INPUT, and zeroes right before it; everything from INPUT on belongs to the caller.

const POLYNOMIAL: u32 = 0x82f63b78;
const TABLES: usize = 1024;
const TABLE_BYTES: usize = 1024;
const INPUT: usize = 32768;

/** Where the caller may put bytes. */
export function input(): usize {
  return INPUT;
}

/** Fills the tables; must be called once, before anything else. */
export function initialize(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    store<u32>(TABLES + (byte << 2), crc);
  }
  for (let table: usize = 1; table < 16; table++) {
    for (let byte: usize = 0; byte < 256; byte++) {
      const before = load<u32>(TABLES + (table - 1) * TABLE_BYTES + (byte << 2));
      const after = (before >>> 8) ^ load<u32>(TABLES + (<usize>(before & 255) << 2));
      store<u32>(TABLES + table * TABLE_BYTES + (byte << 2), after);
    }
  }
}

// One lookup in table `table` (a constant, folded into the load's offset).
// @ts-ignore: decorator
@inline
function at(table: usize, byte: u32): u32 {
  return load<u32>(TABLES + table * TABLE_BYTES + (<usize>(byte & 255) << 2));
}

// @ts-ignore: decorator
@inline
function word(table: usize, value: u32): u32 {
  return (
    at(table + 3, value) ^ at(table + 2, value >>> 8) ^ at(table + 1, value >>> 16) ^ at(table, value >>> 24)
  );
}

function step(crc: u32, start: usize, length: usize): u32 {
  let p = start;
  const end = start + length;
  while (p + 16 <= end) {
    crc =
      word(12, load<u32>(p) ^ crc) ^ word(8, load<u32>(p, 4)) ^ word(4, load<u32>(p, 8)) ^ word(0, load<u32>(p, 12));
    p += 16;
  }
  if (p + 8 <= end) {
    crc = word(4, load<u32>(p) ^ crc) ^ word(0, load<u32>(p, 4));
    p += 8;
  }
  while (p < end) {
    crc = at(0, crc ^ load<u8>(p)) ^ (crc >>> 8);
    p++;
  }
  return crc;
}

/** The checksum of the bytes whose earlier part has the checksum `previous` (0 for none). */
export function update(previous: u32, start: usize, length: usize): u32 {
  return ~step(~previous, start, length);
}

// What is long is first folded to FOLDED bytes that have the same checksum, 16 bytes at a time, without a table:
// x^209 + x^144 + x^54 + x^39 + x^14 + 1 is a multiple of the polynomial, and so is the same of x^128 (squaring a sum of
// powers of x modulo 2 squares each). Adding a multiple changes no remainder, so a block of 128 bits may be taken away where
// it is and added 65, 155, 170, 195 and 209 blocks further on.
const D1: usize = 65 * 16;
const D2: usize = 155 * 16;
const D3: usize = 170 * 16;
const D4: usize = 195 * 16;
const D5: usize = 209 * 16;
const FOLDED: usize = D5;
const WORTHWHILE: usize = 4 * FOLDED;

// The block at `p` with all that was taken away before it and lands here. Before INPUT there are zeroes.
// @ts-ignore: decorator
@inline
function gather(p: usize): void {
  const near = v128.xor(v128.load(p), v128.load(p - D1));
  const far = v128.xor(v128.load(p - D2), v128.load(p - D3));
  v128.store(p, v128.xor(v128.xor(near, far), v128.xor(v128.load(p - D4), v128.load(p - D5))));
}

// What was taken away less than `distance` before `tail` lands within `tail`.
function land(tail: usize, distance: usize): void {
  for (let p = tail; p < tail + distance; p += 16) {
    v128.store(p, v128.xor(v128.load(p), v128.load(p - distance)));
  }
}

/** As `update`, of the `length` bytes from `input()` on, which are overwritten; faster the longer they are. */
export function consume(previous: u32, length: usize): u32 {
  if (length < WORTHWHILE) return update(previous, INPUT, length);
  // What came before counts as if it were part of the first bytes.
  store<u32>(INPUT, load<u32>(INPUT) ^ ~previous);
  const tail = INPUT + ((length - FOLDED) & ~63);
  for (let p = INPUT; p < tail; p += 64) {
    gather(p);
    gather(p + 16);
    gather(p + 32);
    gather(p + 48);
  }
  land(tail, D1);
  land(tail, D2);
  land(tail, D3);
  land(tail, D4);
  land(tail, D5);
  return ~step(0, tail, INPUT + length - tail);
}

/** The checksum of a WAL record: over what follows its 24-byte header, then over the header before xl_crc. */
export function record(start: usize, length: usize): u32 {
  return ~step(step(~0, start + 24, length - 24), start, 20);
}
