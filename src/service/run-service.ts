import { type Configuration, retentionOf } from '../config/index.ts';
import { assert } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import type { Source } from '../sources/index.ts';
import { lockInstance } from './instance-lock.ts';
import { RepositoryKeeper } from './repository-keeper.ts';
import { policyOf } from './retention.ts';
import { parseSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';
import { SourceKeeper } from './source-keeper.ts';

export interface ServiceOptions {
  /** What is to be done when; each repository and source of it is opened below. */
  readonly configuration: Configuration;
  readonly repositories: ReadonlyMap<string, Repository>;
  readonly sources: readonly Source[];
  /** Ends the service. */
  readonly signal: AbortSignal;
  /** Must not throw. */
  readonly onEvent: (event: ServiceEvent) => void;
}

/**
 * Protects the sources until the signal aborts, and keeps their repositories in order; then everything is stopped in order and
 * the promise resolves. Rejects when it cannot begin: `service.running`, `config.invalid` (a schedule).
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { configuration, sources, signal, onEvent } = options;
  const places = keepersOf(options);
  const keepers = sources.map((source) => {
    const { backup, repository } = configuration.sources[source.name] ?? {};
    const schedule =
      backup === undefined ? undefined : parseSchedule(backup, `sources.${source.name}.backup`);
    const place = places.get(repository ?? '');
    assert(place !== undefined, 'the repository of every source is open');
    return new SourceKeeper({
      source,
      repository: place.repository,
      place,
      schedule,
      signal,
      onEvent,
    });
  });
  await using _lock = await lockInstance(configuration.stateFolder);
  const names = { sources: sources.map(({ name }) => name), repositories: [...places.keys()] };
  onEvent({ type: 'service-started', ...names });
  await Promise.all([...keepers, ...places.values()].map((keeper) => keeper.run()));
  onEvent({ type: 'service-stopped' });
}

function keepersOf({
  configuration,
  repositories,
  sources,
  signal,
  onEvent,
}: ServiceOptions): ReadonlyMap<string, RepositoryKeeper> {
  const keepers = new Map<string, RepositoryKeeper>();
  for (const [name, repository] of repositories) {
    const { prune, check, checkData, copySchedule } = configuration.repositories[name] ?? {};
    const kept = sources.map((source) => {
      const setting = retentionOf(configuration, source.name, name);
      return { name: source.name, kind: source.kind, policy: setting && policyOf(setting) };
    });
    const { stateFolder } = configuration;
    const work = { prune, check, checkData, copySchedule };
    const keeper = { name, repository, sources: kept, stateFolder, signal, onEvent, ...work };
    keepers.set(name, new RepositoryKeeper(keeper));
  }
  for (const [name, keeper] of keepers) {
    const from = keepers.get(configuration.repositories[name]?.copyFrom ?? '');
    if (from !== undefined) keeper.copyFrom(from);
  }
  return keepers;
}
