import type { Output, OutputRecord } from './output.ts';
import type { Style } from './style.ts';

const linesAtOnce = 200;
const longestWaitMs = 200;

/** Results that may be millions of short lines: text is written many lines at a time. Disposal writes the rest. */
export class LineBatch implements Disposable {
  readonly #output: Output;
  #lines: ((style: Style) => string)[] = [];
  #writtenAt = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  add(record: () => OutputRecord, text: (style: Style) => string): void {
    if (this.#output.mode === 'json') {
      this.#output.report(record());
      return;
    }
    this.#lines.push(text);
    const isDue = performance.now() - this.#writtenAt > longestWaitMs;
    if (this.#lines.length >= linesAtOnce || isDue) this.flush();
  }

  flush(): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#output.say((style) => lines.map((line) => line(style)).join('\n'));
    this.#writtenAt = performance.now();
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
