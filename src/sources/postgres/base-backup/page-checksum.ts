import { assert, copyBytes, loadKernel } from '../../../core/index.ts';

interface Kernel {
  checksum(page: number, pageSizeBytes: number, block: number): number;
  verify(
    pages: number,
    count: number,
    pageSizeBytes: number,
    firstBlock: number,
    failures: number,
  ): number;
}

const failuresAt = 1024;
const pagesAt = 64 * 1024;
const capacityBytes = 1024 * 1024;

/** Verifies page checksums, some GB/s. Synchronous; one per thread. */
export class PageVerifier {
  readonly #kernel: Kernel;
  readonly #memory: Uint8Array;
  readonly #failures: Uint32Array;
  readonly #pageSizeBytes: number;

  /** `pageSizeBytes`: the server's block_size, a power of two from 1 to 32 KiB. */
  constructor(pageSizeBytes: number) {
    assert(pageSizeBytes >= 1024 && pageSizeBytes <= 32_768, 'a possible block size');
    const kernel = loadKernel<Kernel>('page-checksum', (pagesAt + capacityBytes) / 65_536);
    this.#kernel = kernel.exports;
    this.#memory = kernel.memory;
    const failuresCapacity = capacityBytes / 1024;
    this.#failures = new Uint32Array(kernel.memory.buffer, failuresAt, failuresCapacity);
    this.#pageSizeBytes = pageSizeBytes;
  }

  /**
   * Block numbers of the pages in `bytes` that do not carry the right checksum; `firstBlock` is the number of the
   * first within its relation. A rest shorter than a page is not looked at.
   */
  failures(bytes: Uint8Array, firstBlock: number): number[] {
    const failed: number[] = [];
    for (let start = 0; start < bytes.length; start += capacityBytes) {
      const part = bytes.subarray(start, start + capacityBytes);
      copyBytes(part, this.#memory, pagesAt);
      const count = Math.floor(part.length / this.#pageSizeBytes);
      const block = firstBlock + start / this.#pageSizeBytes;
      const found = this.#kernel.verify(pagesAt, count, this.#pageSizeBytes, block, failuresAt);
      for (let index = 0; index < found; index++) {
        failed.push(block + (this.#failures[index] as number));
      }
    }
    return failed;
  }
}
