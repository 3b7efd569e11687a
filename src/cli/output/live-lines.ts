import { stripVTControlCharacters } from 'node:util';

const redrawIntervalMs = 100;

/** Lines at the bottom of a terminal that are drawn again in place. Does nothing elsewhere. */
export class LiveLines {
  readonly isPossible: boolean;
  readonly #stream: NodeJS.WriteStream;
  readonly #lines = new Map<string, string>();
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv) {
    this.#stream = stream;
    this.isPossible = stream.isTTY === true && environment.TERM !== 'dumb';
  }

  set(key: string, line: string | undefined): void {
    if (!this.isPossible) return;
    if (line === undefined) this.#lines.delete(key);
    else this.#lines.set(key, line);
    this.#timer ??= setTimeout(() => this.#draw(), redrawIntervalMs);
  }

  /** Lets `write` put lasting lines above the live ones. */
  around(write: () => void): void {
    this.#erase();
    write();
    if (this.#lines.size > 0) this.#draw();
  }

  clear(): void {
    this.#lines.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#erase();
    const width = (this.#stream.columns ?? 80) - 1;
    const lines = [...this.#lines.values()].map((line) => cut(line, width));
    if (lines.length === 0) return;
    this.#stream.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    this.#stream.moveCursor(0, -this.#drawn);
    this.#stream.cursorTo(0);
    this.#stream.clearScreenDown();
    this.#drawn = 0;
  }
}

/** A line that wrapped could not be erased, so it is cut; without its colours when it is too long. */
function cut(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= width ? line : `${plain.slice(0, Math.max(0, width - 1))}…`;
}
