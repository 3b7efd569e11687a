import { formatDuration, type Progress } from '../../core/index.ts';
import type { Output } from '../output/output.ts';
import { progressLine } from '../output/progress-line.ts';
import { ProgressTracker } from '../output/progress-tracker.ts';

/** What a step has to tell when it is done. */
export interface StepStory {
  /** One line each; the first stands beside the title. */
  readonly lines: readonly string[];
  /** The same for programs. */
  readonly facts: Readonly<Record<string, unknown>>;
}

const titleWidth = 22;
const lineWidth = 66;

/** Tells the steps of the demo, each with its time, and shows what goes on inside the current one. */
export class Steps {
  readonly #output: Output;
  #current = '';
  #number = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Runs one step. `mark` is `!` for the accident, a check mark otherwise. */
  async run<Result>(
    title: string,
    work: (tell: (story: StepStory) => void, progress: Progress) => Promise<Result>,
    mark: 'done' | 'accident' = 'done',
  ): Promise<Result> {
    this.#current = title;
    this.#number += 1;
    this.#output.status((style) => `  ${style.dim('·')} ${title}`);
    const begun = performance.now();
    let told: StepStory = { lines: [], facts: {} };
    const result = await work((story) => {
      told = story;
    }, this.#progress());
    const durationMs = Math.round(performance.now() - begun);
    this.#output.status(undefined);
    this.#output.report(
      { type: 'demo-step', step: this.#number, title, durationMs, ...told.facts },
      (style) => {
        const sign = mark === 'done' ? style.green('✓') : style.red('✗');
        const [first = '', ...more] = told.lines;
        const time = style.dim(formatDuration(durationMs).padStart(8));
        const head = `  ${sign} ${style.bold(title.padEnd(titleWidth))} ${first.padEnd(lineWidth)}${time}`;
        return [head, ...more.map((line) => `    ${''.padEnd(titleWidth)} ${line}`)].join('\n');
      },
    );
    return result;
  }

  #progress(): Progress {
    const tracker = new ProgressTracker();
    return (event) => {
      if (event.type === 'warning') this.#output.warn(event.message, event.hint);
      if (event.type === 'warning' || event.type === 'note' || event.type === 'end') return;
      const task = tracker.follow(event);
      this.#output.status(
        (style) => `  ${style.dim('·')} ${this.#current}: ${progressLine(task, style)}`,
      );
    };
  }
}
