import { closeSync, openSync, writeSync } from 'node:fs';

const keptInMemoryBytes = 256 * 1024;
const keptInFileBytes = 8 * 1024 * 1024;

/** What a server says on its standard error: the last part in memory, the first part in a file. Bounded. */
export class ServerLog {
  readonly #file: number;
  readonly #watchers = new Set<(line: string) => void>();
  #lines: string[] = [];
  #bytes = 0;
  #fileBytes = 0;
  #rest = '';

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
  }

  add(chunk: Buffer): void {
    if (this.#fileBytes < keptInFileBytes) {
      this.#fileBytes += chunk.length;
      try {
        writeSync(this.#file, chunk);
      } catch {
        // A full disk must not stop a server whose log is also kept in memory.
      }
    }
    const lines = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-keptInMemoryBytes);
    for (const line of lines) this.#keep(line);
  }

  close(): void {
    if (this.#rest !== '') this.#keep(this.#rest);
    this.#rest = '';
    closeSync(this.#file);
  }

  /** The newest lines, oldest first. */
  lastLines(count: number): readonly string[] {
    return this.#lines.slice(-count);
  }

  /** The newest match in what is kept in memory. */
  find(pattern: RegExp): RegExpExecArray | undefined {
    for (let index = this.#lines.length - 1; index >= 0; index--) {
      const match = pattern.exec(this.#lines[index] as string);
      if (match) return match;
    }
    return undefined;
  }

  /** Calls for every later line, until the returned function is called. */
  watch(watcher: (line: string) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #keep(line: string): void {
    this.#lines.push(line);
    this.#bytes += line.length;
    while (this.#bytes > keptInMemoryBytes && this.#lines.length > 1) {
      this.#bytes -= (this.#lines.shift() as string).length;
    }
    for (const watcher of this.#watchers) watcher(line);
  }
}
