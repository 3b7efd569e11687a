import { formatDuration, type Progress, type ProgressEvent } from '../../core/index.ts';
import { LiveLines } from './live-lines.ts';
import type { Output, OutputRecord } from './output.ts';
import { printable, printableText } from './printable.ts';
import { progressLine } from './progress-line.ts';
import { ProgressTracker, type TaskEvent, type TrackedTask } from './progress-tracker.ts';
import { localMoments } from './prose.ts';
import { createStyle, type Style } from './style.ts';

const sparseIntervalMs = 15_000;

/** Text for people: results on standard output, everything else on standard error. */
export class TerminalOutput implements Output {
  readonly mode = 'terminal';
  readonly progress: Progress = (event) => this.#follow(event);
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  readonly #style: Style;
  readonly #errorStyle: Style;
  readonly #live: LiveLines;
  readonly #tracker = new ProgressTracker();
  readonly #lastSparse = new Map<string, number>();

  constructor(
    stdout: NodeJS.WriteStream,
    stderr: NodeJS.WriteStream,
    environment: NodeJS.ProcessEnv,
  ) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#style = createStyle(stdout, environment);
    this.#errorStyle = createStyle(stderr, environment);
    this.#live = new LiveLines(stderr, environment);
  }

  get isWatched(): boolean {
    return this.#live.isPossible;
  }

  report(_record: OutputRecord, text?: (style: Style) => string): void {
    if (text) this.say(text);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#live.clear();
    await new Promise<void>((resolve, reject) => {
      this.#stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  say(text: (style: Style) => string): void {
    this.#live.around(() => this.#stdout.write(`${printableText(text(this.#style))}\n`));
  }

  warn(message: string, hint?: string): void {
    const style = this.#errorStyle;
    const lines = [`${style.yellow('warning:')} ${message}`];
    if (hint) lines.push(`  ${hint}`);
    this.#complain(lines.join('\n'));
  }

  fail(_record: OutputRecord, text: (style: Style) => string): void {
    this.#live.clear();
    this.#complain(text(this.#errorStyle));
  }

  status(text: ((style: Style) => string) | undefined): void {
    this.#live.set('status', text?.(this.#errorStyle));
  }

  pause(): void {
    this.#live.clear();
  }

  close(): void {
    this.#live.clear();
  }

  #complain(text: string): void {
    this.#live.around(() => this.#stderr.write(`${printableText(text)}\n`));
  }

  #follow(event: ProgressEvent): void {
    if (event.type === 'warning') {
      this.warn(event.message, event.hint);
    } else if (event.type === 'note') {
      this.#complain(this.#errorStyle.dim(localMoments(event.message)));
    } else {
      this.#followTask(event);
    }
  }

  #followTask(event: TaskEvent): void {
    const task = this.#tracker.follow(event);
    if (event.type === 'end') {
      this.#live.set(event.task, undefined);
      this.#lastSparse.delete(event.task);
      if (!task.isPassing) this.#complain(ended(task, this.#errorStyle));
      return;
    }
    const line = progressLine(task, this.#errorStyle);
    if (this.#live.isPossible) this.#live.set(event.task, printableText(line));
    else if (!task.isPassing && this.#isSparseDue(event.task)) this.#complain(line);
  }

  #isSparseDue(task: string): boolean {
    const now = performance.now();
    const last = this.#lastSparse.get(task);
    if (last !== undefined && now - last < sparseIntervalMs) return false;
    this.#lastSparse.set(task, now);
    return true;
  }
}

function ended(task: TrackedTask, style: Style): string {
  const summary = task.summary ? `: ${task.summary}` : '';
  return `${style.dim(printable(`${task.title}${summary}`))} ${style.dim(`(${formatDuration(task.elapsedMs)})`)}`;
}
