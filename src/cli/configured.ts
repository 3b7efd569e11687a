import { join } from 'node:path';
import {
  type Configuration,
  findConfigFile,
  holdsFiles,
  loadConfiguration,
  type PasswordSetting,
  type PostgresSourceSetting,
  pickNamed,
  pickRepository,
  type RepositorySetting,
  readPassword,
  type SecretSurroundings,
  type SourceSetting,
} from '../config/index.ts';
import { LifeboatError } from '../core/index.ts';
import {
  type Location,
  openLocation,
  openRepository,
  type Repository,
} from '../repository/index.ts';
import {
  type AnySource,
  type ArchiveSettings,
  createSource,
  type OtherRepository,
  type PostgresSource,
  parseConnectionUrl,
} from '../sources/index.ts';
import type { CommandContext } from './command.ts';

/** The configuration a command works with. Throws `config.missing`, `config.invalid`. */
export function loadConfigured(context: CommandContext): Configuration {
  const { environment, folder, configFile } = context;
  return loadConfiguration(findConfigFile(configFile, environment, folder), environment);
}

/** Opens a repository of the configuration, the only one that is no copy when no name is given. */
export async function openConfiguredRepository(
  context: CommandContext,
  configuration: Configuration,
  name?: string,
): Promise<Repository> {
  const [chosen, setting] = pickRepository(configuration.repositories, name);
  const what = `password of the repository "${chosen}"`;
  const password = await readPassword(setting.password, what, secretSurroundings(context));
  return openRepository({
    location: openConfiguredLocation(context, setting),
    password,
    stateFolder: configuration.stateFolder,
    signal: context.signal,
  });
}

/** Where a repository of the configuration lies, with its limits and its lock. Does no work. */
export function openConfiguredLocation(
  { environment, output }: CommandContext,
  { location, lock, uploadBytesPerSecond, downloadBytesPerSecond, cache }: RepositorySetting,
): Location {
  return openLocation(location, {
    environment,
    onRetry: ({ message }) => output.warn(message),
    lock,
    uploadBytesPerSecond,
    downloadBytesPerSecond,
    cacheFolder: cache?.folder,
    cacheLimitBytes: cache?.sizeBytes,
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
export type Purpose = 'protect' | 'rescue' | 'look';

/** A source of the configuration, of whatever kind. */
export async function createConfiguredSource(
  context: CommandContext,
  configuration: Configuration,
  wanted: string | undefined,
  purpose: Purpose = 'protect',
): Promise<AnySource> {
  const [name, setting] = pickNamed('source', configuration.sources, wanted);
  if (setting.kind === 'files') {
    const { repository: _, backup: __, retention: ___, ...rest } = setting;
    return await createSource({ ...rest, name });
  }
  if (setting.kind === 'volume') {
    const { repository: _, backup: __, retention: ___, ...rest } = setting;
    const { stateFolder } = configuration;
    return await createSource({ ...rest, name, stateFolder, environment: context.environment });
  }
  if (setting.kind === 'postgres-dump') {
    const { password: from, connection, databases, programs } = setting;
    const what = `password of the source "${name}"`;
    const password =
      from && purpose !== 'look'
        ? await readPassword(from, what, secretSurroundings(context))
        : undefined;
    return await createSource({
      kind: setting.kind,
      name,
      connection: parseConnectionUrl(connection, password),
      ...(databases ? { databases } : {}),
      ...(programs ? { programsFolder: programs } : {}),
    });
  }
  return await createPostgresSource(context, configuration, [name, setting], purpose);
}

async function createPostgresSource(
  context: CommandContext,
  configuration: Configuration,
  [name, setting]: readonly [string, PostgresSourceSetting],
  purpose: Purpose,
): Promise<PostgresSource> {
  const read = async (what: string, password: PasswordSetting | undefined) => {
    if (password === undefined || purpose === 'look') return undefined;
    return await readPassword(password, what, secretSurroundings(context));
  };
  const password = await read(`password of the source "${name}"`, setting.password);
  const rescue = purpose === 'rescue' &&
    setting.rescue && {
      url: setting.rescue.connection,
      password: await read(`rescue password of the source "${name}"`, setting.rescue.password),
    };
  return await createSource({
    kind: setting.kind,
    name,
    connection: parseConnectionUrl(setting.connection, password),
    ...(rescue ? { rescueConnection: parseConnectionUrl(rescue.url, rescue.password) } : {}),
    ...(setting.slot ? { slot: setting.slot } : {}),
    ...(setting.synchronous && setting.synchronous !== 'off'
      ? { synchronous: setting.synchronous }
      : {}),
    ...(setting.slotMayRunAhead ? { slotMayRunAhead: true } : {}),
    ...(setting.drift ? { drift: setting.drift } : {}),
    stateFolder: configuration.stateFolder,
    ...(setting.local ? { local: setting.local } : {}),
    ...(setting.backupBytesPerSecond === undefined
      ? {}
      : { backupBytesPerSecond: setting.backupBytesPerSecond }),
    ...(setting.programs ? { programsFolder: setting.programs } : {}),
    ...(setting.archive ? { archive: archiveSettings(configuration, name, setting.archive) } : {}),
    ...(configuration.scratchFolder ? { scratchFolder: configuration.scratchFolder } : {}),
    ...(configuration.spoolLimitBytes ? { spoolLimitBytes: configuration.spoolLimitBytes } : {}),
  });
}

function archiveSettings(
  { stateFolder }: Configuration,
  source: string,
  { folder, account, only }: NonNullable<PostgresSourceSetting['archive']>,
): ArchiveSettings {
  // The state folder of root is closed to the account of the server.
  const parent =
    process.getuid?.() === 0 ? '/var/lib/lifeboat-archive' : join(stateFolder, 'archive');
  return {
    folder: folder ?? join(parent, source),
    ...(account === undefined ? {} : { account }),
    ...(only ? { isAlone: true } : {}),
  };
}

/** A source and its repository, opened. Disposal closes the repository. */
export interface OpenedSource<Kind extends AnySource> extends AsyncDisposable {
  readonly configuration: Configuration;
  readonly source: Kind;
  readonly repository: Repository;
}

/** A PostgreSQL source and its repository; when there is only one, it need not be named. */
export async function openConfiguredSource(
  context: CommandContext,
  wanted: string | undefined,
  purpose: Purpose = 'protect',
): Promise<OpenedSource<PostgresSource>> {
  const configuration = loadConfigured(context);
  const databases = Object.entries(configuration.sources).filter(isPostgres);
  // Of other kinds alone one is named: "no source" would be wrong.
  const named =
    wanted ?? (databases.length === 0 ? Object.keys(configuration.sources)[0] : undefined);
  const kind = named === undefined ? undefined : configuration.sources[named]?.kind;
  if (kind === 'postgres-dump') {
    throw new LifeboatError('usage.invalid', `${named} is a source of dumps`, {
      hint: `This command needs the log of a cluster. Dumps are loaded with \`lifeboat extract ${named} --database NAME --into URL\`.`,
    });
  }
  if (kind !== undefined && holdsFiles(kind)) {
    throw new LifeboatError('usage.invalid', `${named} is a source of files`, {
      hint: `This command works on PostgreSQL. Restore files with \`lifeboat restore ${named} --target FOLDER\`.`,
    });
  }
  const chosen = pickNamed('source', Object.fromEntries(databases), wanted);
  const create = () => createPostgresSource(context, configuration, chosen, purpose);
  return await openWith(context, configuration, chosen[1].repository, create);
}

function isPostgres(
  entry: readonly [string, SourceSetting],
): entry is [string, PostgresSourceSetting] {
  return entry[1].kind === 'postgres';
}

/** A source of any kind and its repository. */
export async function openAnySource(
  context: CommandContext,
  wanted: string | undefined,
): Promise<OpenedSource<AnySource>> {
  const configuration = loadConfigured(context);
  const [name, { repository }] = pickNamed('source', configuration.sources, wanted);
  const create = () => createConfiguredSource(context, configuration, name);
  return await openWith(context, configuration, repository, create);
}

/** The further repositories that backups of a source go to, opened when they are wanted and closed with `opened`. */
export function otherRepositories(
  context: CommandContext,
  configuration: Configuration,
  source: string,
  opened: AsyncDisposableStack,
): readonly OtherRepository[] {
  const setting = configuration.sources[source];
  const names = setting?.kind === 'postgres' ? (setting.alsoTo ?? []) : [];
  return names.map((name) => ({
    name,
    open: async () => opened.use(await openConfiguredRepository(context, configuration, name)),
  }));
}

async function openWith<Kind extends AnySource>(
  context: CommandContext,
  configuration: Configuration,
  repositoryName: string | undefined,
  create: () => Promise<Kind>,
): Promise<OpenedSource<Kind>> {
  const repository = await openConfiguredRepository(context, configuration, repositoryName);
  try {
    const source = await create();
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
