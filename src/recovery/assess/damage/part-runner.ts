import {
  formatDuration,
  isLifeboatError,
  LifeboatError,
  type Progress,
  type ProgressEvent,
  silentProgress,
} from '../../../core/index.ts';
import type { NotLookedAt, Part } from './part.ts';

/** What a part works with. */
export interface PartWork {
  /** Aborted when its time is up, and when the whole assessment ends. */
  readonly signal: AbortSignal;
  /** Warnings become gaps; the rest is shown. */
  readonly progress: Progress;
  /** What could not be looked at, in words. */
  readonly gaps: string[];
  /** Until its time is up. */
  leftMs(): number;
}

/** What may be told as a gap; thrown on: the end of the part, and mistakes of ours. */
export function gapOf(error: unknown, { signal }: Pick<PartWork, 'signal'>): LifeboatError {
  if (signal.aborted || !isLifeboatError(error) || error.code === 'bug') throw error;
  return error;
}

/** Work that does not hear the signal is left behind after so long. */
const graceMs = 1500;
/** Less is not worth beginning with. */
const leastMs = 50;

/** Runs the parts of one assessment: each with a limit of its own, none longer than all may take together. */
export class PartRunner {
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #progress: Progress;

  constructor(options: {
    /** For everything. */
    readonly limitMs: number;
    readonly signal?: AbortSignal | undefined;
    readonly progress?: Progress | undefined;
  }) {
    this.#deadlineMs = performance.now() + options.limitMs;
    this.#signal = options.signal;
    this.#progress = options.progress ?? silentProgress;
  }

  /** Never rejects: what goes wrong is why it could not be looked at. `title`: `database: tables`. */
  async run<Found>(
    title: string,
    limitMs: number,
    work: (part: PartWork) => Promise<Found>,
  ): Promise<Part<Found>> {
    const begun = performance.now();
    const limit = Math.round(Math.min(limitMs, this.#deadlineMs - begun));
    const times = () => ({
      durationMs: Math.round(performance.now() - begun),
      limitMs: Math.max(0, limit),
    });
    if (this.#signal?.aborted) return { ...notLooked(cancelledPart()), ...times() };
    if (limit < leastMs) return { ...notLooked(noTimeLeft()), ...times() };
    const task = `assess ${title}`;
    const span = formatDuration(limit);
    const doing = `looking at ${title} (${span} at most)`;
    this.#progress({ type: 'begin', task, title: doing, isPassing: true });
    const stop = new AbortController();
    const onAbort = () => stop.abort(cancelledPart());
    this.#signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => stop.abort(timeUp(limit)), limit);
    const gaps: string[] = [];
    const left = Promise.withResolvers<never>();
    left.promise.catch(() => {});
    let grace: NodeJS.Timeout | undefined;
    const onStop = () => {
      grace = setTimeout(() => left.reject(stop.signal.reason), graceMs);
    };
    stop.signal.addEventListener('abort', onStop, { once: true });
    let summary = 'could not look';
    try {
      const working = work({
        signal: stop.signal,
        progress: withGaps(this.#progress, gaps),
        gaps,
        leftMs: () => Math.max(0, begun + limit - performance.now()),
      });
      // It may fail long after it was left behind.
      working.catch(() => {});
      const found = await Promise.race([working, left.promise]);
      summary = gaps.length === 0 ? 'done' : 'done, with gaps';
      return { looked: true, found, gaps: [...new Set(gaps)], ...times() };
    } catch (error) {
      // What an aborted call says of it is not the reason.
      const reason = stop.signal.aborted ? stop.signal.reason : error;
      return { ...notLooked(reason), ...times() };
    } finally {
      clearTimeout(timer);
      clearTimeout(grace);
      this.#signal?.removeEventListener('abort', onAbort);
      stop.signal.removeEventListener('abort', onStop);
      // What was left behind, or forgot something, stops now.
      stop.abort(timeUp(limit));
      this.#progress({ type: 'end', task, summary });
    }
  }
}

function withGaps(progress: Progress, gaps: string[]): Progress {
  return (event: ProgressEvent) => {
    if (event.type === 'warning') gaps.push(event.message);
    else progress(event);
  };
}

function notLooked(
  error: unknown,
): Pick<NotLookedAt, 'looked' | 'why' | 'code' | 'sqlstate' | 'hint'> {
  if (!isLifeboatError(error)) {
    const text = error instanceof Error ? error.message : String(error);
    return { looked: false, why: `a mistake in this program: ${text}`, code: 'bug' };
  }
  const { code, message, hint, context } = error;
  const { sqlstate } = context;
  return {
    looked: false,
    why: message,
    code,
    ...(typeof sqlstate === 'string' ? { sqlstate } : {}),
    ...(hint === undefined ? {} : { hint }),
  };
}

function cancelledPart(): LifeboatError {
  return new LifeboatError('cancelled', 'the assessment was ended before it was done');
}

function noTimeLeft(): LifeboatError {
  return new LifeboatError('assess.timeout', 'the time for the whole assessment was up', {
    hint: 'Give it more with --within.',
  });
}

function timeUp(limitMs: number): LifeboatError {
  return new LifeboatError('assess.timeout', `not done within ${formatDuration(limitMs)}`, {
    hint: 'Give it more time with --within, or look at less with --since.',
  });
}
