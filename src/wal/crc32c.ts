import { copyBytes, loadKernel } from '../core/index.ts';

interface Crc32cExports {
  input(): number;
  initialize(): void;
  update(previous: number, start: number, length: number): number;
  consume(previous: number, length: number): number;
  record(start: number, length: number): number;
}

/** A CRC-32C kernel with a memory of its own; what it hashes must lie in that memory from `input` on. */
export interface Crc32cKernel {
  readonly memory: Uint8Array;
  /** Where the caller's part of the memory begins. */
  readonly input: number;
  /** As a signed 32-bit integer. `previous` is the checksum of the bytes before (0 for none). */
  update(previous: number, start: number, length: number): number;
  /** As `update` of what begins at `input`, which is overwritten. The faster the longer it is. */
  consume(previous: number, length: number): number;
  /** Checksum of a whole WAL record (xl_crc's rule), as a signed 32-bit integer. */
  record(start: number, length: number): number;
}

/** A kernel with room for `sizeBytes` bytes of the caller. */
export function crc32cKernel(sizeBytes: number): Crc32cKernel {
  const tablesBytes = 32_768;
  const pages = Math.ceil((tablesBytes + sizeBytes) / 65_536);
  const { exports, memory } = loadKernel<Crc32cExports>('crc32c', pages);
  exports.initialize();
  const { update, consume, record } = exports;
  return { memory, input: exports.input(), update, consume, record };
}

const windowBytes = 7 * 32_768;
let shared: Crc32cKernel | undefined;

/** CRC-32C of `bytes`, unsigned; `previous` is the checksum of the bytes before them (0 for none). */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  shared ??= crc32cKernel(windowBytes);
  const { memory, input } = shared;
  let checksum = previous;
  for (let at = 0; at < bytes.length; at += windowBytes) {
    const end = Math.min(bytes.length, at + windowBytes);
    copyBytes(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end), memory, input);
    checksum = shared.consume(checksum, end - at);
  }
  return checksum >>> 0;
}
