import type { InspectedContainer } from './inspected-container.ts';
import type { PublishedAddress } from './survey.ts';

/**
 * Where its TCP ports are reached from this host. A port that the engine chose is another one when the container is made again, so it is
 * none to write down. `engineHost`: of an engine elsewhere; its loopback is out of reach.
 */
export function publishedAddresses(
  { HostConfig, Config }: InspectedContainer,
  engineHost: string | undefined,
): readonly PublishedAddress[] {
  if (HostConfig.NetworkMode === 'host') {
    return tcpPorts(Object.keys(Config.ExposedPorts ?? {})).map((port) => ({
      port,
      host: engineHost ?? '127.0.0.1',
      hostPort: port,
    }));
  }
  return Object.entries(HostConfig.PortBindings ?? {}).flatMap(([name, bindings]) => {
    const [port] = tcpPorts([name]);
    if (port === undefined) return [];
    return (bindings ?? []).flatMap(({ HostIp = '', HostPort = '' }) => {
      const hostPort = Number(HostPort);
      const host = reachedHost(HostIp, engineHost);
      return Number.isInteger(hostPort) && hostPort > 0 && host !== undefined
        ? [{ port, host, hostPort }]
        : [];
    });
  });
}

function tcpPorts(names: readonly string[]): number[] {
  return names.flatMap((name) => {
    const [, port] = /^(\d{1,5})\/tcp$/.exec(name) ?? [];
    return port === undefined ? [] : [Number(port)];
  });
}

function reachedHost(address: string, engineHost: string | undefined): string | undefined {
  const isEverywhere = ['', '0.0.0.0', '::'].includes(address);
  if (isEverywhere) return engineHost ?? '127.0.0.1';
  if (engineHost !== undefined && /^(127\.|::1$)/.test(address)) return undefined;
  return address.includes(':') ? `[${address}]` : address;
}
