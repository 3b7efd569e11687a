// CRC-32C (Castagnoli, reflected, polynomial 0x82F63B78), sixteen bytes per step from sixteen tables.
// Memory: the tables lie below INPUT; everything from INPUT on belongs to the caller.

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

/** The checksum of a WAL record: over what follows its 24-byte header, then over the header before xl_crc. */
export function record(start: usize, length: usize): u32 {
  return ~step(step(~0, start + 24, length - 24), start, 20);
}
