import type { Progress, ProgressEvent } from '../../core/index.ts';
import type { ProofPhase } from './proof.ts';

/** The phases by the tasks that report them. */
const phaseOf: Readonly<Record<string, ProofPhase['phase']>> = {
  'restore-files': 'restore',
  replay: 'replay',
  validate: 'validate',
};

/** Measures how long each phase of a proof takes, by the progress that its parts report. */
export class PhaseClock {
  readonly #spentMs = new Map<ProofPhase['phase'], number>();
  readonly #begunMs = new Map<string, number>();
  readonly #next: Progress;

  constructor(next: Progress) {
    this.#next = next;
  }

  readonly progress: Progress = (event) => {
    this.#follow(event);
    this.#next(event);
  };

  get phases(): readonly ProofPhase[] {
    return [...this.#spentMs].map(([phase, durationMs]) => ({
      phase,
      durationMs: Math.round(durationMs),
    }));
  }

  #follow(event: ProgressEvent): void {
    if (event.type !== 'begin' && event.type !== 'end') return;
    const phase = phaseOf[event.task];
    if (phase === undefined) return;
    const now = performance.now();
    if (event.type === 'begin') this.#begunMs.set(phase, now);
    else {
      const spentMs = now - (this.#begunMs.get(phase) ?? now);
      this.#spentMs.set(phase, (this.#spentMs.get(phase) ?? 0) + spentMs);
    }
  }
}
