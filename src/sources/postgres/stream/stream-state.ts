import type { StreamAlarm, StreamState } from '../../source.ts';

/** Positions change a thousand times a second; watchers hear of them at most this often. */
const publishIntervalMs = 100;

export type Positions = Pick<
  StreamState,
  'written' | 'flushed' | 'serverEnd' | 'writtenUntil' | 'flushedUntil' | 'writtenMs' | 'flushedMs'
>;

/** Collects what is known about a stream and tells the watcher: phases and problems at once, positions now and then. */
export class StatePublisher {
  readonly #onState: (state: StreamState) => void;
  readonly #problems = new Map<string, string>();
  readonly #alarms = new Map<string, StreamAlarm>();
  #state: StreamState;
  #timer: NodeJS.Timeout | undefined;
  #read: (() => Positions) | undefined;

  constructor(source: string, onState: (state: StreamState) => void) {
    this.#onState = onState;
    this.#state = { source, phase: 'connecting' };
  }

  phase(phase: StreamState['phase']): void {
    if (this.#state.phase === phase) return;
    this.#state = { ...this.#state, phase };
    this.publishNow();
  }

  /** Each side (server, repository) has its own problem; undefined when it has none any more. */
  problem(side: 'server' | 'repository' | 'spool' | 'sql', problem: string | undefined): void {
    if (this.#problems.get(side) === problem) return;
    if (problem === undefined) this.#problems.delete(side);
    else this.#problems.set(side, problem);
    const { problem: _former, ...rest } = this.#state;
    const all = [...this.#problems.values()].join('; ');
    this.#state = all === '' ? rest : { ...rest, problem: all };
    this.publishNow();
  }

  /** What should be looked at by a person, each of its kind; undefined when it is over. */
  alarm(kind: 'slot' | 'spool' | 'synchronous' | 'ahead', alarm: StreamAlarm | undefined): void {
    const former = this.#alarms.get(kind);
    if (former?.message === alarm?.message) return;
    if (alarm === undefined) this.#alarms.delete(kind);
    else this.#alarms.set(kind, alarm);
    const { alarms: _former, ...rest } = this.#state;
    const alarms = [...this.#alarms.values()];
    this.#state = alarms.length === 0 ? rest : { ...rest, alarms };
    this.publishNow();
  }

  slot(slot: NonNullable<StreamState['slot']>): void {
    this.#state = { ...this.#state, slot };
    this.publishNow();
  }

  /** Asked for when they are told. */
  positions(read: () => Positions): void {
    this.#read = read;
    this.#timer ??= setTimeout(() => this.publishNow(), publishIntervalMs);
  }

  publishNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#state = { ...this.#state, ...this.#read?.() };
    this.#read = undefined;
    this.#onState(Object.freeze({ ...this.#state }));
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
