import { tmpdir } from 'node:os';
import type { GroundFile } from '../../config/index.ts';
import { isLifeboatError, Secret } from '../../core/index.ts';
import { type ConnectionSettings, parseConnectionUrl } from '../../sources/index.ts';
import type { Surroundings } from '../surroundings.ts';
import type { DatabaseDelivery, Ground, GroundKind, TreeDelivery } from './ground.ts';
import { TreeGround } from './tree-ground.ts';

/** What making a ground takes of the world. */
export type GroundSurroundings = Pick<Surroundings, 'configuration' | 'environment' | 'secret'>;

/** `server` takes databases, every other one trees. */
export type GroundOf<Kind extends GroundKind> = Ground<
  Kind extends 'server' ? DatabaseDelivery : TreeDelivery
>;

type Makers = {
  readonly [Kind in GroundKind]: (
    setting: Extract<GroundFile, { kind: Kind }>,
    surroundings: GroundSurroundings,
  ) => Promise<GroundOf<Kind>>;
};

/** Every kind of ground there is. Only the code of those that are used is loaded. */
const makers: Makers = {
  async folder({ folder }) {
    const { FolderPlace } = await import('./folder/folder-place.ts');
    return new TreeGround(new FolderPlace(folder));
  },
  async 'docker-volume'(setting, { configuration, environment }) {
    const { DockerVolumeRunner } = await import('./docker-volume/docker-volume-runner.ts');
    const { ScriptPlace } = await import('./in-volume/script-place.ts');
    const runner = new DockerVolumeRunner(setting, configuration.services, environment);
    return new TreeGround(new ScriptPlace(runner));
  },
  async 'kubernetes-claim'(setting, { environment }) {
    const { ClaimGround } = await import('./kubernetes-claim/claim-ground.ts');
    return new ClaimGround(setting, { environment });
  },
  async 'ssh-host'(setting, { environment }) {
    const { SshRunner } = await import('./ssh-host/ssh-runner.ts');
    const { ScriptPlace } = await import('./in-volume/script-place.ts');
    return new TreeGround(new ScriptPlace(new SshRunner(setting, environment)));
  },
  async server(setting, surroundings) {
    const { ServerGround } = await import('./server/server-ground.ts');
    const { configuration } = surroundings;
    return new ServerGround({
      connection: await serverConnectionOf(setting, surroundings),
      scratchFolder: configuration.scratchFolder ?? tmpdir(),
    });
  },
};

/** Errors: `config.invalid`, `secret.unavailable`, `ground.unavailable`. */
export async function createGround<Setting extends GroundFile>(
  setting: Setting,
  surroundings: GroundSurroundings,
): Promise<GroundOf<Setting['kind']>> {
  const make = makers[setting.kind] as (
    setting: GroundFile,
    surroundings: GroundSurroundings,
  ) => Promise<GroundOf<Setting['kind']>>;
  return await make(setting, surroundings);
}

/** How a server that is a ground is reached. Errors: `config.invalid`, `secret.unavailable`. */
export async function serverConnectionOf(
  { connection, password }: Extract<GroundFile, { kind: 'server' }>,
  surroundings: Pick<GroundSurroundings, 'secret'>,
): Promise<ConnectionSettings> {
  return parseConnectionUrl(connection, await passwordOf(password, surroundings));
}

/** For people, without asking the place; no secrets. */
export function describeGround(setting: GroundFile): string {
  switch (setting.kind) {
    case 'folder':
      return setting.folder;
    case 'docker-volume':
      return within(setting.subfolder, `docker volume ${setting.volume}`);
    case 'kubernetes-claim':
      return within(setting.subfolder, `claim ${setting.namespace ?? 'default'}/${setting.claim}`);
    case 'ssh-host':
      return `${setting.folder} on ${setting.host}`;
    case 'server':
      return `the server ${placeOf(setting.connection)}`;
  }
}

function within(subfolder: string | undefined, place: string): string {
  return subfolder === undefined ? place : `${subfolder} in ${place}`;
}

/** A URL may hold a password; what cannot be read as one is not shown. */
function placeOf(connection: string): string {
  try {
    const { hostname, port, pathname } = new URL(connection);
    return `${hostname}${port === '' ? '' : `:${port}`}${pathname}`;
  } catch (error) {
    if (isLifeboatError(error)) throw error;
    return 'of the configuration';
  }
}

async function passwordOf(
  setting: Extract<GroundFile, { kind: 'server' }>['password'],
  { secret }: Pick<GroundSurroundings, 'secret'>,
): Promise<Secret | undefined> {
  if (setting === undefined) return undefined;
  const password = await secret('the password of the ground', setting);
  return typeof password === 'string' ? new Secret(password) : password;
}
