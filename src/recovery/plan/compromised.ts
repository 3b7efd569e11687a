import type { PlaceFacts, ServiceFacts, SourceFacts } from './facts.ts';

/**
 * Why a place belongs to what an intruder had: the host of the source, or one that a service runs on. Told by name and by fingerprint;
 * undefined: nothing says so.
 */
export function isCompromised(
  place: PlaceFacts,
  source: Pick<SourceFacts, 'name' | 'place'>,
  services: readonly Pick<ServiceFacts, 'name' | 'place'>[],
): string | undefined {
  if (isSame(place, source.place)) return `on the host of ${source.name}`;
  const service = services.find((each) => isSame(place, each.place));
  return service && `on the host of the service ${service.name}`;
}

function isSame(a: PlaceFacts, b: PlaceFacts): boolean {
  const isNamed = a.host !== undefined && a.host === b.host;
  return isNamed || (a.fingerprint !== undefined && a.fingerprint === b.fingerprint);
}
