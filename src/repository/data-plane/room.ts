const smallBytes = 256 * 1024;
/** Holds the largest chunk of a file, compressed badly, and its envelope. */
const largeBytes = 8 * 1024 * 1024 + 64 * 1024;

/**
 * Memory that is used again and again. It grows once: what is not touched takes none, but each former one that is too small
 * takes some until it is collected.
 */
export class Room {
  #bytes = new Uint8Array(0);

  of(lengthBytes: number): Uint8Array {
    if (this.#bytes.length < lengthBytes) {
      const usual = lengthBytes <= smallBytes ? smallBytes : largeBytes;
      this.#bytes = new Uint8Array(Math.max(usual, lengthBytes));
    }
    return this.#bytes.subarray(0, lengthBytes);
  }
}
