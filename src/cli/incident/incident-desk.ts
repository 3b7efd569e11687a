import { hostname } from 'node:os';
import { type Configuration, defaultStateFolder, rememberSecrets } from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import { type IncidentRepository, type Incidents, openIncidents } from '../../incidents/index.ts';
import type { Repository } from '../../repository/index.ts';
import { actorOf } from '../actor.ts';
import { openChosenRepository } from '../chosen-repository.ts';
import type { CommandContext } from '../command.ts';
import { loadConfigured, openConfiguredRepository } from '../configured.ts';
import { quietOutput } from '../output/quiet.ts';

/** The incidents of this host, as commands use them. Disposal waits for repositories, within limits, and closes them. */
export interface IncidentDesk extends AsyncDisposable {
  readonly incidents: Incidents;
  /** Absent on a machine without one, and while it is wrong: incidents are kept all the same. */
  readonly configuration: Configuration | undefined;
  readonly actor: string;
}

type Keep = (repository: Promise<Repository>) => Promise<Repository>;

export interface DeskOptions {
  /** `-r`: this one instead of those of the configuration. */
  readonly repository?: string | undefined;
  /** Ask no repository. */
  readonly offline?: boolean | undefined;
  readonly sendWithinMs: number;
}

/** Repositories are opened when they are wanted, and without a word: what fails there is shown where it matters. */
export async function openDesk(
  context: CommandContext,
  options: DeskOptions,
): Promise<IncidentDesk> {
  const configuration = configurationIfAny(context);
  // What people type is kept, and goes to every repository.
  rememberSecrets(configuration, context.environment);
  const ending = new AbortController();
  const opened = new Set<Promise<Repository>>();
  const quiet: CommandContext = {
    ...context,
    signal: AbortSignal.any([context.signal, ending.signal]),
    output: quietOutput,
    ask: undefined,
  };
  const keep = (repository: Promise<Repository>) => {
    opened.add(repository);
    return repository;
  };
  const repositories = options.offline
    ? []
    : options.repository === undefined
      ? usualRepositories(quiet, configuration, keep)
      : [await chosenRepository(context, options.repository, keep)];
  const actor = actorOf(context.environment);
  const incidents = openIncidents({
    stateFolder: configuration?.stateFolder ?? defaultStateFolder(context.environment),
    actor,
    host: hostname(),
    repositories,
    sendWithinMs: options.sendWithinMs,
  });
  return {
    incidents,
    configuration,
    actor,
    async [Symbol.asyncDispose]() {
      await incidents[Symbol.asyncDispose]();
      // What still waits for an answer is not waited for.
      ending.abort();
      for (const each of await Promise.allSettled(opened)) {
        if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
      }
    },
  };
}

/** What somebody names has to be there, and may ask for its password. */
async function chosenRepository(
  context: CommandContext,
  wanted: string,
  keep: Keep,
): Promise<IncidentRepository> {
  const repository = await keep(openChosenRepository(context, wanted));
  return { name: wanted, open: async () => repository };
}

function usualRepositories(
  context: CommandContext,
  configuration: Configuration | undefined,
  keep: Keep,
): readonly IncidentRepository[] {
  const { LIFEBOAT_REPOSITORY: place } = context.environment;
  if (place !== undefined) {
    return [{ name: place, open: () => keep(openChosenRepository(context, undefined)) }];
  }
  if (configuration === undefined) return [];
  return Object.keys(configuration.repositories).map((name) => ({
    name,
    open: () => keep(openConfiguredRepository(context, configuration, name)),
  }));
}

/** In the middle of an incident a mistake in the file must not keep anybody from writing things down. */
function configurationIfAny(context: CommandContext): Configuration | undefined {
  try {
    return loadConfigured(context);
  } catch (error) {
    if (!isLifeboatError(error, 'config.missing', 'config.invalid')) throw error;
    const wasNamed = context.configFile ?? context.environment.LIFEBOAT_CONFIG;
    if (error.code === 'config.missing' && !wasNamed) return undefined;
    const folder = defaultStateFolder(context.environment);
    context.output.warn(
      error.message,
      `Without it the timeline is kept in ${folder}, on this host alone.`,
    );
    return undefined;
  }
}
