/** No file of a repository is that large; a server that sends more is not one of ours. */
const maximumBodyBytes = 1024 ** 3;

/** Puts a body together, in place where its length was announced. A length that is not kept is an error. */
export class BodyCollector {
  readonly #announcedBytes: number | undefined;
  #body: Uint8Array;
  #received = 0;

  constructor(announcedBytes: number | undefined) {
    if (announcedBytes !== undefined && announcedBytes > maximumBodyBytes) throw tooMuch();
    this.#announcedBytes = announcedBytes;
    this.#body = unfilled(announcedBytes ?? 64 * 1024);
  }

  add(part: Uint8Array): void {
    const end = this.#received + part.length;
    if (end > this.#body.length) this.#grow(end);
    this.#body.set(part, this.#received);
    this.#received = end;
  }

  end(): Uint8Array {
    if (this.#announcedBytes !== undefined && this.#received !== this.#announcedBytes) {
      throw new Error('it broke off in the middle of its answer');
    }
    return this.#received === this.#body.length ? this.#body : this.#body.slice(0, this.#received);
  }

  #grow(needed: number): void {
    if (needed > maximumBodyBytes || this.#announcedBytes !== undefined) throw tooMuch();
    const larger = unfilled(Math.max(needed, this.#body.length * 2));
    larger.set(this.#body.subarray(0, this.#received));
    this.#body = larger;
  }
}

/** All of it is written before it is seen. */
function unfilled(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

function tooMuch(): Error {
  return new Error('it sends more than it should');
}
