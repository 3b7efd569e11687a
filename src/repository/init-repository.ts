import { randomBytes } from 'node:crypto';
import { isLifeboatError, LifeboatError, type Secret } from '../core/index.ts';
import { seal } from './crypto/envelope.ts';
import { keyFromBytes } from './crypto/key-derivation.ts';
import { encodeConfig, type RepositoryConfig } from './format/config-file.ts';
import { randomIrreduciblePolynomial } from './format/irreducible-polynomial.ts';
import { encodeKeyFile } from './format/key-file.ts';
import { halfCreated } from './half-created.ts';
import type { Location } from './location/location.ts';
import type { Repository } from './repository.ts';
import { ResticRepository } from './restic-repository.ts';
import { sha256 } from './stored-file.ts';

export interface InitRepositoryOptions {
  readonly location: Location;
  readonly password: Secret;
  /** Where this host keeps the key that signs its records. Without it every opening is a new writer. */
  readonly stateFolder?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Creates a repository. The config is written last and makes it one; whatever is interrupted before leaves a
 * half-created one, which is recognised and never built upon. Errors: `repository.exists`, `repository.half-created`.
 */
export async function initRepository(options: InitRepositoryOptions): Promise<Repository> {
  const { location, password, stateFolder, signal } = options;
  await refuseExisting(location, signal);
  await location.create(signal);
  const masterKey = keyFromBytes(randomBytes(64));
  const keyFile = Buffer.from(await encodeKeyFile(masterKey, password));
  const keyName = sha256(keyFile);
  await location.write('keys', keyName, keyFile, signal);
  const config: RepositoryConfig = {
    version: 2,
    id: randomBytes(32).toString('hex'),
    chunkerPolynomial: randomIrreduciblePolynomial(),
  };
  try {
    const sealed = seal(masterKey, Buffer.from(encodeConfig(config)));
    await location.write('config', 'config', sealed, signal);
  } catch (error) {
    // Somebody else created one at the same time and was first: our key does not belong into theirs.
    if (!isLifeboatError(error, 'location.refused')) throw error;
    await location.remove('keys', keyName).catch(() => {});
    throw exists(location, error);
  }
  return new ResticRepository({ location, masterKey, keyName, config, stateFolder });
}

async function refuseExisting(location: Location, signal?: AbortSignal): Promise<void> {
  if ((await location.list('config', signal)).length > 0) throw exists(location);
  for (const kind of ['keys', 'snapshots', 'index', 'data'] as const) {
    if ((await location.list(kind, signal)).length > 0) throw await halfCreated(location, signal);
  }
}

function exists(location: Location, cause?: unknown): LifeboatError {
  return new LifeboatError('repository.exists', `${location.describe()} is a repository already`, {
    hint: 'Use it as it is, or choose another location.',
    ...(cause === undefined ? {} : { cause }),
  });
}
