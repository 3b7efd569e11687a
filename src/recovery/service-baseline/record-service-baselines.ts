import { randomBytes } from 'node:crypto';
import { type Configuration, sourcesOfService } from '../../config/index.ts';
import { isLifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import type { Platforms } from '../../platforms/index.ts';
import type { Repository } from '../../repository/index.ts';
import { type ServiceBaselineRecord, serviceBaselineKind } from './service-baseline-record.ts';

const saltBytes = 16;
/** A platform that does not answer must not hold a backup up. */
const answerMs = 20_000;

/**
 * Records what the services of a source are made of, with the backup that was just taken. The backup is stored already and
 * stays so: what goes wrong here is a warning at most. Resolves with the number of services that were recorded.
 */
export async function recordServiceBaselines(options: {
  readonly configuration: Pick<Configuration, 'services' | 'sources'>;
  readonly platforms: Platforms;
  readonly repository: Pick<Repository, 'records'>;
  readonly source: string;
  readonly snapshot: string;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<number> {
  const { configuration, platforms, repository, source, snapshot, signal } = options;
  const { progress = silentProgress } = options;
  const concerned = configuration.services.filter((service) =>
    sourcesOfService(configuration, service).includes(source),
  );
  if (concerned.length === 0) return 0;
  const warn = (what: string, error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    progress({ type: 'warning', message: `${what}: ${message}` });
  };
  const salt = randomBytes(saltBytes);
  const services: ServiceBaselineRecord['services'] = {};
  const unread: Record<string, string> = {};
  const request = { timeoutMs: answerMs, ...(signal ? { signal } : {}) };
  for (const service of concerned) {
    const { name, platform } = service;
    try {
      const found = await platforms.of(service).baseline(service, salt, request);
      services[name] = { platform, baseline: mutable(found) };
    } catch (error) {
      // Somebody ends the whole: that says nothing of the service.
      if (signal?.aborted) return 0;
      unread[name] = isLifeboatError(error) ? error.message : 'a mistake in this program';
      warn(`what the service ${name} is made of was not recorded`, error);
    }
  }
  const body: ServiceBaselineRecord = {
    format: 1,
    salt: salt.toString('hex'),
    snapshot,
    services,
    ...(Object.keys(unread).length > 0 ? { unread } : {}),
  };
  try {
    await repository.records.append({ kind: serviceBaselineKind, source, body });
  } catch (error) {
    warn('what the services are made of was not recorded', error);
    return 0;
  }
  return Object.keys(services).length;
}

function mutable(
  found: Awaited<ReturnType<ReturnType<Platforms['of']>['baseline']>>,
): ServiceBaselineRecord['services'][string]['baseline'] {
  const { command, ports, environment, files, ...image } = found;
  return {
    ...image,
    command: [...command],
    ports: [...ports],
    environment: { ...environment },
    files: { ...files },
  };
}
