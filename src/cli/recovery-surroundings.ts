import { hostname } from 'node:os';
import type { Configuration } from '../config/index.ts';
import { readPassword } from '../config/index.ts';
import type { Surroundings } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import type { AnySource } from '../sources/index.ts';
import { actorOf } from './actor.ts';
import type { CommandContext } from './command.ts';
import {
  createConfiguredSource,
  openConfiguredRepository,
  secretSurroundings,
} from './configured.ts';

/** What a recovery may touch of the world, from a command. Disposal ends what is still under way to a repository that does not answer. */
export function recoverySurroundings(
  context: CommandContext,
  configuration: Configuration,
): Surroundings {
  const ending = new AbortController();
  const within = { ...context, signal: AbortSignal.any([context.signal, ending.signal]) };
  const sources = new Map<string, Promise<AnySource>>();
  const repositories = new Map<string, Promise<Repository>>();
  const repository = (name: string) => {
    const opened = repositories.get(name) ?? openConfiguredRepository(within, configuration, name);
    // One that could not be opened is tried again when it is asked for again.
    opened.catch(() => repositories.delete(name));
    repositories.set(name, opened);
    return opened;
  };
  return {
    configuration,
    environment: context.environment,
    actor: actorOf(context.environment),
    host: hostname(),
    source(name, purpose) {
      const key = `${purpose} ${name}`;
      const source =
        sources.get(key) ?? createConfiguredSource(within, configuration, name, purpose);
      sources.set(key, source);
      return source;
    },
    repositoryOf: async (source) =>
      await repository(configuration.sources[source]?.repository ?? ''),
    repository,
    secret: (what, setting) => readPassword(setting, what, secretSurroundings(within)),
    async [Symbol.asyncDispose]() {
      ending.abort();
      for (const each of await Promise.allSettled(repositories.values())) {
        if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
      }
    },
  };
}
