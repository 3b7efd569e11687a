import {
  type Configuration,
  findConfigFile,
  loadConfiguration,
  pickNamed,
  readPassword,
  type SecretSurroundings,
} from '../config/index.ts';
import { openLocation, openRepository, type Repository } from '../repository/index.ts';
import type { CommandContext } from './command.ts';

/** The configuration a command works with. Throws `config.missing`, `config.invalid`. */
export function loadConfigured(context: CommandContext): Configuration {
  const { environment, folder, configFile } = context;
  return loadConfiguration(findConfigFile(configFile, environment, folder), environment);
}

/** Opens a repository of the configuration, the only one when no name is given. */
export async function openConfiguredRepository(
  context: CommandContext,
  configuration: Configuration,
  name?: string,
): Promise<Repository> {
  const [chosen, setting] = pickNamed('repository', configuration.repositories, name);
  const what = `password of the repository "${chosen}"`;
  const password = await readPassword(setting.password, what, secretSurroundings(context));
  return openRepository({
    location: openLocation(setting.location),
    password,
    signal: context.signal,
  });
}

export function secretSurroundings(context: CommandContext): SecretSurroundings {
  const { ask, environment, output } = context;
  return {
    environment,
    warn: (message, hint) => output.warn(message, hint),
    ...(ask ? { ask: (what: string) => ask.secret(`Type the ${what}`) } : {}),
  };
}
