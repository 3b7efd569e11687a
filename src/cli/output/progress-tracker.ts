import type { ProgressEvent } from '../../core/index.ts';

export type TaskEvent = Exclude<ProgressEvent, { type: 'note' | 'warning' }>;
type ProgressUnit = Extract<ProgressEvent, { type: 'progress' }>['unit'];

/** A task as a renderer wants to know it. */
export interface TrackedTask {
  readonly task: string;
  readonly title: string;
  readonly elapsedMs: number;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: ProgressUnit;
  readonly detail?: string;
  readonly summary?: string;
  /** Units per second over the last seconds. */
  readonly rate?: number;
  readonly remainingMs?: number;
  readonly isPassing?: true;
}

interface State {
  title: string;
  isPassing: boolean;
  begun: number;
  samples: { at: number; done: number }[];
}

const rateWindowMs = 10_000;
const sampleSpacingMs = 250;

/** Follows progress events and works out rate and time left. */
export class ProgressTracker {
  readonly #tasks = new Map<string, State>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  follow(event: TaskEvent): TrackedTask {
    const now = this.#now();
    let state = this.#tasks.get(event.task);
    if (!state || event.type === 'begin') {
      const { title, isPassing = false } =
        event.type === 'begin' ? event : { title: event.task, isPassing: false };
      state = { title, isPassing, begun: now, samples: [] };
      this.#tasks.set(event.task, state);
    }
    const known = {
      task: event.task,
      title: state.title,
      elapsedMs: Math.round(now - state.begun),
      ...(state.isPassing ? { isPassing: true as const } : {}),
    };
    if (event.type === 'begin') return known;
    if (event.type === 'end') {
      this.#tasks.delete(event.task);
      const last = state.samples.at(-1);
      return {
        ...known,
        ...(last ? { done: last.done } : {}),
        ...(event.summary === undefined ? {} : { summary: event.summary }),
      };
    }
    const rate = sampleRate(state, event.done, now);
    const { done, total, unit, detail } = event;
    return {
      ...known,
      done,
      unit,
      ...(total === undefined ? {} : { total }),
      ...(detail === undefined ? {} : { detail }),
      ...(rate === undefined ? {} : { rate }),
      ...(rate && total !== undefined && total >= done
        ? { remainingMs: Math.round(((total - done) / rate) * 1000) }
        : {}),
    };
  }
}

function sampleRate(state: State, done: number, now: number): number | undefined {
  const last = state.samples.at(-1);
  if (!last || now - last.at >= sampleSpacingMs) state.samples.push({ at: now, done });
  while (state.samples.length > 2 && now - (state.samples[0] as { at: number }).at > rateWindowMs) {
    state.samples.shift();
  }
  const first = state.samples[0] as { at: number; done: number };
  return now > first.at ? ((done - first.done) / (now - first.at)) * 1000 : undefined;
}
