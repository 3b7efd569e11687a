import type { Repository } from '../repository/index.ts';
import type { Source } from '../sources/index.ts';
import { lockInstance } from './instance-lock.ts';
import { parseSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';
import { SourceKeeper } from './source-keeper.ts';

export interface ServiceOptions {
  readonly sources: readonly {
    readonly source: Source;
    readonly repository: Repository;
    /** Cron expression. */
    readonly backup?: string;
  }[];
  readonly stateFolder: string;
  /** Ends the service. */
  readonly signal: AbortSignal;
  /** Must not throw. */
  readonly onEvent: (event: ServiceEvent) => void;
}

/**
 * Protects the sources until the signal aborts; then everything is stopped in order and the promise resolves.
 * Rejects when it cannot begin: `service.running`, `config.invalid` (a schedule).
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { signal, onEvent } = options;
  const keepers = options.sources.map(({ source, repository, backup }) => {
    const schedule =
      backup === undefined ? undefined : parseSchedule(backup, `sources.${source.name}.backup`);
    return new SourceKeeper({ source, repository, schedule, signal, onEvent });
  });
  await using _lock = await lockInstance(options.stateFolder);
  onEvent({ type: 'service-started', sources: options.sources.map(({ source }) => source.name) });
  await Promise.all(keepers.map((keeper) => keeper.run()));
  onEvent({ type: 'service-stopped' });
}
