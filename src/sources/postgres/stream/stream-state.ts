import type { StreamState } from '../../source.ts';

/** Positions change a thousand times a second; watchers hear of them at most this often. */
const publishIntervalMs = 100;

/** Collects what is known about a stream and tells the watcher: phases and problems at once, positions now and then. */
export class StatePublisher {
  readonly #onState: (state: StreamState) => void;
  readonly #problems = new Map<string, string>();
  #state: StreamState;
  #timer: NodeJS.Timeout | undefined;

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
  problem(side: 'server' | 'repository' | 'spool', problem: string | undefined): void {
    if (this.#problems.get(side) === problem) return;
    if (problem === undefined) this.#problems.delete(side);
    else this.#problems.set(side, problem);
    const { problem: _former, ...rest } = this.#state;
    const all = [...this.#problems.values()].join('; ');
    this.#state = all === '' ? rest : { ...rest, problem: all };
    this.publishNow();
  }

  positions(positions: Pick<StreamState, 'written' | 'flushed' | 'serverEnd'>): void {
    this.#state = { ...this.#state, ...positions };
    this.#timer ??= setTimeout(() => this.publishNow(), publishIntervalMs);
  }

  publishNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#onState(Object.freeze({ ...this.#state }));
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
