import type { ProgressEvent } from '../core/index.ts';
import type { StreamAlarm, StreamState } from '../sources/index.ts';
import type { ServiceEvent } from './service-event.ts';
import { readStreamNote, writeStreamNote } from './stream-note.ts';

/** `status` takes a note that is much older for a service that has died. */
const noteIntervalMs = 10_000;

/** Passes on what a stream tells: each state as an event, what became worse as an alarm, now and then a note for `status`. */
export class StreamNews implements AsyncDisposable {
  readonly #stateFolder: string;
  readonly #source: string;
  readonly #onEvent: (event: ServiceEvent) => void;
  #alarms: readonly StreamAlarm[] = [];
  #told = '';
  #noteAtMs = Number.NEGATIVE_INFINITY;
  #noting: Promise<void> = Promise.resolve();
  #safeUntil: Date | undefined;

  private constructor(stateFolder: string, source: string, onEvent: (event: ServiceEvent) => void) {
    this.#stateFolder = stateFolder;
    this.#source = source;
    this.#onEvent = onEvent;
  }

  static async begin(
    stateFolder: string,
    source: string,
    onEvent: (event: ServiceEvent) => void,
  ): Promise<StreamNews> {
    const news = new StreamNews(stateFolder, source, onEvent);
    news.#safeUntil = (await readStreamNote(stateFolder, source))?.writtenUntil;
    return news;
  }

  /** Until when everything that the server wrote was received, also by a service that ran before. */
  get safeUntil(): Date | undefined {
    return this.#safeUntil;
  }

  readonly progress = (event: ProgressEvent): void => {
    if (event.type !== 'warning') return;
    this.#onEvent({ type: 'stream-warning', source: this.#source, message: event.message });
  };

  tell(state: StreamState): void {
    this.#safeUntil = state.writtenUntil ?? this.#safeUntil;
    this.#onEvent({ type: 'stream', ...state });
    for (const { level, ...alarm } of newAlarms(this.#alarms, state.alarms ?? [])) {
      this.#onEvent({ type: 'alarm', source: this.#source, ...alarm });
    }
    this.#alarms = state.alarms ?? [];
    const { phase, problem, alarms } = state;
    const news = JSON.stringify([phase, problem, alarms?.map(({ code, level }) => code + level)]);
    const now = performance.now();
    if (news === this.#told && now - this.#noteAtMs < noteIntervalMs) return;
    this.#told = news;
    this.#noteAtMs = now;
    this.#note(state);
  }

  #note(state: StreamState): void {
    const until = this.#safeUntil ? { writtenUntil: this.#safeUntil } : {};
    const note = { ...until, ...state, time: new Date() };
    const write = () => writeStreamNote(this.#stateFolder, note);
    this.#noting = this.#noting.then(write);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#noting;
  }
}

/** Those of a new kind, and those of which less time is left. */
function newAlarms(
  before: readonly StreamAlarm[],
  after: readonly StreamAlarm[],
): readonly StreamAlarm[] {
  return after.filter(({ code, level }) => {
    const former = before.find((each) => each.code === code);
    return former === undefined || (former.level === 'early' && level === 'late');
  });
}
