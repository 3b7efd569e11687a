import { join } from 'node:path';
import type { ServiceSetting } from '../../../config/index.ts';
import type { VolumeSource } from '../../../sources/index.ts';
import { findComposeVolume } from './compose-volume.ts';
import { DockerClient } from './docker-client.ts';

export interface CreateVolumeOptions {
  readonly volume: string;
  /** Whose compose files may name it. */
  readonly services: readonly ServiceSetting[];
  /** Of Docker. Default: the one that is selected. */
  readonly context: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes a volume that is not there as compose would make it, where the configuration says so, so that compose takes it for its own; else
 * one of Docker's own. One that is there stays as it is. Errors: `ground.unavailable`, `cancelled`.
 */
export async function createVolume(options: CreateVolumeOptions): Promise<void> {
  const { volume, context, environment, signal } = options;
  const found = await findComposeVolume(options);
  const { labels = {}, driver, driverOptions = {} } = found ?? {};
  const pairs = (flag: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  const words = [
    ...(driver === undefined ? [] : ['--driver', driver]),
    ...pairs('--opt', driverOptions),
    ...pairs('--label', labels),
  ];
  const docker = new DockerClient(context, environment);
  await docker.ask(['volume', 'create', ...words, volume], signal);
}

/**
 * Where the files of a source go back to: its volume, which is made if it is gone. Errors: `volume.missing` (it lacks the folder that is
 * backed up), `volume.unreadable`, `volume.unavailable`, `ground.unavailable`, `cancelled`.
 */
export async function placeInVolume(
  source: VolumeSource,
  world: Pick<CreateVolumeOptions, 'services' | 'environment' | 'signal'>,
): Promise<string> {
  const { signal } = world;
  if (await source.isThere(signal)) return await source.locate(signal);
  // Another engine than meant is to get no volume.
  await source.requireReach(signal);
  const { volume, context, subfolder = '' } = source.settings;
  await createVolume({ ...world, volume, context });
  return join(await source.locateRoot(signal), subfolder);
}
