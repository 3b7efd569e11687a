import { steadyNow } from '../../core/index.ts';
import {
  clockOf,
  keptFormers,
  keptOutBy,
  type RunEvent,
  type RunState,
  type Step,
} from '../../recovery/index.ts';
import type { Output } from '../output/output.ts';
import { describeRunEvent, statusLine } from '../output/run-text.ts';

const redrawMs = 1000;

/** Shows a run as it goes: what happened line by line, and at the bottom what runs now, for how long, and how much time is left. */
export class RunScreen implements Disposable {
  readonly #output: Output;
  #now: { readonly state: RunState; readonly step: Step } | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(output: Output) {
    this.#output = output;
    this.#timer = setInterval(() => this.#draw(), redrawMs);
  }

  readonly show = (event: RunEvent): void => {
    const { type, state, ...rest } = event;
    const step = 'step' in event ? event.step : undefined;
    this.#now = type === 'step-begun' && step ? { state, step } : undefined;
    this.#draw();
    const isOver = type === 'recovered' || type === 'done';
    const keptOut = keptOutBy(state);
    const formers = keptFormers(state);
    const record = {
      type: `run-${type}`,
      run: state.run,
      incident: state.plan.incident,
      phase: state.phase,
      ...rest,
      ...(step ? { step: step.id, title: step.title, target: step.target } : {}),
      ...(isOver && keptOut.length > 0 ? { keptOut } : {}),
      ...(isOver && formers.length > 0 ? { formers } : {}),
      clock: clockOf(state, steadyNow()),
    };
    this.#output.report(record, (style) => describeRunEvent(event, style) ?? '');
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#output.status(undefined);
  }

  #draw(): void {
    const now = this.#now;
    this.#output.status(now && ((style) => statusLine(now.state, now.step, style)));
  }
}
