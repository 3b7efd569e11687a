import { crc32c } from '../../src/wal/index.ts';

const pageBytes = 8192;

export interface BuiltBlock {
  readonly id: number;
  readonly fork?: number;
  readonly relation: readonly [tablespace: number, database: number, filenode: number];
  readonly block: number;
  readonly data?: Uint8Array;
  /** A whole page, stored as it is. */
  readonly image?: Uint8Array;
}

export interface BuiltRecord {
  readonly manager: number;
  readonly info?: number;
  readonly xid?: number;
  readonly main?: Uint8Array;
  readonly blocks?: readonly BuiltBlock[];
}

/** Makes WAL, for what real servers write too seldom. */
export class WalBuilder {
  readonly #magic: number;
  readonly #segmentBytes: number;
  readonly #start: number;
  timeline = 1;
  #pages: Buffer[] = [];
  #previous = 0;
  /** Offset in the last page; a multiple of 8. */
  #at = pageBytes;

  constructor(options: { start?: number; magic?: number; segmentBytes?: number } = {}) {
    this.#start = options.start ?? 2 ** 24;
    this.#magic = options.magic ?? 0xd118;
    this.#segmentBytes = options.segmentBytes ?? 2 ** 20;
  }

  get startLsn(): bigint {
    return BigInt(this.#start);
  }

  get position(): number {
    return this.#start + (this.#pages.length - 1) * pageBytes + this.#at;
  }

  /** Begins a page. `flags` besides the long header's: 1 continues a record, 8 gives it up. */
  page(flags = 0, remainingBytes = 0): void {
    const position = this.#start + this.#pages.length * pageBytes;
    const long = position % this.#segmentBytes === 0;
    const page = Buffer.alloc(pageBytes);
    page.writeUInt16LE(this.#magic, 0);
    page.writeUInt16LE(flags | (long ? 2 : 0), 2);
    page.writeUInt32LE(this.timeline, 4);
    page.writeBigUInt64LE(BigInt(position), 8);
    page.writeUInt32LE(remainingBytes, 16);
    if (long) {
      page.writeBigUInt64LE(77n, 24);
      page.writeUInt32LE(this.#segmentBytes, 32);
      page.writeUInt32LE(pageBytes, 36);
    }
    this.#pages.push(page);
    this.#at = long ? 40 : 24;
  }

  /** Appends a record, over as many pages as it needs; returns where it begins. */
  record(record: BuiltRecord): number {
    return this.#append(encode(record, this.#previousOf(), this.#magic), Number.POSITIVE_INFINITY);
  }

  /** Appends a record's bytes up to the end of the page, as a crash in the middle of it leaves them. */
  tornRecord(record: BuiltRecord): number {
    const previous = this.#previous;
    const start = this.#append(encode(record, this.#previousOf(), this.#magic), 1);
    this.#previous = previous;
    return start;
  }

  /** A switch record, and an empty rest of the segment. */
  switchSegment(): void {
    this.record({ manager: 0, info: 0x40 });
    while ((this.#start + this.#pages.length * pageBytes) % this.#segmentBytes !== 0) {
      this.#pages.push(Buffer.alloc(pageBytes));
    }
    this.#at = pageBytes;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pages);
  }

  #previousOf(): number {
    if (this.#at === pageBytes) this.page();
    return this.#previous;
  }

  #append(bytes: Buffer, pages: number): number {
    const start = this.position;
    let written = 0;
    for (let left = pages; written < bytes.length && left > 0; left--) {
      if (this.#at === pageBytes) this.page(1, bytes.length - written);
      const page = this.#pages.at(-1) as Buffer;
      const take = Math.min(pageBytes - this.#at, bytes.length - written);
      bytes.copy(page, this.#at, written, written + take);
      written += take;
      this.#at += take;
    }
    this.#at = Math.ceil(this.#at / 8) * 8;
    this.#previous = start;
    return start;
  }
}

function encode(record: BuiltRecord, previous: number, magic: number): Buffer {
  // "Apply the image" has another bit since 15.
  const applies = magic < 0xd110 ? 4 : 2;
  const headers: Buffer[] = [];
  const payload: Uint8Array[] = [];
  for (const each of record.blocks ?? []) {
    const image = each.image ?? new Uint8Array(0);
    const data = each.data ?? new Uint8Array(0);
    const flags = (each.fork ?? 0) | (each.image ? 0x10 : 0) | (data.length > 0 ? 0x20 : 0);
    headers.push(Buffer.from([each.id, flags, data.length & 255, data.length >> 8]));
    if (each.image)
      headers.push(Buffer.from([image.length & 255, image.length >> 8, 0, 0, applies]));
    headers.push(words(...each.relation, each.block));
    payload.push(image, data);
  }
  const main = record.main ?? new Uint8Array(0);
  if (main.length > 255) headers.push(Buffer.concat([Buffer.from([254]), words(main.length)]));
  else if (main.length > 0) headers.push(Buffer.from([255, main.length]));
  const body = Buffer.concat([...headers, ...payload, main]);
  const bytes = Buffer.concat([Buffer.alloc(24), body]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(record.xid ?? 0, 4);
  bytes.writeBigUInt64LE(BigInt(previous), 8);
  bytes.writeUInt8(record.info ?? 0, 16);
  bytes.writeUInt8(record.manager, 17);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 20), crc32c(body)), 20);
  return bytes;
}

/** Little-endian 32-bit words, as most of WAL consists of. */
export function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32LE(value >>> 0, index * 4);
  return buffer;
}
