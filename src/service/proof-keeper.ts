import type { Cron } from 'croner';
import { type Turn, throwIfAborted } from '../core/index.ts';
import { failuresOf, proveSource, type UserCheck } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import type { PostgresSource } from '../sources/index.ts';
import { alarmOf } from './alarm.ts';
import type { RepositoryKeeper } from './repository-keeper.ts';
import { runOnSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';

interface Options {
  readonly source: PostgresSource;
  readonly repository: Repository;
  readonly place: Pick<RepositoryKeeper, 'turns'>;
  /** Of all sources: each needs room for a whole cluster, and the processors. */
  readonly turn: Turn;
  readonly schedule: Cron;
  readonly userChecks: readonly UserCheck[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServiceEvent) => void;
}

/** Proves one source on schedule. What cannot be tried at all is an alarm; the next time tries again. */
export class ProofKeeper {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves after the signal aborted. */
  async run(): Promise<void> {
    const { schedule, signal, source, turn, onEvent } = this.#options;
    this.#announceNext();
    await runOnSchedule(schedule, signal, async () => {
      try {
        await turn.take(() => this.#prove());
      } catch (error) {
        if (signal.aborted) return;
        const action = 'the next scheduled proof tries again';
        onEvent(alarmOf({ source: source.name }, error, action));
      }
      this.#announceNext();
    }).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }

  async #prove(): Promise<void> {
    const { source, repository, place, userChecks, signal, onEvent } = this.#options;
    throwIfAborted(signal);
    // Before the first backup there is nothing to prove, and `status` says that there is none.
    if (!(await source.hasBackup({ repository, signal }))) return;
    // A prune of our own waits; what it would remove may be just what is restored.
    await place.turns.shared(`proof of ${source.name}`, async () => {
      onEvent({ type: 'proof-started', source: source.name });
      const proof = await proveSource({ source, repository, userChecks, signal });
      if (proof.verdict === 'passed') onEvent({ type: 'proof', ...proof });
      else onEvent({ type: 'proof-failed', ...proof, failures: failuresOf(proof) });
    });
  }

  #announceNext(): void {
    const { schedule, source, onEvent } = this.#options;
    const time = schedule.nextRun();
    if (time) onEvent({ type: 'next-proof', source: source.name, time });
  }
}
