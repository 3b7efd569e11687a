import type { Progress } from '../../core/index.ts';
import type { Style } from './style.ts';

/** One line of `--json`. `type` says which other fields there are (docs/guide/json-output.md). */
export interface OutputRecord {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Where a command says what it found. A result is given in both forms at one place, so none is forgotten. */
export interface Output {
  readonly mode: 'terminal' | 'json';
  /** A result: the record for programs, the text for people (no text: only for programs). */
  report(record: OutputRecord, text?: (style: Style) => string): void;
  /** Bytes as they are, for a pipe or a file; resolves when the reader took them. Not with `--json`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Text that is only for people. */
  say(text: (style: Style) => string): void;
  warn(message: string, hint?: string): void;
  /** An error, as the last thing that is said. */
  fail(record: OutputRecord, text: (style: Style) => string): void;
  /** For engines; drawn in place on a terminal, now and then elsewhere. */
  readonly progress: Progress;
  /** Progress is seen as it goes: drawn on a terminal, or read by a program. Not in the log of a scheduled command. */
  readonly isWatched: boolean;
  /** A line that is drawn in place until it is replaced; nothing without a terminal. */
  status(text: ((style: Style) => string) | undefined): void;
  /** Takes drawn lines away, before a question. */
  pause(): void;
  close(): void;
}
