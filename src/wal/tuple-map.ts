const emptyKey = -1;

/** A map from packed tuple ids to packed tuple ids, 16 bytes a slot. Grows past what a Map can hold. */
export class TupleMap {
  #keys = new Float64Array(64).fill(emptyKey);
  #values = new Float64Array(64);
  #used = 0;

  get size(): number {
    return this.#used;
  }

  get(key: number): number | undefined {
    const slot = this.#slot(key);
    return this.#keys[slot] === key ? this.#values[slot] : undefined;
  }

  set(key: number, value: number): void {
    let slot = this.#slot(key);
    if (this.#keys[slot] !== key) {
      if (this.#used * 4 >= this.#keys.length * 3) {
        this.#grow();
        slot = this.#slot(key);
      }
      this.#keys[slot] = key;
      this.#used += 1;
    }
    this.#values[slot] = value;
  }

  forEach(visit: (key: number, value: number) => void): void {
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const key = this.#keys[slot] as number;
      if (key !== emptyKey) visit(key, this.#values[slot] as number);
    }
  }

  /** The slot that holds `key`, or the free one where it belongs. */
  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    const mixed = Math.imul(Math.floor(key / 0x1_0000), 0x9e37_79b1) ^ (key % 0x1_0000);
    let slot = (Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b) >>> 7) & mask;
    while (this.#keys[slot] !== emptyKey && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Float64Array(keys.length * 2).fill(emptyKey);
    this.#values = new Float64Array(values.length * 2);
    for (let slot = 0; slot < keys.length; slot++) {
      const key = keys[slot] as number;
      if (key === emptyKey) continue;
      const to = this.#slot(key);
      this.#keys[to] = key;
      this.#values[to] = values[slot] as number;
    }
  }
}
