import { assert, LifeboatError } from '../core/index.ts';
import { formatLsn, type Lsn, lsn } from './lsn.ts';
import {
  emptyPageHeader,
  headerBytesNeeded,
  type PageHeader,
  pageBytes,
  readPageHeader,
  readPosition,
} from './page-header.ts';
import { type PageExpectations, PageSequence } from './page-sequence.ts';
import { RecordBuffer } from './record-buffer.ts';
import { isSwitch } from './resource-manager.ts';
import { recordHeaderBytes, WalRecord } from './wal-record.ts';

export interface WalReaderOptions extends PageExpectations {
  /** Position of the first byte that will be pushed: the start of a page. */
  readonly startLsn: bigint;
}

/** Why a scan yields no more records, and where it would go on. */
export interface WalEnd {
  /** `invalid` is also the ordinary end of a live log: zeroes, or old pages of a recycled segment. */
  readonly kind: 'end-of-input' | 'invalid';
  /** End of the last record that was read, or where the first would begin. */
  readonly at: Lsn;
  readonly why: string;
}

/** 1 GiB: PostgreSQL makes no longer records. */
const longestRecordBytes = 2 ** 30;

/**
 * Reads WAL records out of consecutive bytes:
 *
 *     reader.push(bytes); while ((record = reader.next())) { ... }   and again; then reader.finish()
 *
 * Guarantees: every record it yields has a correct CRC-32C, links to the record before, and decodes. It stops
 * for good at the first place where that does not hold. A record that began before `startLsn` is skipped.
 */
export class WalReader {
  readonly #pages: PageSequence;
  readonly #buffer = new RecordBuffer();
  readonly #record = new WalRecord();
  readonly #header: PageHeader = emptyPageHeader();
  /** Position of the window's first byte. */
  #windowPosition: number;
  /** Offsets in the memory: what is read next, and the end of what is there. */
  #cursor = this.#buffer.windowStart;
  #filled = this.#buffer.windowStart;
  #input: Uint8Array = new Uint8Array(0);
  #inputAt = 0;
  #state: 'scan' | 'skip' | 'assemble' | 'seek-segment' = 'scan';
  #firstPage = true;
  #skipBytes = 0;
  /** Start of the last record, -1 before the first; end of it; and start of the one being put together. */
  #previousStart = -1;
  #reached: number;
  #assemblyStart = 0;
  #assemblyTimeline = 0;
  #end: WalEnd | undefined;

  constructor(options: WalReaderOptions) {
    const start = Number(options.startLsn);
    assert(start % pageBytes === 0, 'a scan of WAL starts at a page');
    this.#pages = new PageSequence(options);
    this.#windowPosition = start;
    this.#reached = start;
  }

  /** The server's major version; 0 before the first page. */
  get major(): number {
    return this.#pages.major;
  }

  /** 0 while it is unknown. */
  get segmentSizeBytes(): number {
    return this.#pages.segmentBytes;
  }

  /** End of the last record that was read. */
  get reachedLsn(): Lsn {
    return lsn(BigInt(this.#reached));
  }

  /** Set once nothing further can be read, whatever is pushed. */
  get ended(): WalEnd | undefined {
    return this.#end;
  }

  /** The bytes that follow those pushed before. They are read during `next`, and let go when it returns undefined. */
  push(bytes: Uint8Array): void {
    assert(
      this.#inputAt === this.#input.length || this.#end,
      'the last push was not read to its end',
    );
    this.#input = bytes;
    this.#inputAt = 0;
  }

  /**
   * The next record, or undefined when more bytes are needed or the scan has ended.
   * @throws wal.unsupported for WAL of a version that this program does not know.
   */
  next(): WalRecord | undefined {
    while (this.#end === undefined) {
      if ((this.#cursor - this.#buffer.windowStart) % pageBytes === 0) {
        if (!this.#enterPage()) return undefined;
        continue;
      }
      const step = this.#step();
      if (step === 'record') return this.#record;
      if (step === 'wait') return undefined;
    }
    return undefined;
  }

  /** Push and all records of it. The generator costs some speed; hot loops use `push` and `next`. */
  *read(bytes: Uint8Array): Generator<WalRecord, void, void> {
    this.push(bytes);
    for (let record = this.next(); record !== undefined; record = this.next()) yield record;
  }

  /** Says how the scan ended, once all there is has been pushed. */
  finish(): WalEnd {
    if (this.#end !== undefined) return this.#end;
    const why =
      this.#state === 'assemble'
        ? `the record at ${formatLsn(BigInt(this.#assemblyStart))} is incomplete`
        : 'no more bytes';
    return { kind: 'end-of-input', at: this.reachedLsn, why };
  }

  /** @throws wal.invalid when the records up to `position` have not all been read. */
  requireReached(position: bigint): void {
    // A record that ends with its page ends before the next page's header, the next one begins behind it.
    const header = this.#reached % pageBytes === 0 ? 40n : 0n;
    if (BigInt(this.#reached) + header >= position) return;
    const { at, why } = this.finish();
    throw new LifeboatError('wal.invalid', `WAL ends at ${formatLsn(at)}: ${why}`, {
      hint: 'The log is damaged or incomplete there. Recover to a moment before, or from another copy.',
      context: { at: formatLsn(at), needed: formatLsn(position), why },
    });
  }

  get #position(): number {
    return this.#windowPosition + (this.#cursor - this.#buffer.windowStart);
  }

  /** True when `length` bytes from the cursor on are in the window. */
  #available(length: number): boolean {
    if (this.#filled - this.#cursor >= length) return true;
    const { windowStart, windowEnd } = this.#buffer;
    if (this.#cursor === windowEnd) {
      this.#windowPosition += windowEnd - windowStart;
      this.#cursor = windowStart;
      this.#filled = windowStart;
    }
    const take = Math.min(windowEnd - this.#filled, this.#input.length - this.#inputAt);
    if (take > 0) {
      const part = this.#input.subarray(this.#inputAt, this.#inputAt + take);
      this.#buffer.memory.set(part, this.#filled);
      this.#filled += take;
      this.#inputAt += take;
      if (this.#inputAt === this.#input.length) {
        this.#input = new Uint8Array(0);
        this.#inputAt = 0;
      }
    }
    return this.#filled - this.#cursor >= length;
  }

  #fail(why: string): void {
    this.#end = { kind: 'invalid', at: this.reachedLsn, why };
    this.#input = new Uint8Array(0);
    this.#inputAt = 0;
  }

  /** Reads and checks the header of the page at the cursor. False when bytes are missing. */
  #enterPage(): boolean {
    if (this.#state === 'seek-segment') return this.#seekSegment();
    if (!this.#available(4)) return false;
    const info = this.#buffer.view.getUint16(this.#cursor + 2, true);
    if (!this.#available(headerBytesNeeded(info))) return false;
    const header = this.#header;
    const wrong =
      readPageHeader(this.#buffer.view, this.#cursor, header) ??
      this.#pages.take(header, this.#position);
    if (wrong !== undefined) {
      this.#fail(`the page at ${formatLsn(BigInt(this.#position))}: ${wrong}`);
      return true;
    }
    this.#continueRecord(header);
    this.#cursor += header.sizeBytes;
    this.#firstPage = false;
    return true;
  }

  /** Reconciles what the page says it continues with what was being read. */
  #continueRecord(header: PageHeader): void {
    const expected =
      this.#state === 'assemble'
        ? this.#buffer.assemblyTotal - this.#buffer.assembled
        : this.#skipBytes;
    if (header.overwritten) {
      // The server gave the record up after a crash and goes on behind this header.
      this.#state = 'scan';
      this.#skipBytes = 0;
      if (header.continued) this.#fail('a page both continues a record and gives it up');
    } else if (this.#firstPage && header.continued) {
      this.#state = 'skip';
      this.#skipBytes = header.remainingBytes;
      if (header.remainingBytes === 0) this.#fail('a page continues a record without bytes');
    } else if (header.continued !== expected > 0) {
      this.#fail(
        `the page at ${formatLsn(BigInt(this.#position))} ${header.continued ? 'continues no record' : 'does not continue the record before'}`,
      );
    } else if (header.continued && header.remainingBytes !== expected) {
      this.#fail(`the page at ${formatLsn(BigInt(this.#position))} continues another record`);
    }
  }

  /** After a switch nothing is read up to the next segment. */
  #seekSegment(): boolean {
    if (!this.#available(24)) return false;
    const { view } = this.#buffer;
    const segment = this.#pages.segmentBytes;
    const found =
      segment !== 0
        ? this.#position % segment === 0
        : readPosition(view, this.#cursor + 8) === this.#position &&
          headerBytesNeeded(view.getUint16(this.#cursor + 2, true)) === 40;
    if (found) this.#state = 'scan';
    else if (this.#available(pageBytes)) this.#cursor += pageBytes;
    else return false;
    return true;
  }

  /** Bytes from the cursor to the end of its page. */
  get #pageRest(): number {
    return pageBytes - ((this.#cursor - this.#buffer.windowStart) % pageBytes);
  }

  #step(): 'record' | 'wait' | 'on' {
    if (this.#state === 'scan') return this.#scanRecord();
    if (this.#state === 'skip') return this.#skipContinuation();
    if (this.#state === 'assemble') return this.#assembleRecord();
    if (!this.#available(this.#pageRest)) return 'wait';
    this.#cursor += this.#pageRest;
    return 'on';
  }

  #skipContinuation(): 'wait' | 'on' {
    const take = Math.min(this.#pageRest, this.#skipBytes);
    if (!this.#available(take)) return 'wait';
    this.#skipBytes -= take;
    this.#cursor = align(this.#cursor + take);
    if (this.#skipBytes === 0) {
      this.#state = 'scan';
      this.#reached = this.#position;
    }
    return 'on';
  }

  #scanRecord(): 'record' | 'wait' | 'on' {
    if (!this.#available(4)) return 'wait';
    const { view } = this.#buffer;
    const start = this.#position;
    const length = view.getUint32(this.#cursor, true);
    if (length < recordHeaderBytes || length > longestRecordBytes) {
      this.#fail(length === 0 ? 'nothing is written there' : `a record of ${length} bytes`);
      return 'on';
    }
    if (length > this.#pageRest) {
      this.#state = 'assemble';
      this.#assemblyStart = start;
      this.#assemblyTimeline = this.#pages.timeline;
      this.#buffer.beginAssembly(length);
      return 'on';
    }
    if (!this.#available(length)) return 'wait';
    const offset = this.#cursor;
    if (!this.#headerHolds(view, offset, start)) return 'on';
    if (!this.#buffer.checksumHolds(offset, length)) {
      this.#fail('the checksum is wrong');
      return 'on';
    }
    this.#cursor = align(offset + length);
    return this.#emit(this.#buffer.memory, view, offset, length, start, this.#pages.timeline);
  }

  #assembleRecord(): 'record' | 'wait' | 'on' {
    const buffer = this.#buffer;
    if (!this.#available(1)) return 'wait';
    const before = buffer.assembled;
    const take = Math.min(
      this.#pageRest,
      this.#filled - this.#cursor,
      buffer.assemblyTotal - before,
    );
    buffer.assemble(this.#cursor, take);
    this.#cursor += take;
    // The header is checked as soon as it is whole, so that garbage is not collected up to 1 GiB.
    if (before < recordHeaderBytes && buffer.assembled >= recordHeaderBytes) {
      const { view, offset } = buffer.assembledRecord();
      if (!this.#headerHolds(view, offset, this.#assemblyStart)) return 'on';
    }
    if (buffer.assembled < buffer.assemblyTotal) return 'on';
    this.#cursor = align(this.#cursor);
    this.#state = 'scan';
    if (!buffer.checksumHolds(-1, buffer.assemblyTotal)) {
      this.#fail('the checksum is wrong');
      return 'on';
    }
    const { bytes, view, offset } = buffer.assembledRecord();
    const { assemblyTotal } = buffer;
    return this.#emit(
      bytes,
      view,
      offset,
      assemblyTotal,
      this.#assemblyStart,
      this.#assemblyTimeline,
    );
  }

  #headerHolds(view: DataView, offset: number, start: number): boolean {
    const previous = readPosition(view, offset + 8);
    const manager = view.getUint8(offset + 17);
    if (manager > 21 && manager < 128) this.#fail(`a record of the unknown kind ${manager}`);
    else if (this.#previousStart < 0 ? previous >= start : previous !== this.#previousStart) {
      this.#fail('the link to the record before is wrong');
    } else return true;
    return false;
  }

  #emit(
    bytes: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    start: number,
    timeline: number,
  ): 'record' | 'on' {
    const record = this.#record;
    record.major = this.#pages.major;
    const wrong = record.decode(bytes, view, offset, length);
    if (wrong !== undefined) {
      this.#fail(wrong);
      return 'on';
    }
    let end = this.#position;
    if (isSwitch(record)) {
      this.#state = 'seek-segment';
      const segment = this.#pages.segmentBytes;
      if (segment !== 0) end = Math.ceil(end / segment) * segment;
    }
    record.start = start;
    record.end = end;
    record.timeline = timeline;
    this.#previousStart = start;
    this.#reached = end;
    return 'record';
  }
}

/** Records begin at multiples of 8; the window and the assembly do too. */
function align(offset: number): number {
  return (offset + 7) & ~7;
}
