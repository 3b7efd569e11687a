import { isLifeboatError, LifeboatError, type Secret, throwIfAborted } from '../core/index.ts';
import { type EnvelopeKey, open } from './crypto/envelope.ts';
import { decodeConfig, type RepositoryConfig } from './format/config-file.ts';
import { damaged } from './format/json-shape.ts';
import { openKeyFile } from './format/key-file.ts';
import { halfCreated } from './half-created.ts';
import { maxKeysTried } from './keys/keys-tried.ts';
import type { Location } from './location/location.ts';
import type { Repository } from './repository.ts';
import { ResticRepository } from './restic-repository.ts';
import { aboutFile, sha256 } from './stored-file.ts';

export interface OpenRepositoryOptions {
  readonly location: Location;
  readonly password: Secret;
  /** Where this host keeps the key that signs its records. Without it every opening is a new writer. */
  readonly stateFolder?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Opens what `initRepository` or restic created. Errors: `repository.missing`, `repository.half-created`,
 * `repository.wrong-password`, `repository.damaged`, `repository.unsupported`, `location.*`.
 */
export async function openRepository(options: OpenRepositoryOptions): Promise<Repository> {
  const { location, password, stateFolder, signal } = options;
  const configs = await location.list('config', signal);
  const keys = await location.list('keys', signal);
  if (configs.length === 0) {
    throw keys.length === 0 ? missing(location) : await halfCreated(location, signal);
  }
  if (keys.length === 0) {
    throw damaged(`${location.describe()} has no key file: nothing in it can be decrypted`);
  }
  const names = keys.map(({ name }) => name);
  const { masterKey, keyName } = await findMasterKey(location, names, password, signal);
  const config = await readConfig(location, masterKey, signal);
  return new ResticRepository({ location, masterKey, keyName, config, stateFolder });
}

async function findMasterKey(
  location: Location,
  names: readonly string[],
  password: Secret,
  signal?: AbortSignal,
): Promise<{ readonly masterKey: EnvelopeKey; readonly keyName: string }> {
  const problems: LifeboatError[] = [];
  for (const name of names.slice(0, maxKeysTried)) {
    throwIfAborted(signal);
    try {
      const masterKey = await tryKeyFile(location, name, password, signal);
      if (masterKey !== undefined) return { masterKey, keyName: name };
    } catch (error) {
      // A damaged key file must not lock out those who hold another key.
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      problems.push(error);
    }
  }
  const [problem] = problems;
  if (problem !== undefined && problems.length === names.length) {
    throw noKeyIsWhole(location, problem);
  }
  throw new LifeboatError(
    'repository.wrong-password',
    `no key of ${location.describe()} opens with this password`,
    {
      hint: `Check where the password comes from; a trailing space or newline counts.${
        problem === undefined ? '' : ` Or its key file is the damaged one: ${problem.message}.`
      }`,
      context: { keysTried: names.length, keysDamaged: problems.length },
    },
  );
}

/** `check` could not open it either. */
function noKeyIsWhole(location: Location, problem: LifeboatError): LifeboatError {
  const versions =
    location.kind === 's3'
      ? ' If somebody overwrote the bucket, `lifeboat versions` shows when, and how to read what was there before.'
      : '';
  return new LifeboatError(problem.code, problem.message, {
    hint: `Without a whole key file nothing can be decrypted. Put it back from a copy of the repository's files, or restore from another repository.${versions}`,
    context: problem.context,
    cause: problem,
  });
}

async function tryKeyFile(
  location: Location,
  name: string,
  password: Secret,
  signal?: AbortSignal,
): Promise<EnvelopeKey | undefined> {
  const bytes = await location.read('keys', name, undefined, signal);
  if (sha256(bytes) !== name) throw damaged(`keys/${name}: its bytes do not match its name`);
  try {
    return await openKeyFile(Buffer.from(bytes).toString('utf8'), password);
  } catch (error) {
    return aboutFile('keys', name, () => {
      throw error;
    });
  }
}

async function readConfig(
  location: Location,
  masterKey: EnvelopeKey,
  signal?: AbortSignal,
): Promise<RepositoryConfig> {
  const versions = await location.configVersions?.(signal);
  const stored = versions ?? [await location.read('config', 'config', undefined, signal)];
  const decoded = stored.map((bytes) => () => {
    return aboutFile('config', 'config', () => {
      return decodeConfig(Buffer.from(open(masterKey, bytes)).toString('utf8'));
    });
  });
  return firstOf(decoded);
}

/** The first one that is no damage; the first error when all are. */
function firstOf<Value>(attempts: readonly (() => Value)[]): Value {
  let failure: unknown;
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      failure ??= error;
    }
  }
  throw failure ?? damaged('no config is stored');
}

function missing(location: Location): LifeboatError {
  return new LifeboatError(
    'repository.missing',
    `there is no repository at ${location.describe()}`,
    {
      hint: `See that the location is right, and its disk mounted: a new repository holds no backup.${
        location.kind === 's3' ? ' `lifeboat versions` shows what was removed.' : ''
      } If there never was one, create it: \`lifeboat init\`, or \`lifeboat init -r NAME\` when it stands in lifeboat.yaml.`,
    },
  );
}
