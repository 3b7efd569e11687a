import type { Configuration } from '../config/index.ts';
import { assert, type Progress, Turn } from '../core/index.ts';
import type { Platforms } from '../platforms/index.ts';
import {
  type CheckSurroundings,
  recordServiceBaselines,
  recordServicePerformance,
} from '../recovery/index.ts';
import type { Repository, SnapshotId } from '../repository/index.ts';
import { PostgresSource, type Source } from '../sources/index.ts';
import { alarmOf } from './alarm.ts';
import { dataKeepers, dataSchedulesOf } from './data-keepers.ts';
import { FreezeKeeper } from './freeze-keeper.ts';
import { keepIncidents } from './incident-keeper.ts';
import { lockInstance } from './instance-lock.ts';
import { keptSources } from './kept-sources.ts';
import { RepositoryKeeper } from './repository-keeper.ts';
import { parseSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';
import { SourceKeeper } from './source-keeper.ts';
import { noteNextTry } from './stream-note.ts';

export interface ServiceOptions {
  /** What is to be done when. */
  readonly configuration: Configuration;
  /** How to open each. One that cannot be reached at first is tried again; the others are served meanwhile. */
  readonly repositories: ReadonlyMap<string, () => Promise<Repository>>;
  readonly sources: readonly Source[];
  /** Where the services run that write to the sources: what they are made of is recorded with every backup. */
  readonly platforms: Platforms;
  /** What checks of these services may touch, anew each time: a secret may have been changed since. */
  readonly checks: () => CheckSurroundings;
  /** Keeps the configuration where a new host finds it, once a backup was stored. Must not reject. */
  readonly keepConfiguration?: () => Promise<void>;
  /** Ends the service. */
  readonly signal: AbortSignal;
  /** Must not throw. */
  readonly onEvent: (event: ServiceEvent) => void;
}

/**
 * Protects the sources until the signal aborts, and keeps their repositories in order; then everything is stopped in order and
 * the promise resolves. Rejects when it cannot begin: `service.running`, `config.invalid` (a schedule), a repository that
 * is reached and does not open.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { configuration, sources, onEvent } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const places = keepersOf({ ...options, signal });
  const schedules = new Map(
    Object.entries(configuration.sources).map(([name, { backup }]) => [
      name,
      backup === undefined ? undefined : parseSchedule(backup, `sources.${name}.backup`),
    ]),
  );
  const schedulesOfData = dataSchedulesOf(configuration);
  const proofTurn = new Turn();
  await using _lock = await lockInstance(configuration.stateFolder);
  const names = { sources: sources.map(({ name }) => name), repositories: [...places.keys()] };
  onEvent({ type: 'service-started', ...names });
  const open = ({ name, opening }: RepositoryKeeper) =>
    opening.whenReachable(signal, async (error, delayMs) => {
      const { message: problem } = error as Error;
      const own = sources.filter((each) => configuration.sources[each.name]?.repository === name);
      const { stateFolder } = configuration;
      await Promise.all(
        own.map((each) => noteNextTry(stateFolder, each.name, { problem, delayMs })),
      );
      const action = `it is tried again in ${Math.round(delayMs / 1000)} s`;
      onEvent(alarmOf({ repository: name }, error, action));
    });
  const keepSource = async (source: Source) => {
    const place = places.get(configuration.sources[source.name]?.repository ?? '');
    assert(place !== undefined, 'the repository of every source is known');
    const repository = await open(place);
    if (repository === undefined) return;
    const schedule = schedules.get(source.name);
    const { stateFolder } = configuration;
    const setting = configuration.sources[source.name];
    const alsoTo = setting?.kind === 'postgres' ? (setting.alsoTo ?? []) : [];
    const others = alsoTo.flatMap((name) => places.get(name) ?? []);
    const recordServices = async (snapshot: SnapshotId) => {
      const { platforms } = options;
      const about = { configuration, platforms, repository, source: source.name, snapshot, signal };
      const progress = servicesNews(source.name, onEvent);
      await recordServiceBaselines({ ...about, progress });
      const server = source instanceof PostgresSource ? source.settings.connection : undefined;
      await recordServicePerformance({ ...about, checks: options.checks(), server, progress });
      await options.keepConfiguration?.();
    };
    const work = {
      source,
      repository,
      place,
      others,
      schedule,
      stateFolder,
      signal,
      onEvent,
      recordServices,
    };
    const watched =
      source instanceof PostgresSource && setting?.kind === 'postgres'
        ? dataKeepers({ ...work, source, setting, schedules: schedulesOfData, proofTurn })
        : [];
    await Promise.all([new SourceKeeper(work), ...watched].map((keeper) => keeper.run()));
  };
  const keepPlace = async (place: RepositoryKeeper) => {
    if ((await open(place)) !== undefined) await place.run();
  };
  const stateFolder = configuration.stateFolder;
  const carriers = [...places].map(([name, { opening }]) => ({ name, open: () => opening.now() }));
  const work = [
    ...sources.map(keepSource),
    ...[...places.values()].map(keepPlace),
    keepIncidents({ stateFolder, repositories: carriers, signal }),
    new FreezeKeeper({ configuration, repositories: carriers, signal, onEvent }).run(),
  ];
  await endTogether(work, failed);
  onEvent({ type: 'service-stopped' });
}

/** When one cannot begin, all are stopped in order before its error is thrown. */
async function endTogether(work: readonly Promise<void>[], failed: AbortController): Promise<void> {
  for (const each of work) each.catch(() => failed.abort());
  const outcomes = await Promise.allSettled(work);
  const rejected = outcomes.find((outcome) => outcome.status === 'rejected');
  if (rejected !== undefined) throw rejected.reason;
}

function servicesNews(source: string, onEvent: ServiceOptions['onEvent']): Progress {
  return (event) => {
    if (event.type !== 'warning') return;
    onEvent({ type: 'services-warning', source, message: event.message });
  };
}

function keepersOf({
  configuration,
  repositories,
  signal,
  onEvent,
}: ServiceOptions): ReadonlyMap<string, RepositoryKeeper> {
  const keepers = new Map<string, RepositoryKeeper>();
  for (const [name, open] of repositories) {
    const { prune, check, checkData, copySchedule } = configuration.repositories[name] ?? {};
    const kept = keptSources(configuration, name);
    const { stateFolder } = configuration;
    const work = { prune, check, checkData, copySchedule };
    const keeper = { name, open, sources: kept, stateFolder, signal, onEvent, ...work };
    keepers.set(name, new RepositoryKeeper(keeper));
  }
  for (const [name, keeper] of keepers) {
    const from = keepers.get(configuration.repositories[name]?.copyFrom ?? '');
    if (from !== undefined) keeper.copyFrom(from);
  }
  return keepers;
}
