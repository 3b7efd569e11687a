import { z } from 'zod';
import type { DockerService } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { PlatformRequest, ServiceIsolation } from '../platform.ts';
import { readRecord } from '../read-answer.ts';
import { type Container, type Endpoint, nameOf } from './container.ts';
import type { DockerCall, DockerClient } from './docker-client.ts';

const networkRecord = z.object({
  id: z.string(),
  name: z.string(),
  aliases: z.array(z.string()),
  /** Only those that were asked for: the engine takes no other. */
  ip: z.string().optional(),
  ip6: z.string().optional(),
  linkLocalIps: z.array(z.string()),
  links: z.array(z.string()),
  driverOptions: z.array(z.string()),
});

const isolationRecord = z.object({
  containers: z.array(
    z.object({ id: z.string(), name: z.string(), networks: z.array(networkRecord) }),
  ),
});

type NetworkRecord = z.infer<typeof networkRecord>;

export interface IsolationPlace {
  readonly client: DockerClient;
  present(
    purpose: string,
    service: DockerService,
    request: PlatformRequest,
  ): Promise<{ readonly containers: readonly Container[]; readonly call: DockerCall }>;
}

/** Disconnects containers from all networks, which leaves them their loopback. Processes, files and ports as published stay. */
export function dockerIsolation({ client, present }: IsolationPlace): ServiceIsolation {
  return {
    async prepare(service: DockerService, request = {}) {
      const { containers, call } = await present('look at the networks of', service, request);
      return recordOf(containers, call);
    },
    async isolate(service: DockerService, request = {}) {
      const { containers, call } = await present('isolate', service, request);
      const undo = recordOf(containers, call);
      for (const { id, networks } of undo.containers) {
        for (const network of networks) {
          await client.run(['network', 'disconnect', '--force', network.id, id], call);
        }
      }
      return undo;
    },
    async rejoin(service: DockerService, undo, request = {}) {
      const { containers, call } = await present('connect the networks of', service, request);
      const record = readRecord(isolationRecord, undo, call);
      for (const each of containers) {
        const former =
          record.containers.find(({ id }) => id === each.Id) ??
          record.containers.find(({ name }) => name === nameOf(each));
        const names = Object.keys(each.NetworkSettings.Networks ?? {});
        for (const network of former?.networks ?? []) {
          if (!names.includes(network.name)) {
            await client.run(connectArguments(network, each), call);
          }
        }
      }
    },
  };
}

function recordOf(
  containers: readonly Container[],
  { purpose }: DockerCall,
): z.infer<typeof isolationRecord> {
  for (const each of containers) requireOwnNetworks(each, purpose);
  return {
    containers: containers.map((each) => ({
      id: each.Id,
      name: nameOf(each),
      networks: Object.entries(each.NetworkSettings.Networks ?? {})
        .filter(([name]) => name !== 'none')
        .map(([name, endpoint]) => networkOf(name, endpoint, each)),
    })),
  };
}

function networkOf(name: string, endpoint: Endpoint, { Id }: Container): NetworkRecord {
  const { IPAMConfig } = endpoint;
  return {
    id: endpoint.NetworkID,
    name,
    // The engine adds the short id by itself.
    aliases: (endpoint.Aliases ?? []).filter((alias) => alias !== Id.slice(0, 12)).sort(),
    ...(IPAMConfig?.IPv4Address ? { ip: IPAMConfig.IPv4Address } : {}),
    ...(IPAMConfig?.IPv6Address ? { ip6: IPAMConfig.IPv6Address } : {}),
    linkLocalIps: IPAMConfig?.LinkLocalIPs ?? [],
    links: endpoint.Links ?? [],
    driverOptions: Object.entries(endpoint.DriverOpts ?? {}).map(
      ([key, value]) => `${key}=${value}`,
    ),
  };
}

function connectArguments(network: NetworkRecord, { Id }: Container): readonly string[] {
  const each = (option: string, values: readonly (string | undefined)[]) =>
    values.flatMap((value) => (value === undefined ? [] : [option, value]));
  return [
    'network',
    'connect',
    ...each('--alias', network.aliases),
    ...each('--ip', [network.ip]),
    ...each('--ip6', [network.ip6]),
    ...each('--link-local-ip', network.linkLocalIps),
    ...each('--link', network.links),
    ...each('--driver-opt', network.driverOptions),
    network.name,
    Id,
  ];
}

function requireOwnNetworks(each: Container, purpose: string): void {
  const { NetworkMode } = each.HostConfig;
  if (NetworkMode !== 'host' && !NetworkMode.startsWith('container:')) return;
  const whose = NetworkMode === 'host' ? 'of the host' : 'of another container';
  throw new LifeboatError(
    'platform.failed',
    `cannot ${purpose}: ${nameOf(each)} uses the network ${whose}`,
    {
      hint: 'Nothing of it was cut off. Stop it, or cut the host off by a command (recovery.isolate).',
    },
  );
}
