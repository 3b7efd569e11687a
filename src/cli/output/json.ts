import { assert, type Progress } from '../../core/index.ts';
import type { Output, OutputRecord } from './output.ts';
import { ProgressTracker } from './progress-tracker.ts';

const progressIntervalMs = 1000;

/** JSON lines on standard output, errors included; nothing else is written there. */
export class JsonOutput implements Output {
  readonly mode = 'json';
  readonly isWatched = true;
  readonly progress: Progress;
  readonly #stdout: NodeJS.WriteStream;
  readonly #lastProgress = new Map<string, number>();

  constructor(stdout: NodeJS.WriteStream) {
    this.#stdout = stdout;
    const tracker = new ProgressTracker();
    this.progress = (event) => {
      if (event.type === 'progress' && !this.#isDue(event.task)) return;
      if (event.type === 'warning') this.warn(event.message, event.hint);
      else if (event.type === 'note') this.report({ ...event });
      else this.report({ type: `task-${event.type}`, ...tracker.follow(event) });
      if (event.type === 'end') this.#lastProgress.delete(event.task);
    };
  }

  report(record: OutputRecord): void {
    this.#stdout.write(`${JSON.stringify(record, plain)}\n`);
  }

  async write(): Promise<void> {
    assert(false, 'bytes are not for JSON lines');
  }

  say(): void {}

  warn(message: string, hint?: string): void {
    this.report({ type: 'warning', message, ...(hint === undefined ? {} : { hint }) });
  }

  fail(record: OutputRecord): void {
    this.report(record);
  }

  status(): void {}

  pause(): void {}

  close(): void {}

  #isDue(task: string): boolean {
    const now = performance.now();
    const last = this.#lastProgress.get(task);
    if (last !== undefined && now - last < progressIntervalMs) return false;
    this.#lastProgress.set(task, now);
    return true;
  }
}

/** Positions and other 64-bit numbers do not fit JSON's numbers: they are text. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
