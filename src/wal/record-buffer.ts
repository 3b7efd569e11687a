import { type Crc32cKernel, crc32cKernel } from './crc32c.ts';
import { pageBytes } from './page-header.ts';

const windowBytes = 128 * pageBytes;
const assemblyBytes = 128 * 1024;

/**
 * Memory of one reader, inside the CRC kernel's memory so that checking a record copies nothing: a window onto
 * the pages, and a place where records that cross pages are put together. Only records above 128 KiB use the heap.
 */
export class RecordBuffer {
  readonly #kernel: Crc32cKernel = crc32cKernel(windowBytes + assemblyBytes);
  readonly #kernelView = new DataView(this.#kernel.memory.buffer);
  readonly windowStart = this.#kernel.input;
  readonly windowEnd = this.#kernel.input + windowBytes;
  readonly #assembly = this.windowEnd;
  #large: Uint8Array | undefined;
  /** Bytes of the record being put together, of `assemblyTotal`. */
  assembled = 0;
  assemblyTotal = 0;

  get memory(): Uint8Array {
    return this.#kernel.memory;
  }

  get view(): DataView {
    return this.#kernelView;
  }

  beginAssembly(totalBytes: number): void {
    this.assembled = 0;
    this.assemblyTotal = totalBytes;
    // Grown as bytes arrive: a length that garbage claims allocates nothing.
    this.#large = totalBytes > assemblyBytes ? new Uint8Array(2 * assemblyBytes) : undefined;
  }

  /** Takes `length` bytes of the window, from `offset` of the memory on. */
  assemble(offset: number, length: number): void {
    if (this.#large === undefined) {
      this.memory.copyWithin(this.#assembly + this.assembled, offset, offset + length);
    } else {
      this.#large = this.#grown(this.#large, this.assembled + length);
      this.#large.set(this.memory.subarray(offset, offset + length), this.assembled);
    }
    this.assembled += length;
  }

  #grown(buffer: Uint8Array, neededBytes: number): Uint8Array {
    if (neededBytes <= buffer.length) return buffer;
    const larger = new Uint8Array(Math.min(this.assemblyTotal, buffer.length * 2));
    larger.set(buffer);
    return larger;
  }

  /** Where the record that was put together lies. */
  assembledRecord(): { bytes: Uint8Array; view: DataView; offset: number } {
    const large = this.#large;
    if (large === undefined) {
      return { bytes: this.memory, view: this.#kernelView, offset: this.#assembly };
    }
    return { bytes: large, view: new DataView(large.buffer), offset: 0 };
  }

  /** True when the record's checksum holds. `offset` is in the memory, or -1 for the assembled record. */
  checksumHolds(offset: number, lengthBytes: number): boolean {
    const large = this.#large;
    if (offset < 0 && large !== undefined) return this.#largeChecksumHolds(large, lengthBytes);
    const start = offset < 0 ? this.#assembly : offset;
    return this.#kernel.record(start, lengthBytes) === this.#kernelView.getInt32(start + 20, true);
  }

  #largeChecksumHolds(large: Uint8Array, lengthBytes: number): boolean {
    let checksum = 0;
    const add = (from: number, to: number) => {
      this.memory.set(large.subarray(from, to), this.#assembly);
      checksum = this.#kernel.update(checksum, this.#assembly, to - from);
    };
    for (let at = 24; at < lengthBytes; at += assemblyBytes) {
      add(at, Math.min(lengthBytes, at + assemblyBytes));
    }
    add(0, 20);
    return checksum === new DataView(large.buffer).getInt32(20, true);
  }
}
