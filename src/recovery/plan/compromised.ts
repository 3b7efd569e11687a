import type { GroundFacts, PlaceFacts, ServiceFacts, SourceFacts } from './facts.ts';

/**
 * Why a place belongs to what an intruder had: the host of the source, or one that a service runs on. Told by name, and by what the places
 * lie on whatever it is called: a machine has many names, and an engine many contexts. Undefined: nothing says so.
 */
export function isCompromised(
  place: PlaceFacts & Partial<Pick<GroundFacts, 'isElsewhere'>>,
  source: Pick<SourceFacts, 'name' | 'place'>,
  services: readonly Pick<ServiceFacts, 'name' | 'place'>[],
): string | undefined {
  const others = [
    { name: source.name, place: source.place },
    ...services.map((each) => ({ name: `the service ${each.name}`, place: each.place })),
  ];
  if (place.isElsewhere === false) return `where ${source.name} is now`;
  const named = others.find((each) => isSame(place, each.place));
  if (named !== undefined) return `on the host of ${named.name}`;
  const same = others.find((each) => isOneMachine(place, each.place));
  return same && `on the machine of ${same.name}, which has another name there`;
}

function isOneMachine({ machines = [] }: PlaceFacts, other: PlaceFacts): boolean {
  return machines.some((each) => other.machines?.includes(each));
}

function isSame(a: PlaceFacts, b: PlaceFacts): boolean {
  const isNamed = a.host !== undefined && a.host === b.host;
  return isNamed || (a.fingerprint !== undefined && a.fingerprint === b.fingerprint);
}
