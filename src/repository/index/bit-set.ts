/** A set of small whole numbers, one bit each. */
export class BitSet {
  readonly #bytes: Uint8Array;

  /** For numbers from 0 to `size` - 1. */
  constructor(size: number) {
    this.#bytes = new Uint8Array((size + 7) >>> 3);
  }

  has(number: number): boolean {
    return ((this.#bytes[number >>> 3] as number) & (1 << (number & 7))) !== 0;
  }

  /** False when it was in there already. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    this.#bytes[number >>> 3] = (this.#bytes[number >>> 3] as number) | (1 << (number & 7));
    return true;
  }
}
