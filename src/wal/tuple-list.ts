/** A growing list of tuple ids, 8 bytes each. */
export class TupleList {
  #packed = new Float64Array(64);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param packed see `packTid` */
  add(packed: number): void {
    if (this.#count === this.#packed.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#packed);
      this.#packed = larger;
    }
    this.#packed[this.#count] = packed;
    this.#count += 1;
  }

  block(index: number): number {
    return Math.floor((this.#packed[index] as number) / 0x1_0000);
  }

  offset(index: number): number {
    return (this.#packed[index] as number) % 0x1_0000;
  }

  /** Brings the ids into physical order, in which reading the rows is fastest. */
  sort(): void {
    this.#packed.subarray(0, this.#count).sort();
  }

  /** The `index`-th id as PostgreSQL writes a tid: `(block,offset)`. */
  text(index: number): string {
    return `(${this.block(index)},${this.offset(index)})`;
  }

  /** Ids from `start` up to `end` as text, for a batch of a query. */
  texts(start = 0, end = this.#count): string[] {
    const last = Math.min(end, this.#count);
    return Array.from({ length: Math.max(0, last - start) }, (_, at) => this.text(start + at));
  }
}
