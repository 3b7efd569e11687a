/** Memory of segments that were written, for the next ones: new memory for each makes the runtime look for garbage all the time. */
export class SpareRooms {
  readonly #countMax: number;
  readonly #rooms: Uint8Array<ArrayBuffer>[] = [];

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  take(): Uint8Array<ArrayBuffer> | undefined {
    return this.#rooms.pop();
  }

  /** The caller does not look at them any more. What is no buffer of its own is let go. */
  give(bytes: Uint8Array): void {
    const { buffer } = bytes;
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length;
    if (isWhole && this.#rooms.length < this.#countMax) this.#rooms.push(new Uint8Array(buffer));
  }
}
