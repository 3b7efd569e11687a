import type { Configuration } from '../config/index.ts';
import { isLifeboatError } from '../core/index.ts';
import type { RecoveryPromises } from '../sources/index.ts';
import type { CommandContext } from './command.ts';
import { loadConfigured } from './configured.ts';
import { isSamePlace } from './same-place.ts';

/**
 * What the configuration promises of the sources in a repository, however it was named: whoever forgets and prunes by hand must not
 * cut what `serve` keeps. None without a configuration. Errors: `config.invalid`.
 */
export async function configuredPromises(
  context: CommandContext,
  wanted: string | undefined,
): Promise<RecoveryPromises> {
  const configuration = configurationOrNone(context);
  if (configuration === undefined) return new Map();
  const { environment } = context;
  const place = wanted ?? environment.LIFEBOAT_REPOSITORY;
  const name = await nameOf(configuration, place, environment);
  if (name === undefined) return new Map();
  // What the service consists of is loaded only where it is needed.
  const { keptSources, promisesOf } = await import('../service/index.ts');
  return promisesOf(keptSources(configuration, name));
}

async function nameOf(
  { repositories }: Configuration,
  wanted: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const all = Object.entries(repositories);
  if (wanted === undefined) {
    const originals =
      all.length === 1 ? all : all.filter(([, each]) => each.copyFrom === undefined);
    return originals[0]?.[0];
  }
  if (Object.hasOwn(repositories, wanted)) return wanted;
  for (const [name, { location }] of all) {
    if (await isSamePlace(wanted, location, environment)) return name;
  }
  return undefined;
}

function configurationOrNone(context: CommandContext): Configuration | undefined {
  try {
    return loadConfigured(context);
  } catch (error) {
    if (!isLifeboatError(error, 'config.missing')) throw error;
    return undefined;
  }
}
