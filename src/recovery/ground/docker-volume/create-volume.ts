import type { ServiceSetting } from '../../../config/index.ts';
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
