import {
  type Configuration,
  type PasswordSetting,
  pickRepository,
  readPassword,
} from '../config/index.ts';
import { isLifeboatError, LifeboatError } from '../core/index.ts';
import {
  type Location,
  openLocation,
  openRepository,
  type Repository,
  type RetryNotice,
} from '../repository/index.ts';
import type { CommandContext } from './command.ts';
import {
  loadConfigured,
  openConfiguredLocation,
  openConfiguredRepository,
  secretSurroundings,
} from './configured.ts';

/** What every command that works on a repository takes, under the name `repository`. */
export const repositoryOption = {
  flags: '-r, --repository <name>',
  description:
    'a repository of the configuration, or a location (/path, rest:..., s3:...) whose password comes from LIFEBOAT_PASSWORD, LIFEBOAT_PASSWORD_FILE or the terminal',
} as const;

/**
 * The repository that `-r` names; without it LIFEBOAT_REPOSITORY, or the only one of the configuration that is no copy. A location needs no
 * configuration: its address and password are all that a bare machine has.
 */
export async function openChosenRepository(
  context: CommandContext,
  wanted: string | undefined,
  /** What the names of the variables with the password of a location begin with. */
  prefix: PasswordPrefix = 'LIFEBOAT',
): Promise<Repository> {
  const { environment } = context;
  if (wanted !== undefined && isLocation(wanted)) return await openAt(context, wanted, prefix);
  const fromEnvironment = wanted === undefined ? environment.LIFEBOAT_REPOSITORY : undefined;
  if (fromEnvironment !== undefined) return await openAt(context, fromEnvironment, prefix);
  return await openConfiguredRepository(context, configured(context), wanted);
}

/** As `openChosenRepository`, but only where it lies: for what works without a password, on damaged repositories too. */
export function chosenLocation(
  context: CommandContext,
  wanted: string | undefined,
): { readonly location: Location; readonly address: string } {
  const { environment } = context;
  const place = wanted ?? environment.LIFEBOAT_REPOSITORY;
  if (place !== undefined && isLocation(place)) {
    return { location: openLocation(place, { environment }), address: place };
  }
  const [, setting] = pickRepository(configured(context).repositories, wanted);
  return { location: openConfiguredLocation(context, setting), address: setting.location };
}

/** Names in the configuration have neither. */
export function isLocation(text: string): boolean {
  return /[:/]/.test(text) || text === '.' || text === '..';
}

function configured(context: CommandContext): Configuration {
  try {
    return loadConfigured(context);
  } catch (error) {
    if (!isLifeboatError(error, 'config.missing')) throw error;
    throw new LifeboatError('config.missing', error.message, {
      hint: `${error.hint ?? ''} Or name the repository with -r LOCATION or LIFEBOAT_REPOSITORY: then none is needed.`.trim(),
      cause: error,
    });
  }
}

async function openAt(
  context: CommandContext,
  location: string,
  prefix: PasswordPrefix,
): Promise<Repository> {
  const setting = passwordFromEnvironment(context.environment, prefix);
  return await openLocated(context, location, setting, prefix);
}

type PasswordPrefix = 'LIFEBOAT' | 'LIFEBOAT_FROM';

/** Where the password of a location comes from that stands in no configuration. */
export function passwordFromEnvironment(
  environment: NodeJS.ProcessEnv,
  prefix: PasswordPrefix = 'LIFEBOAT',
): PasswordSetting {
  if (environment[`${prefix}_PASSWORD`] !== undefined) return { env: `${prefix}_PASSWORD` };
  const file = environment[`${prefix}_PASSWORD_FILE`];
  return file === undefined ? { prompt: true } : { file };
}

/** A repository by nothing but its location and where its password comes from. */
export async function openLocated(
  context: CommandContext,
  location: string,
  setting: PasswordSetting,
  prefix: PasswordPrefix = 'LIFEBOAT',
): Promise<Repository> {
  const { environment, output, signal } = context;
  const onRetry = ({ message }: RetryNotice) => output.warn(message);
  const opened = openLocation(location, { environment, onRetry });
  const what = `password of the repository at ${opened.describe()}`;
  const password = await readPassword(setting, what, secretSurroundings(context)).catch((error) => {
    if (!isLifeboatError(error, 'secret.unavailable')) throw error;
    throw new LifeboatError('secret.unavailable', error.message, {
      hint: `Set ${prefix}_PASSWORD_FILE to a file with the password, or ${prefix}_PASSWORD.`,
      cause: error,
    });
  });
  return await openRepository({ location: opened, password, signal });
}
