import {
  type Configuration,
  findConfigFile,
  loadConfiguration,
  type PasswordSetting,
  pickNamed,
  readPassword,
  type SecretSurroundings,
} from '../config/index.ts';
import { openLocation, openRepository, type Repository } from '../repository/index.ts';
import { createSource, type PostgresSource, parseConnectionUrl } from '../sources/index.ts';
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

/** What a command will do with a source; a password that it does not need is not read. */
export type Purpose = 'protect' | 'rescue';

/** A source of the configuration. */
export async function createConfiguredSource(
  context: CommandContext,
  configuration: Configuration,
  wanted: string | undefined,
  purpose: Purpose = 'protect',
): Promise<PostgresSource> {
  const [name, setting] = pickNamed('source', configuration.sources, wanted);
  const read = async (what: string, password: PasswordSetting | undefined) =>
    password && (await readPassword(password, what, secretSurroundings(context)));
  const password = await read(`password of the source "${name}"`, setting.password);
  const rescue = purpose === 'rescue' &&
    setting.rescue && {
      url: setting.rescue.connection,
      password: await read(`rescue password of the source "${name}"`, setting.rescue.password),
    };
  return createSource({
    kind: setting.kind,
    name,
    connection: parseConnectionUrl(setting.connection, password),
    ...(rescue ? { rescueConnection: parseConnectionUrl(rescue.url, rescue.password) } : {}),
    ...(setting.slot ? { slot: setting.slot } : {}),
    stateFolder: configuration.stateFolder,
    ...(setting.programs ? { programsFolder: setting.programs } : {}),
    ...(configuration.scratchFolder ? { scratchFolder: configuration.scratchFolder } : {}),
    ...(configuration.spoolLimitBytes ? { spoolLimitBytes: configuration.spoolLimitBytes } : {}),
  });
}

/** A source and its repository, opened. Disposal closes the repository. */
export async function openConfiguredSource(
  context: CommandContext,
  wanted: string | undefined,
  purpose: Purpose = 'protect',
) {
  const configuration = loadConfigured(context);
  const [name, setting] = pickNamed('source', configuration.sources, wanted);
  const repository = await openConfiguredRepository(context, configuration, setting.repository);
  try {
    const source = await createConfiguredSource(context, configuration, name, purpose);
    return {
      configuration,
      source,
      repository,
      [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
    };
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
}
