/**
 * The decoded bytes that were used last, by file name: at most `maximumBytes`, but always the newest,
 * however large it is.
 */
export class ContentCache {
  readonly #maximumBytes: number;
  readonly #contents = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  get(name: string): Uint8Array | undefined {
    const content = this.#contents.get(name);
    if (content === undefined) return undefined;
    // A Map keeps the order of insertion: put last what was used last.
    this.#contents.delete(name);
    this.#contents.set(name, content);
    return content;
  }

  set(name: string, content: Uint8Array): void {
    this.delete(name);
    this.#contents.set(name, content);
    this.#bytes += content.length;
    for (const oldest of this.#contents.keys()) {
      if (this.#bytes <= this.#maximumBytes || this.#contents.size === 1) return;
      this.delete(oldest);
    }
  }

  delete(name: string): void {
    this.#bytes -= this.#contents.get(name)?.length ?? 0;
    this.#contents.delete(name);
  }
}
