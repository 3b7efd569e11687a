import type { Configuration, ServiceSetting } from '../../config/index.ts';

export interface AffectedService {
  readonly service: ServiceSetting;
  /** For whose sake it is stopped. */
  readonly sources: readonly string[];
}

/**
 * Services that write to one of the sources, and all that need one of these, in the order in which they are stopped: each before those
 * it needs. A service that is the server of a source stays: its databases are closed instead.
 */
export function affectedServices(
  configuration: Pick<Configuration, 'services' | 'sources'>,
  sources: readonly string[],
): readonly AffectedService[] {
  const reasons = new Map<string, Set<string>>();
  for (const { name, writes = [], after = [] } of configuration.services) {
    const own = sources.filter((source) => writes.includes(source));
    // Sorted so that those it needs were seen before.
    const needed = after.flatMap((each) => [...(reasons.get(each) ?? [])]);
    if (own.length + needed.length > 0) reasons.set(name, new Set([...own, ...needed]));
  }
  const servers = Object.values(configuration.sources).map((source) =>
    source.kind === 'postgres' ? source.service : undefined,
  );
  return configuration.services
    .filter(({ name }) => reasons.has(name) && !servers.includes(name))
    .map((service) => ({ service, sources: [...(reasons.get(service.name) as Set<string>)] }))
    .reverse();
}
