import type { Configuration } from './configuration.ts';
import type { ServiceSetting } from './schema/service.ts';

/**
 * The sources whose backups record what a service is made of: those that it writes to, and the one whose server it is. One that has to
 * do with none is recorded with all: it may go wrong too.
 */
export function sourcesOfService(
  { sources }: Pick<Configuration, 'sources'>,
  { name, writes = [] }: Pick<ServiceSetting, 'name' | 'writes'>,
): readonly string[] {
  const served = Object.entries(sources)
    .filter(([, setting]) => setting.kind === 'postgres' && setting.service === name)
    .map(([source]) => source);
  const own = [...new Set([...writes, ...served])];
  return own.length > 0 ? own : Object.keys(sources);
}
