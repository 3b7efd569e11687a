import { describeService } from '../../platforms/index.ts';
import { affectedServices } from './affected-services.ts';
import type { FreezeRecord, FrozenService } from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';
import { mayGoOn } from './may-go-on.ts';
import { newRecord } from './new-record.ts';

export interface RememberedFreeze {
  /** Not stored. Absent: no service says that it was stopped by a freeze. */
  readonly record?: FreezeRecord;
  /** Services that could not be asked, and why. */
  readonly problems: readonly string[];
}

/**
 * What services that were stopped say of themselves, where their platform remembers it: for a thaw when the record of the freeze is gone
 * with its host. Databases and maintenance pages remember nothing. Changes nothing. Errors: `cancelled`.
 */
export async function rememberedFreeze(world: FreezeWorld): Promise<RememberedFreeze> {
  const { surroundings, platforms, signal } = world;
  const { configuration } = surroundings;
  const request = signal ? { signal } : {};
  const affected = affectedServices(configuration, Object.keys(configuration.sources));
  const problems: string[] = [];
  const items: FrozenService[] = [];
  for (const service of configuration.services) {
    const platform = platforms.of(service);
    if (platform.remembered === undefined) continue;
    try {
      const former = await platform.remembered(service, request);
      if (former === undefined) continue;
      const { text, fingerprint } = await platform.identify(request);
      items.push({
        kind: 'service',
        name: `service ${service.name}`,
        service: service.name,
        sources: affected.find((each) => each.service.name === service.name)?.sources ?? [],
        place: { text, fingerprint },
        intent: `stop the service ${service.name} (${describeService(service)})`,
        state: 'done',
        former,
      });
    } catch (error) {
      problems.push(`${service.name}: ${mayGoOn(error).message}`);
    }
  }
  if (items.length === 0) return { problems };
  const record: FreezeRecord = {
    ...newRecord(world),
    phase: 'frozen',
    sources: [...new Set(items.flatMap(({ sources }) => sources))],
    items,
  };
  return { record, problems };
}
