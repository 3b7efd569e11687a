import { hostname } from 'node:os';
import type {
  Configuration,
  GroundFile,
  ServiceSetting,
  SourceSetting,
} from '../../config/index.ts';
import { describeConnection, parseConnectionUrl } from '../../sources/index.ts';
import type { GroundFacts, PlaceFacts } from './facts.ts';

// Where things are, as far as the configuration says: two of one host must be told to be there, whoever names it how.

/** Where a source is, in words and by host. */
export function placeOfSource(setting: SourceSetting): PlaceFacts & { readonly text: string } {
  if (setting.kind === 'files') return { text: setting.paths.join(', '), host: hostname() };
  if (setting.kind === 'volume') {
    const { volume, subfolder, context } = setting;
    return { text: volumeText(volume, subfolder), host: dockerHost(context) };
  }
  const connection = parseConnectionUrl(setting.connection);
  return { text: describeConnection(connection), host: hostOf(connection.host) };
}

export function placeOfService(service: ServiceSetting): PlaceFacts {
  switch (service.platform) {
    case 'docker':
      return { host: dockerHost(service.context) };
    case 'kubernetes':
      return { host: kubernetesHost(service.context) };
    case 'systemd':
      return { host: hostname() };
    case 'shell':
      return { host: service.host === undefined ? hostname() : hostOf(service.host) };
  }
}

/** Where a source would be put: what is configured, else where it is, when that is files of this host. */
export function groundOfSource(
  { services }: Pick<Configuration, 'services'>,
  setting: SourceSetting,
): Omit<GroundFacts, 'freeBytes' | 'problem'> | undefined {
  const { ground } = setting;
  if (ground === undefined) return undefined;
  const place = placeOfGround(ground);
  const own = setting.kind === 'postgres' ? setting.service : undefined;
  const server = services.find(({ name }) => name === own);
  return { ...place, isElsewhere: isElsewhere(ground, place, setting, server) };
}

function placeOfGround(ground: GroundFile): PlaceFacts & Pick<GroundFacts, 'kind' | 'text'> {
  const { kind } = ground;
  switch (ground.kind) {
    case 'folder':
      return { kind, text: `${ground.folder} on this host`, host: hostname() };
    case 'docker-volume': {
      const host = dockerHost(ground.context);
      return { kind, text: volumeText(ground.volume, ground.subfolder), host };
    }
    case 'kubernetes-claim': {
      const host = kubernetesHost(ground.context);
      return {
        kind,
        text: `claim ${ground.claim} (namespace ${ground.namespace ?? 'default'})`,
        host,
      };
    }
    case 'ssh-host': {
      const host = hostOf(ground.host.slice(ground.host.lastIndexOf('@') + 1));
      return { kind, text: `${ground.folder} on ${ground.host}`, host };
    }
    case 'server': {
      const connection = parseConnectionUrl(ground.connection);
      return { kind, text: describeConnection(connection), host: hostOf(connection.host) };
    }
  }
}

/**
 * Whether the ground is another place than the one that the source is in. What its server runs on tells best: a database in a container
 * has an address that is no host's name.
 */
function isElsewhere(
  ground: GroundFile,
  place: PlaceFacts,
  setting: SourceSetting,
  server: ServiceSetting | undefined,
): boolean {
  if (setting.kind === 'files') return place.host !== hostname();
  if (setting.kind === 'volume') return place.host !== dockerHost(setting.context);
  const connection = parseConnectionUrl(setting.connection);
  if (ground.kind === 'server') {
    const other = parseConnectionUrl(ground.connection);
    return hostOf(other.host) !== hostOf(connection.host) || other.port !== connection.port;
  }
  const own = server === undefined ? hostOf(connection.host) : placeOfService(server).host;
  return place.host !== own;
}

function volumeText(volume: string, subfolder: string | undefined): string {
  return `docker volume ${volume}${subfolder === undefined ? '' : `, ${subfolder} in it`}`;
}

function dockerHost(context: string | undefined): string {
  return context === undefined || context === 'default' ? hostname() : `docker context ${context}`;
}

function kubernetesHost(context: string | undefined): string {
  return `kubernetes ${context === undefined ? 'cluster' : `context ${context}`}`;
}

/** Every name of this host is one name. */
function hostOf(host: string): string {
  const isHere =
    host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\./.test(host);
  return isHere ? hostname() : host;
}
