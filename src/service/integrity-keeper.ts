import type { Cron } from 'croner';
import { checkLive, failuresOf, type UserCheck } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import type { PostgresSource } from '../sources/index.ts';
import { alarmOf } from './alarm.ts';
import { runOnSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';

interface Options {
  readonly source: PostgresSource;
  readonly repository: Repository;
  readonly schedule: Cron;
  readonly bytesPerSecond: number | undefined;
  readonly userChecks: readonly UserCheck[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServiceEvent) => void;
}

/** Checks the data of one live server on schedule. A server that does not answer is an alarm; the next time tries again. */
export class IntegrityKeeper {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves after the signal aborted. */
  async run(): Promise<void> {
    const { schedule, signal, source, onEvent } = this.#options;
    await runOnSchedule(schedule, signal, async () => {
      try {
        await this.#check();
      } catch (error) {
        if (signal.aborted) return;
        const action = 'the next scheduled check of the live server tries again';
        onEvent(alarmOf({ source: source.name }, error, action));
      }
    }).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }

  async #check(): Promise<void> {
    const { source, repository, bytesPerSecond, userChecks, signal, onEvent } = this.#options;
    onEvent({ type: 'integrity-started', source: source.name });
    const report = await checkLive({
      source,
      repository,
      userChecks,
      signal,
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    });
    if (report.verdict === 'passed') onEvent({ type: 'integrity', ...report });
    else onEvent({ type: 'integrity-failed', ...report, failures: failuresOf(report) });
  }
}
