import type { Configuration } from '../../config/index.ts';
import { type Progress, silentProgress } from '../../core/index.ts';
import type { Platforms } from '../../platforms/index.ts';
import type { Repository } from '../../repository/index.ts';
import type { ConnectionSettings } from '../../sources/index.ts';
import type { CheckSurroundings } from '../validate/application/check-surroundings.ts';
import { measureServices } from '../validate/application/measure-services.ts';
import {
  type ServicePerformanceRecord,
  servicePerformanceKind,
} from './service-performance-record.ts';

/** A backup is held up for so long at most. */
const limitMs = 5000;

/**
 * Records how fast the services that write to a source answer and what they use, with the backup that was just taken. The backup is
 * stored already and stays so: what cannot be measured is left out, and nothing here fails. Resolves with whether something was recorded.
 */
export async function recordServicePerformance(options: {
  readonly configuration: Pick<Configuration, 'services'>;
  readonly platforms: Platforms;
  readonly checks: CheckSurroundings;
  readonly repository: Pick<Repository, 'records'>;
  readonly source: string;
  /** Of the source, where it is a server. */
  readonly server?: ConnectionSettings | undefined;
  readonly snapshot: string;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<boolean> {
  const { configuration, platforms, checks, repository, source, server, snapshot } = options;
  const { signal, progress = silentProgress } = options;
  const services = configuration.services.filter(({ writes = [] }) => writes.includes(source));
  if (services.length === 0) return false;
  try {
    const measured = await measureServices({
      services,
      platformOf: (service) => platforms.of(service),
      servers: server === undefined ? {} : { [source]: server },
      surroundings: checks,
      limitMs,
      signal,
      // That a platform does not answer is told by the baseline of the service.
      onMissing: () => {},
    });
    const { answersMs, resources, statements, errorForms } = measured;
    const body: ServicePerformanceRecord = {
      format: 1,
      snapshot,
      performance: {
        answersMs: { ...answersMs } as Record<string, Record<string, number>>,
        resources: { ...resources },
        statements: { ...statements } as ServicePerformanceRecord['performance']['statements'],
        errorForms: Object.fromEntries(
          Object.entries(errorForms).map(([name, forms]) => [name, forms.slice(0, formsKept)]),
        ),
      },
    };
    await repository.records.append({ kind: servicePerformanceKind, source, body });
    return true;
  } catch (error) {
    // Somebody ends the whole: that says nothing of the services.
    if (signal?.aborted) return false;
    const why = error instanceof Error ? error.message : String(error);
    const message = `how fast the services answer was not recorded: ${why}`;
    progress({ type: 'warning', message });
    return false;
  }
}

const formsKept = 200;
