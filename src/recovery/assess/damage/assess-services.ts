import { type ServiceSetting, sourcesOfService } from '../../../config/index.ts';
import {
  listServiceBaselines,
  type StoredServiceBaselines,
} from '../../service-baseline/service-baseline-record.ts';
import { type Assessment, openRepositoryOf, sinceOf } from './assessment.ts';
import { lookAtBaseline, lookAtOutput, lookAtState } from './look-at-service.ts';
import { ifLooked, type Part } from './part.ts';
import type { ServiceDamage } from './service-damage.ts';

/** The services that write to one of the sources, or are its server; without any such wish all of them. */
export async function assessServices(
  assessment: Assessment,
  sources: readonly string[],
): Promise<readonly ServiceDamage[]> {
  const { services, sources: settings } = assessment.surroundings.configuration;
  const isOf = (service: ServiceSetting) =>
    sources.some((name) => {
      const setting = settings[name];
      const isServer = setting?.kind === 'postgres' && setting.service === service.name;
      return isServer || service.writes?.includes(name);
    });
  const isAll = sources.length === Object.keys(settings).length;
  const chosen = services.filter((service) => isAll || isOf(service));
  return await Promise.all(chosen.map((service) => assessService(assessment, service)));
}

async function assessService(
  assessment: Assessment,
  service: ServiceSetting,
): Promise<ServiceDamage> {
  const { runner, limits, platforms, now } = assessment;
  const { name, writes = [] } = service;
  const since = sinceOf(assessment, now);
  const [state, output, recorded] = await Promise.all([
    runner.run(`${name}: state`, limits.serviceMs, async (part) =>
      lookAtState(service, platforms.of(service), part),
    ),
    runner.run(`${name}: output`, limits.serviceMs, async (part) =>
      lookAtOutput(service, platforms.of(service), since, part),
    ),
    recordedOf(assessment, service),
  ]);
  const baseline = await ifLooked(recorded, (known) =>
    runner.run(`${name}: what it is made of`, limits.serviceMs, async (part) =>
      lookAtBaseline(service, platforms.of(service), { recorded: known, since }, part),
    ),
  );
  return { name, platform: service.platform, writes, state, baseline, output };
}

/** Recorded with the backups of the first of its sources. */
async function recordedOf(
  assessment: Assessment,
  service: ServiceSetting,
): Promise<Part<readonly StoredServiceBaselines[]>> {
  const { runner, limits, surroundings } = assessment;
  const { name } = service;
  const [source] = sourcesOfService(surroundings.configuration, service);
  if (source === undefined) {
    return await runner.run(`${name}: its baselines`, limits.serviceMs, async () => []);
  }
  return await ifLooked(await openRepositoryOf(assessment, source), (repository) =>
    runner.run(`${name}: its baselines`, limits.serviceMs, () =>
      listServiceBaselines(repository, source),
    ),
  );
}
