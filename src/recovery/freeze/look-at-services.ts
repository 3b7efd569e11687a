import type { ServiceSetting } from '../../config/index.ts';
import { describeService, type Platform, type PlatformIdentity } from '../../platforms/index.ts';
import { type AffectedService, affectedServices } from './affected-services.ts';
import type { FreezeDraft } from './freeze-draft.ts';
import type { FreezeRequest } from './freeze-request.ts';

/** The services that are to be stopped, as they are now, in the order in which they are stopped. */
export async function lookAtServices(request: FreezeRequest, draft: FreezeDraft): Promise<void> {
  const identities = new Map<Platform, Promise<PlatformIdentity>>();
  const { signal } = request;
  const identify = (platform: Platform) => {
    const known = identities.get(platform) ?? platform.identify(signal ? { signal } : {});
    identities.set(platform, known);
    return known;
  };
  for (const { service, sources } of wantedServices(request)) {
    await draft.attempt(
      { kind: 'service', what: `the service ${service.name} cannot be stopped` },
      () => lookAt(service, sources, request, draft, identify),
    );
  }
}

/** Those that are to be stopped, in the order in which they are. */
export function wantedServices({ surroundings, sources, services }: FreezeRequest) {
  const { configuration } = surroundings;
  const affected = affectedServices(configuration, sources);
  if (services === undefined) return affected;
  // Named one by one, as a plan does: of others the sources are the reason, all of them.
  return configuration.services
    .filter(({ name }) => services.includes(name))
    .map(
      (service): AffectedService =>
        affected.find((each) => each.service.name === service.name) ?? { service, sources },
    )
    .reverse();
}

async function lookAt(
  service: ServiceSetting,
  sources: readonly string[],
  { platforms, signal }: FreezeRequest,
  draft: FreezeDraft,
  identify: (platform: Platform) => Promise<PlatformIdentity>,
): Promise<void> {
  const platform = platforms.of(service);
  const { text, fingerprint } = await identify(platform);
  const place = { text, fingerprint };
  draft.place(`services: ${text}`, place);
  const known = draft.find('service', (item) => item.service === service.name);
  if (known !== undefined) {
    draft.requireSamePlace(known, place);
    draft.put({ ...known, sources });
    return;
  }
  const former = await platform.inspect(service, signal ? { signal } : {});
  if (former.status === 'absent') {
    draft.notes.push(`the service ${service.name} does not exist on ${text}: nothing to stop`);
    return;
  }
  draft.put({
    kind: 'service',
    name: `service ${service.name}`,
    service: service.name,
    sources,
    place,
    intent: `stop the service ${service.name} (${describeService(service)})`,
    state: 'planned',
    former,
  });
}
