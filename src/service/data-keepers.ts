import type { Cron } from 'croner';
import {
  type Configuration,
  integrityOf,
  type PostgresSourceSetting,
  proofsOf,
} from '../config/index.ts';
import type { Turn } from '../core/index.ts';
import { userChecksOf } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import type { PostgresSource } from '../sources/index.ts';
import { IntegrityKeeper } from './integrity-keeper.ts';
import { ProofKeeper } from './proof-keeper.ts';
import type { RepositoryKeeper } from './repository-keeper.ts';
import { parseSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';

/** When the data of a source is looked at: restored, and where it lives. */
interface DataSchedules {
  readonly proof?: Cron;
  readonly integrity?: Cron;
  readonly bytesPerSecond?: number;
}

/** By source. Errors: `config.invalid`. */
export function dataSchedulesOf(configuration: Configuration): ReadonlyMap<string, DataSchedules> {
  const schedules = new Map<string, DataSchedules>();
  for (const [name, { kind }] of Object.entries(configuration.sources)) {
    if (kind !== 'postgres') continue;
    const proofs = proofsOf(configuration, name);
    const { schedule: integrity, ...pace } = integrityOf(configuration, name);
    schedules.set(name, {
      ...pace,
      ...(proofs.schedule === undefined
        ? {}
        : { proof: parseSchedule(proofs.schedule, `proofs.schedule of ${name}`) }),
      ...(integrity === undefined
        ? {}
        : { integrity: parseSchedule(integrity, `integrity.schedule of ${name}`) }),
    });
  }
  return schedules;
}

/** What looks at the data of a source on schedule. */
export function dataKeepers(work: {
  readonly source: PostgresSource;
  readonly setting: PostgresSourceSetting;
  readonly repository: Repository;
  readonly place: Pick<RepositoryKeeper, 'turns'>;
  readonly schedules: ReadonlyMap<string, DataSchedules>;
  readonly proofTurn: Turn;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServiceEvent) => void;
}): readonly { run(): Promise<void> }[] {
  const { source, setting, repository, place, proofTurn: turn, signal, onEvent } = work;
  const { proof, integrity, bytesPerSecond } = work.schedules.get(source.name) ?? {};
  const common = { source, repository, userChecks: userChecksOf(source, setting), signal, onEvent };
  return [
    ...(proof ? [new ProofKeeper({ ...common, place, turn, schedule: proof })] : []),
    ...(integrity ? [new IntegrityKeeper({ ...common, bytesPerSecond, schedule: integrity })] : []),
  ];
}
