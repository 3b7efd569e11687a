const pageBytes = 8192;
const headerBytes = 24;
const managerOffset = 17;
const pageFlags = { continued: 1, overwritten: 8 } as const;
/** PostgreSQL makes no longer records. */
const longestRecordBytes = 2 ** 30;
/** No record that is looked at is longer: it carries a path of at most 1024 bytes. */
const keptBytes = 4096;
const switchInfo = 0x40;

/** A record that was asked for, whole and without page headers. */
export interface FoundRecord {
  /** Position; exact up to 2^53. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

export interface RecordWalkOptions {
  /** Begin of a segment. */
  readonly start: bigint;
  readonly segmentSizeBytes: number;
  /** The resource manager whose records are found. */
  readonly manager: number;
  readonly onFound: (record: FoundRecord) => void;
}

/**
 * Hops from record to record by their lengths, an order of magnitude faster than reading them, to find the few of one resource
 * manager. It follows the same chain as the server's replay, which checks each record before it applies it: what the
 * server applies was passed here. Where the chain breaks, the walk ends for good.
 */
export class RecordWalk {
  readonly #options: RecordWalkOptions;
  /** Of the next byte to be fed. */
  #position: number;
  #ended = false;
  #isInside = false;
  /** Inside the rest of a record that began before the walk. */
  #isSkipping = true;
  #start = 0;
  #remaining = 0;
  readonly #header = new Uint8Array(headerBytes);
  #headerFilled = 0;
  #kept: Uint8Array | undefined;
  #keptFilled = 0;
  /** Behind a switch record: the rest of its segment is empty. */
  #skipUntil = 0;

  constructor(options: RecordWalkOptions) {
    this.#options = options;
    this.#position = Number(options.start);
  }

  /** Where the chain ends, once it does. */
  get endedAt(): number | undefined {
    return this.#ended ? this.#position : undefined;
  }

  /** True when the record that is cut off is to be found, or too short yet to tell. */
  get awaitsMore(): boolean {
    return this.#isInside && (this.#headerFilled < headerBytes || this.#kept !== undefined);
  }

  /** The bytes that follow those fed before; all but the last end with a page. */
  feed(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length && !this.#ended; ) {
      const inPage = this.#position % pageBytes;
      const isFirstPage = (this.#position - inPage) % this.#options.segmentSizeBytes === 0;
      const pageHeader = isFirstPage ? 40 : 24;
      let taken: number;
      if (this.#position < this.#skipUntil) {
        taken = Math.min(bytes.length - at, this.#skipUntil - this.#position);
      } else if (inPage < pageHeader) {
        taken =
          bytes.length - at < pageHeader ? this.#end() : this.#enterPage(view, at, pageHeader);
      } else {
        const room = Math.min(bytes.length - at, pageBytes - inPage);
        taken = this.#isInside ? this.#take(bytes, at, room) : this.#begin(view, at, room);
      }
      this.#position += taken;
      at += taken;
      if (this.#isInside && this.#remaining === 0) this.#finish();
    }
  }

  #end(): number {
    this.#ended = true;
    return 0;
  }

  #enterPage(view: DataView, at: number, pageHeader: number): number {
    const info = view.getUint16(at + 2, true);
    const continued = (info & pageFlags.continued) !== 0 ? view.getUint32(at + 16, true) : 0;
    if (this.#isSkipping) {
      this.#isInside = continued > 0;
      this.#headerFilled = headerBytes;
      this.#remaining = continued;
    } else if ((info & pageFlags.overwritten) !== 0) {
      // A crash cut the record off, and the server gave it up: the chain goes on behind this header.
      this.#isInside = false;
      this.#kept = undefined;
    } else if (continued !== (this.#isInside ? this.#remaining : 0)) {
      return this.#end();
    }
    return pageHeader;
  }

  /** Padding, or the begin of a record, of which no byte is taken yet. */
  #begin(view: DataView, at: number, room: number): number {
    this.#isSkipping = false;
    const padding = (8 - (this.#position % 8)) % 8;
    if (padding > 0) return Math.min(padding, room);
    // Records begin at multiples of 8, so a page never cuts the length.
    const length = room >= 4 ? view.getUint32(at, true) : 0;
    if (length < headerBytes || length > longestRecordBytes) return this.#end();
    this.#isInside = true;
    this.#start = this.#position;
    this.#remaining = length;
    this.#headerFilled = 0;
    this.#kept = undefined;
    return 0;
  }

  #take(bytes: Uint8Array, at: number, room: number): number {
    const taken = Math.min(room, this.#remaining);
    let from = at;
    if (this.#headerFilled < headerBytes) {
      const end = at + Math.min(headerBytes - this.#headerFilled, taken);
      while (from < end) this.#header[this.#headerFilled++] = bytes[from++] as number;
      if (this.#headerFilled === headerBytes) this.#chooseToKeep();
    }
    if (this.#kept !== undefined) {
      this.#kept.set(bytes.subarray(from, at + taken), this.#keptFilled);
      this.#keptFilled += at + taken - from;
    }
    this.#remaining -= taken;
    return taken;
  }

  #chooseToKeep(): void {
    if (this.#header[managerOffset] !== this.#options.manager) return;
    const length = new DataView(this.#header.buffer).getUint32(0, true);
    if (length > keptBytes) return;
    this.#kept = new Uint8Array(length);
    this.#kept.set(this.#header);
    this.#keptFilled = headerBytes;
  }

  #finish(): void {
    this.#isInside = false;
    if (this.#isSkipping) return;
    if (this.#kept) this.#options.onFound({ start: this.#start, bytes: this.#kept });
    this.#kept = undefined;
    const isSwitch =
      this.#header[managerOffset] === 0 && ((this.#header[16] as number) & 0xf0) === switchInfo;
    const size = this.#options.segmentSizeBytes;
    if (isSwitch) this.#skipUntil = Math.ceil(this.#position / size) * size;
  }
}
