import { hostname } from 'node:os';
import { assert, isLifeboatError } from '../../core/index.ts';
import { machinesOfHost, type Platforms } from '../../platforms/index.ts';
import type { Surroundings } from '../surroundings.ts';
import { placeOfSource } from './place-facts.ts';

/** What a source that is no service lies on, as far as it can be asked: this machine, or the engine of its volume. */
export async function machinesOfSource(
  request: {
    readonly surroundings: Pick<Surroundings, 'configuration'>;
    readonly platforms: Platforms;
    readonly signal?: AbortSignal;
  },
  name: string,
): Promise<readonly string[]> {
  const { surroundings, platforms, signal } = request;
  const setting = surroundings.configuration.sources[name];
  assert(setting !== undefined, `no source ${name}`);
  if (setting.kind === 'volume') {
    const { context } = setting;
    const docker = { platform: 'docker', name, container: name } as const;
    const platform = platforms.of({ ...docker, ...(context === undefined ? {} : { context }) });
    try {
      return (await platform.identify(signal ? { signal } : {})).machines ?? [];
    } catch (error) {
      if (isLifeboatError(error, 'cancelled', 'bug') || !isLifeboatError(error)) throw error;
      return [];
    }
  }
  return placeOfSource(setting).host === hostname() ? await machinesOfHost() : [];
}
