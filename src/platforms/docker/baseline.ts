import type { DockerService } from '../../config/index.ts';
import { concealArguments } from '../conceal-arguments.ts';
import { hashEnvironment } from '../hash-environment.ts';
import { hashFiles } from '../hash-files.ts';
import type { ServiceBaseline } from '../service-baseline.ts';
import { type Container, isAlive } from './container.ts';

/** Of several containers the first that runs: compose makes all of a service alike. */
export async function baselineOf(
  service: DockerService,
  containers: readonly Container[],
  salt: Uint8Array,
): Promise<ServiceBaseline> {
  const { Config, HostConfig, Image, Path, Args } = (containers.find(isAlive) ??
    containers[0]) as Container;
  return {
    image: Config.Image,
    imageDigest: Image,
    command: concealArguments([Path, ...(Args ?? [])], salt),
    environment: hashEnvironment(Config.Env ?? [], salt),
    ports: portsOf(HostConfig.PortBindings),
    files: await hashFiles(service.compose?.files ?? []),
  };
}

/** As published, not as given out: a port that the engine chooses is another one after each start. */
function portsOf(bindings: Container['HostConfig']['PortBindings']): readonly string[] {
  return Object.entries(bindings ?? {})
    .flatMap(([port, hosts]) =>
      (hosts ?? []).map(({ HostIp, HostPort }) => {
        const address = HostIp === undefined || HostIp === '' ? '0.0.0.0' : HostIp;
        return `${port} -> ${address}:${HostPort === undefined || HostPort === '' ? 'any' : HostPort}`;
      }),
    )
    .sort();
}
