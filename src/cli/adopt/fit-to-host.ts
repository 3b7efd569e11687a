import { existsSync } from 'node:fs';
import type { ConfigurationFile, PasswordSetting } from '../../config/index.ts';
import type { FoundConfiguration } from '../../recovery/index.ts';
import { isSamePlace } from '../same-place.ts';

/** How the repository was reached on this host. */
export interface ReachedBy {
  readonly location: string;
  readonly repositoryId: string;
  readonly password: PasswordSetting;
  /** Somebody said by an option where the password comes from. */
  readonly isPasswordGiven: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

export interface FittedConfiguration {
  readonly configuration: ConfigurationFile;
  /** What is not as it was stored, in words. */
  readonly changes: readonly string[];
}

/**
 * The configuration as this host can use it: the repository that it came from lies where it was found, and its password comes from where it
 * came from just now, unless what was stored works here too. Nothing else is touched.
 */
export async function fitToHost(
  configuration: ConfigurationFile,
  { kept }: FoundConfiguration,
  reached: ReachedBy,
): Promise<FittedConfiguration> {
  const name = await nameOfReached(configuration, kept.repository, reached);
  const setting = name === undefined ? undefined : configuration.repositories[name];
  if (name === undefined || setting === undefined) {
    const change = `${reached.location} is none of its repositories: put it in where it belongs`;
    return { configuration, changes: [change] };
  }
  const { location, password, environment } = reached;
  const isThere = await isSamePlace(location, setting.location, environment);
  const keepsPassword = !reached.isPasswordGiven && isUsable(setting.password, environment);
  const fitted = {
    ...setting,
    ...(isThere ? {} : { location }),
    ...(keepsPassword ? {} : { password }),
  };
  return {
    configuration: {
      ...configuration,
      repositories: { ...configuration.repositories, [name]: fitted },
    },
    changes: [
      ...(isThere ? [] : [`repositories.${name}.location: ${location}`]),
      ...(keepsPassword || isSame(setting.password, password)
        ? []
        : [`repositories.${name}.password: ${describePassword(password)}`]),
    ],
  };
}

/** A copy has the records of the other, and is called by its own name. */
async function nameOfReached(
  { repositories }: ConfigurationFile,
  stored: FoundConfiguration['kept']['repository'],
  { location, repositoryId, environment }: ReachedBy,
): Promise<string | undefined> {
  for (const [name, setting] of Object.entries(repositories)) {
    if (await isSamePlace(location, setting.location, environment)) return name;
  }
  const isItself = stored.id === repositoryId && Object.hasOwn(repositories, stored.name);
  return isItself ? stored.name : undefined;
}

/** Whether a command works is found out by running it: not before it was allowed. */
function isUsable(setting: PasswordSetting, environment: NodeJS.ProcessEnv): boolean {
  if ('file' in setting) return existsSync(setting.file);
  if ('env' in setting) return environment[setting.env] !== undefined;
  return true;
}

function isSame(one: PasswordSetting, other: PasswordSetting): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function describePassword(setting: PasswordSetting): string {
  if ('file' in setting) return `the file ${setting.file}`;
  if ('env' in setting) return `the variable ${setting.env}`;
  return 'command' in setting ? `printed by ${setting.command.join(' ')}` : 'asked for';
}
