import { expect, it } from 'vitest';
import type { InspectedContainer } from './inspected-container.ts';
import { postgresServer } from './postgres-server.ts';
import { publishedAddresses } from './published-addresses.ts';

interface Facts {
  readonly image?: string;
  readonly env?: readonly string[];
  readonly args?: readonly string[];
  readonly exposed?: readonly string[];
  readonly bindings?: Readonly<Record<string, { HostIp: string; HostPort: string }[]>>;
  readonly network?: string;
  readonly mounts?: readonly string[];
}

function inspected(facts: Facts): InspectedContainer {
  const { image = 'shop', env = [], args = [], exposed = ['5432/tcp'], bindings = {} } = facts;
  return {
    Args: args,
    Config: {
      Image: image,
      Env: env,
      ExposedPorts: Object.fromEntries(exposed.map((each) => [each, {}])),
    },
    HostConfig: { NetworkMode: facts.network ?? 'shop_default', PortBindings: bindings },
    Mounts: (facts.mounts ?? []).map((Destination) => ({ Type: 'volume', Destination })),
  } as unknown as InspectedContainer;
}

const seen = (facts: Facts) => {
  const each = inspected(facts);
  return postgresServer(each, publishedAddresses(each, undefined));
};

it.each<[string, Facts, object | undefined]>([
  [
    'the official image with names of its own',
    {
      image: 'registry.example.com:5000/library/postgres:17@sha256:aa',
      env: ['POSTGRES_USER=shop', 'POSTGRES_DB=sales', 'POSTGRES_PASSWORD=x'],
      mounts: ['/var/lib/postgresql/data'],
    },
    {
      ...{ user: 'shop', database: 'sales', dataFolder: '/var/lib/postgresql/data' },
      ...{ hasPassword: true, passwordVariable: 'POSTGRES_PASSWORD' },
    },
  ],
  [
    'the data folder of release 18',
    { image: 'postgres:18', env: ['PGDATA=/var/lib/postgresql/18/docker'] },
    { user: 'postgres', database: 'postgres', dataFolder: '/var/lib/postgresql/18/docker' },
  ],
  [
    'a password in a file',
    { image: 'postgis/postgis', env: ['POSTGRES_PASSWORD_FILE=/run/secrets/word'] },
    { hasPassword: true },
  ],
  [
    'one that trusts everybody',
    {
      image: 'postgres',
      env: ['POSTGRES_HOST_AUTH_METHOD=trust', 'POSTGRES_PASSWORD=x', 'PGDATA=/data'],
    },
    { hasPassword: false },
  ],
  [
    'another image, by its data folder',
    { args: ['postgres', '-D', '/srv/pg/'], exposed: [], bindings: {} },
    undefined,
  ],
  ['the same with its port', { args: ['-D', '/srv/pg'] }, { dataFolder: '/srv/pg' }],
  ['a client with its password', { env: ['POSTGRES_PASSWORD=x', 'PGHOST=db'] }, undefined],
  [
    'a backup tool made of the image',
    { image: 'prodrigestivill/postgres-backup-local', env: ['PGDATA=/var/lib/postgresql/data'] },
    undefined,
  ],
  ['an exporter', { image: 'postgres-exporter', exposed: ['9187/tcp'] }, undefined],
])('knows a PostgreSQL: %s', (_, facts, wanted) => {
  const server = seen(facts);
  if (wanted === undefined) expect(server).toBeUndefined();
  else expect(server).toMatchObject(wanted);
  expect(JSON.stringify(server ?? {})).not.toContain('"x"');
});

it.each<[string, Facts, string | undefined, object | undefined]>([
  [
    'on loopback',
    { bindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: '5433' }] } },
    undefined,
    { host: '127.0.0.1', hostPort: 5433 },
  ],
  [
    'on every address',
    { bindings: { '5432/tcp': [{ HostIp: '', HostPort: '5432' }] } },
    undefined,
    { host: '127.0.0.1', hostPort: 5432 },
  ],
  [
    'on a port that the engine chose, which is another one after `up`',
    { bindings: { '5432/tcp': [{ HostIp: '', HostPort: '' }] } },
    undefined,
    undefined,
  ],
  [
    'of an engine elsewhere',
    { bindings: { '5432/tcp': [{ HostIp: '0.0.0.0', HostPort: '5432' }] } },
    'docker.example.com',
    { host: 'docker.example.com' },
  ],
  [
    'on the loopback of an engine elsewhere',
    { bindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: '5432' }] } },
    'docker.example.com',
    undefined,
  ],
  ['on the network of the host', { network: 'host' }, undefined, { hostPort: 5432 }],
  [
    'not by UDP',
    { bindings: { '53/udp': [{ HostIp: '', HostPort: '53' }] } },
    undefined,
    undefined,
  ],
])('knows where it is reached: %s', (_, facts, engineHost, wanted) => {
  const [address] = publishedAddresses(inspected(facts), engineHost);
  if (wanted === undefined) expect(address).toBeUndefined();
  else expect(address).toMatchObject(wanted);
});
