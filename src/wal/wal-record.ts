import { type Lsn, lsn } from './lsn.ts';
import { pageBytes, readPosition } from './page-header.ts';
import { decodeImageInfo, WalBlock } from './wal-block.ts';

export const recordHeaderBytes = 24;

const id = { lastBlock: 32, topXid: 252, origin: 253, longData: 254, shortData: 255 } as const;
const flag = { fork: 0x0f, image: 0x10, data: 0x20, willInit: 0x40, sameRelation: 0x80 } as const;

/**
 * One record: a cursor that the reader moves, never a copy. Everything it hands out, `bytes` too, is valid
 * only until the reader's next record. Positions are numbers (exact up to 2^53); `lsn` makes the 64-bit one.
 */
export class WalRecord {
  /** Holds the record from `offset` on, page headers taken out. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  offset = 0;
  lengthBytes = 0;
  /** Where the record begins, and where the next one may begin. */
  start = 0;
  end = 0;
  /** Timeline of the page on which the record begins. */
  timeline = 0;
  /** PostgreSQL's major version. */
  major = 0;
  xid = 0;
  resourceManager = 0;
  /** The upper four bits of xl_info: the resource manager's own. */
  info = 0;
  /** Top-level transaction that `xid` belongs to, where the record says so (14+, wal_level=logical); else 0. */
  topXid = 0;
  mainOffset = 0;
  mainBytes = 0;
  blockCount = 0;
  readonly #blocks: WalBlock[] = [];

  get lsn(): Lsn {
    return lsn(BigInt(this.start));
  }

  get endLsn(): Lsn {
    return lsn(BigInt(this.end));
  }

  get previous(): number {
    return readPosition(this.view, this.offset + 8);
  }

  /** The main data, as a view that is valid until the next record. */
  mainData(): Uint8Array {
    return this.bytes.subarray(this.mainOffset, this.mainOffset + this.mainBytes);
  }

  /** The `index`-th reference, from 0 to `blockCount` - 1. Their order means nothing: see `block`. */
  blockAt(index: number): WalBlock {
    return this.#blocks[index] as WalBlock;
  }

  /**
   * The reference with that id. What a block is for is told by its id and fork, never by its place: minor
   * releases have added references.
   */
  block(blockId: number): WalBlock | undefined {
    for (let index = 0; index < this.blockCount; index++) {
      const block = this.#blocks[index] as WalBlock;
      if (block.id === blockId) return block;
    }
    return undefined;
  }

  /**
   * Moves the cursor to the record of `lengthBytes` at `offset` and decodes its references. Returns what is
   * wrong with it, or undefined. `offset` + `lengthBytes` must lie inside `bytes`.
   */
  decode(
    bytes: Uint8Array,
    view: DataView,
    offset: number,
    lengthBytes: number,
  ): string | undefined {
    this.bytes = bytes;
    this.view = view;
    this.offset = offset;
    this.lengthBytes = lengthBytes;
    this.xid = view.getUint32(offset + 4, true);
    this.info = view.getUint8(offset + 16) & 0xf0;
    this.resourceManager = view.getUint8(offset + 17);
    this.topXid = 0;
    this.mainBytes = 0;
    this.blockCount = 0;

    const end = offset + lengthBytes;
    let at = offset + recordHeaderBytes;
    let payload = 0;
    while (end - at > payload) {
      const kind = view.getUint8(at);
      // Every kind's fixed part, so that no read below leaves the record.
      const room = end - at;
      if (kind <= id.lastBlock) {
        if (room < 8) return 'a block reference is cut off';
        const after = this.#decodeBlock(at, end);
        if (after < 0) return 'a block reference does not parse';
        const block = this.#blocks[this.blockCount - 1] as WalBlock;
        payload += block.imageBytes + block.dataBytes;
        at = after;
      } else if (kind === id.shortData) {
        if (room < 2) return 'the main data is cut off';
        this.mainBytes = view.getUint8(at + 1);
        payload += this.mainBytes;
        at += 2;
        break;
      } else if (kind === id.longData) {
        if (room < 5) return 'the main data is cut off';
        this.mainBytes = view.getUint32(at + 1, true);
        payload += this.mainBytes;
        at += 5;
        break;
      } else if (kind === id.origin) {
        at += 3;
      } else if (kind === id.topXid) {
        if (room < 5) return 'the top-level transaction is cut off';
        this.topXid = view.getUint32(at + 1, true);
        at += 5;
      } else return `unknown part ${kind}`;
    }
    if (end - at !== payload) return 'the parts do not add up to the length';
    for (let index = 0; index < this.blockCount; index++) {
      const block = this.#blocks[index] as WalBlock;
      block.imageOffset = at;
      block.dataOffset = at + block.imageBytes;
      at = block.dataOffset + block.dataBytes;
    }
    this.mainOffset = at;
    return undefined;
  }

  /** Decodes one reference; returns the offset behind it, or -1. */
  #decodeBlock(start: number, end: number): number {
    const view = this.view;
    const previous = this.blockCount > 0 ? this.#blocks[this.blockCount - 1] : undefined;
    if (this.blockCount === this.#blocks.length) this.#blocks.push(new WalBlock());
    const block = this.#blocks[this.blockCount] as WalBlock;
    block.id = view.getUint8(start);
    if (previous !== undefined && block.id <= previous.id) return -1;
    const flags = view.getUint8(start + 1);
    block.fork = flags & flag.fork;
    block.willInit = (flags & flag.willInit) !== 0;
    block.hasImage = (flags & flag.image) !== 0;
    block.dataBytes = view.getUint16(start + 2, true);
    if (block.dataBytes > 0 !== ((flags & flag.data) !== 0)) return -1;
    let at = start + 4;
    if (block.hasImage) {
      at = this.#decodeImage(block, at, end);
      if (at < 0) return -1;
    } else {
      block.appliesImage = false;
      block.imageBytes = 0;
    }
    if (flags & flag.sameRelation) {
      if (previous === undefined) return -1;
      block.tablespace = previous.tablespace;
      block.database = previous.database;
      block.relation = previous.relation;
    } else {
      if (end - at < 12) return -1;
      block.tablespace = view.getUint32(at, true);
      block.database = view.getUint32(at + 4, true);
      block.relation = view.getUint32(at + 8, true);
      at += 12;
    }
    if (end - at < 4) return -1;
    block.blockNumber = view.getUint32(at, true);
    this.blockCount += 1;
    return at + 4;
  }

  #decodeImage(block: WalBlock, start: number, end: number): number {
    if (end - start < 7) return -1;
    const info = this.view.getUint8(start + 4);
    block.imageBytes = this.view.getUint16(start, true);
    block.holeOffset = this.view.getUint16(start + 2, true);
    decodeImageInfo(block, info, this.major < 15);
    if (block.imageCompression === 'none') {
      block.holeBytes = pageBytes - block.imageBytes;
    } else if (info & 1) {
      block.holeBytes = this.view.getUint16(start + 5, true);
      if (block.holeOffset + block.holeBytes > pageBytes) return -1;
      return start + 7;
    } else block.holeBytes = 0;
    return block.imageBytes > pageBytes || block.holeOffset + block.holeBytes > pageBytes
      ? -1
      : start + 5;
  }
}
