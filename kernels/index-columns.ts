// Index files and pack headers to columns, and columns to index files (see src/repository/format/index-columns.ts).
//
// An index file, exactly as restic writes it:
//   {"packs":[{"id":"<hex>","blobs":[{"id":"<hex>","type":"data","offset":0,"length":1,"uncompressed_length":1},...]},...]}
//
// It comes in pieces; what begins in one and ends in the next is left to the next. Hex digits are taken 16 at a time,
// names 8 bytes at a time: fast also before the optimizing compiler has seen it.
const INPUT: usize = 4096;
const INPUT_BYTES: usize = 262144;
/** No entry is longer, numbers included; as much after the input may be read, and must be zero. */
const LONGEST: usize = 192;
const IDS: usize = INPUT + INPUT_BYTES + LONGEST;
/** An entry with its comma has at least 110 bytes. */
const MOST_ROWS: usize = INPUT_BYTES / 110 + 1;
const PLACES: usize = IDS + MOST_ROWS * 32;
/** Name (32 bytes), and the row of this piece at which the pack begins. */
const PACKS: usize = PLACES + MOST_ROWS * 16;

const AT_FILE = 0;
const AT_PACK = 1;
const AT_BLOB = 2;
const AT_END = 3;

let state: i32 = AT_FILE;
let rows: usize = 0;
/** Where the next blob of a pack header lies in the pack. */
let offset: u64 = 0;
let packs: usize = 0;
/** Where the next token begins. */
let at: usize = 0;

export function inputAt(): usize {
  return INPUT;
}
export function mostRows(): usize {
  return MOST_ROWS;
}
export function inputBytes(): usize {
  return INPUT_BYTES;
}
export function idsAt(): usize {
  return IDS;
}
export function placesAt(): usize {
  return PLACES;
}
export function packsAt(): usize {
  return PACKS;
}
export function rowCount(): usize {
  return rows;
}
export function packCount(): usize {
  return packs;
}
export function isAtEnd(): bool {
  return state == AT_END;
}

/** Starts a new file, or a new pack header. */
export function begin(): void {
  state = AT_FILE;
  offset = 0;
}

/** Takes the input; after the last piece nothing may be left. How much was taken, or -1 where it is in any other form. */
export function scan(length: usize, isLast: bool): i32 {
  const end = INPUT + length;
  at = INPUT;
  rows = 0;
  packs = 0;
  while (state != AT_END && (isLast || at + LONGEST <= end)) {
    if (state == AT_BLOB) {
      if (!blob()) return -1;
    } else if (state == AT_PACK) {
      if (!pack()) return -1;
    } else if (load<u64>(at) == 0x22736b636170227b && load<u16>(at, 8) == 0x5b3a) {
      // {"packs":[
      at += 10;
      state = AT_PACK;
    } else return -1;
    if (at > end) return -1;
  }
  if (state == AT_END && at < end && load<u8>(at) == 0x0a) at++;
  return <i32>(at - INPUT);
}

// {"id":"<hex>","blobs":[
function pack(): bool {
  if ((load<u64>(at) & 0x00ffffffffffffff) != 0x00223a226469227b) return false;
  const to = PACKS + packs * 36;
  if (!hash(at + 7, to)) return false;
  store<u32>(to, <u32>rows, 32);
  if (load<u64>(at, 71) != 0x73626f6c62222c22 || (load<u32>(at, 79) & 0xffffff) != 0x5b3a22) return false;
  at += 82;
  packs++;
  state = AT_BLOB;
  return true;
}

// {"id":"<hex>","type":"data","offset":0,"length":1,"uncompressed_length":1}, and what follows it
function blob(): bool {
  if (rows >= MOST_ROWS) return false;
  if ((load<u64>(at) & 0x00ffffffffffffff) != 0x00223a226469227b) return false;
  if (!hash(at + 7, IDS + rows * 32)) return false;
  if (load<u64>(at, 71) != 0x2265707974222c22 || load<u16>(at, 79) != 0x223a) return false;
  const kind = load<u32>(at, 81);
  const isTree = kind == 0x65657274;
  if (!isTree && kind != 0x61746164) return false;
  // ","offset":
  if (load<u64>(at, 85) != 0x657366666f222c22 || (load<u32>(at, 93) & 0xffffff) != 0x3a2274) return false;
  at += 96;
  const start = number();
  // ,"length":
  if (load<u64>(at) != 0x6874676e656c222c || load<u16>(at, 8) != 0x3a22) return false;
  at += 10;
  const length = number();
  let plain: u64 = 0;
  if (load<u8>(at) == 0x2c) {
    // ,"uncompressed_length":
    const isNamed =
      load<u64>(at) == 0x706d6f636e75222c &&
      load<u64>(at, 8) == 0x6c5f646573736572 &&
      (load<u64>(at, 16) & 0x00ffffffffffffff) == 0x003a226874676e65;
    if (!isNamed) return false;
    at += 23;
    plain = number();
  }
  if (load<u8>(at) != 0x7d) return false;
  if (start > 0xffffffff || length > 0xffffffff || plain > 0xffffffff) return false;
  const to = PLACES + rows * 16;
  store<u32>(to, isTree ? 1 : 0);
  store<u32>(to, <u32>start, 4);
  store<u32>(to, <u32>length, 8);
  store<u32>(to, <u32>plain, 12);
  rows++;
  return next();
}

// What follows the brace of a blob: another blob, the end of the pack, the end of the file.
function next(): bool {
  const after = load<u8>(at, 1);
  if (after == 0x2c) {
    at += 2;
    return true;
  }
  // ]}
  if (after != 0x5d || load<u8>(at, 2) != 0x7d) return false;
  if (load<u8>(at, 3) == 0x2c) {
    at += 4;
    state = AT_PACK;
    return true;
  }
  // ]}
  if (load<u16>(at, 3) != 0x7d5d) return false;
  at += 5;
  state = AT_END;
  return true;
}

// Digits at `at`, without needless zeros; more than 32 bits where it is none.
function number(): u64 {
  const start = at;
  let value: u64 = 0;
  for (; at < start + 11; at++) {
    const digit: u32 = <u32>load<u8>(at) - 0x30;
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  const isNone = at == start || at == start + 11 || (at > start + 1 && load<u8>(start) == 0x30);
  return isNone ? u64.MAX_VALUE : value;
}

// 64 lower-case hex digits, not all zero, become 32 bytes.
function hash(from: usize, to: usize): bool {
  const first = half(from, to);
  const second = half(from + 32, to + 16);
  if (!first || !second) return false;
  return v128.any_true(v128.or(v128.load(to), v128.load(to, 16)));
}

// @ts-ignore: decorator
@inline
function half(from: usize, to: usize): bool {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  if (!i8x16.all_true(isHex(a)) || !i8x16.all_true(isHex(b))) return false;
  v128.store(to, i8x16.narrow_i16x8_u(bytesOf(a), bytesOf(b)));
  return true;
}

// @ts-ignore: decorator
@inline
function isLetter(text: v128): v128 {
  return v128.and(i8x16.ge_u(text, i8x16.splat(0x61)), i8x16.le_u(text, i8x16.splat(0x66)));
}

// @ts-ignore: decorator
@inline
function isHex(text: v128): v128 {
  const isDigit = v128.and(i8x16.ge_u(text, i8x16.splat(0x30)), i8x16.le_u(text, i8x16.splat(0x39)));
  return v128.or(isDigit, isLetter(text));
}

// Sixteen digits as eight bytes in 16-bit lanes: a lane has the high digit in its low byte.
// @ts-ignore: decorator
@inline
function bytesOf(text: v128): v128 {
  const nine = v128.and(isLetter(text), i8x16.splat(9));
  const digits = i8x16.add(v128.and(text, i8x16.splat(0x0f)), nine);
  const joined = v128.or(i16x8.shl(digits, 4), i16x8.shr_u(digits, 8));
  return v128.and(joined, i16x8.splat(0xff));
}

/** Takes the input as a piece of a pack header. How much was taken, or -1 where an entry is none. */
export function unpack(length: usize): i32 {
  const end = INPUT + length;
  at = INPUT;
  rows = 0;
  while (at < end && rows < MOST_ROWS) {
    const kind = load<u8>(at);
    if (kind > 3) return -1;
    const isCompressed = kind > 1;
    const id = at + (isCompressed ? 9 : 5);
    if (id + 32 > end) break;
    const stored = load<u32>(at, 1);
    const to = PLACES + rows * 16;
    store<u32>(to, kind & 1);
    if (offset > 0xffffffff) return -1;
    store<u32>(to, <u32>offset, 4);
    store<u32>(to, stored, 8);
    store<u32>(to, isCompressed ? load<u32>(at, 5) : 0, 12);
    v128.store(IDS + rows * 32, v128.load(id));
    v128.store(IDS + rows * 32, v128.load(id, 16), 16);
    offset += stored;
    rows++;
    at = id + 32;
  }
  return <i32>(at - INPUT);
}

/** Writes the first `count` rows over the input, with commas between. How many bytes. */
export function write(count: usize): usize {
  at = INPUT;
  for (let row: usize = 0; row < count; row++) {
    if (row > 0) store<u8>(at++, 0x2c);
    // {"id":"
    store<u64>(at, 0x00223a226469227b);
    writeHash(IDS + row * 32, at + 7);
    // ","type":"
    store<u64>(at, 0x2265707974222c22, 71);
    store<u16>(at, 0x223a, 79);
    const place = PLACES + row * 16;
    store<u32>(at, load<u32>(place) == 1 ? 0x65657274 : 0x61746164, 81);
    // ","offset":
    store<u64>(at, 0x657366666f222c22, 85);
    store<u32>(at, 0x3a2274, 93);
    at += 96;
    writeNumber(load<u32>(place, 4));
    // ,"length":
    store<u64>(at, 0x6874676e656c222c);
    store<u16>(at, 0x3a22, 8);
    at += 10;
    writeNumber(load<u32>(place, 8));
    const plain = load<u32>(place, 12);
    if (plain != 0) {
      // ,"uncompressed_length":
      store<u64>(at, 0x706d6f636e75222c);
      store<u64>(at, 0x6c5f646573736572, 8);
      store<u64>(at, 0x003a226874676e65, 16);
      at += 23;
      writeNumber(plain);
    }
    store<u8>(at++, 0x7d);
  }
  return at - INPUT;
}

function writeNumber(value: u32): void {
  let digits: usize = 1;
  for (let rest = value; rest > 9; rest /= 10) digits++;
  for (let i = digits; i > 0; i--) {
    store<u8>(at + i - 1, <u8>(0x30 + (value % 10)));
    value /= 10;
  }
  at += digits;
}

function writeHash(from: usize, to: usize): void {
  writeHalf(v128.load(from), to);
  writeHalf(v128.load(from, 16), to + 32);
}

// @ts-ignore: decorator
@inline
function writeHalf(bytes: v128, to: usize): void {
  const high = i8x16.shr_u(bytes, 4);
  const low = v128.and(bytes, i8x16.splat(0x0f));
  // 0123456789abcdef
  const digits = i64x2(0x3736353433323130, 0x6665646362613938);
  // High and low digits in turn.
  const first = i8x16.shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const second = i8x16.shuffle(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(to, i8x16.swizzle(digits, first));
  v128.store(to, i8x16.swizzle(digits, second), 16);
}
