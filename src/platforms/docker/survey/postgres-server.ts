import { posix } from 'node:path';
import { environmentOf, type InspectedContainer } from './inspected-container.ts';
import type { PublishedAddress, SurveyedServer } from './survey.ts';

/** Last parts of the names of images that are a PostgreSQL server, not only something for one. */
const images =
  /^(postgres(ql)?|postgis|timescaledb(-ha)?|pgvector|citus|pgvecto-rs|spilo-\d+|postgresql-repmgr)$/;
/** Made from a server's image, and clients all the same. */
const clients = /backup|dump|exporter|migrat/;
/** Where such images keep their data. */
const homes = [/^\/var\/lib\/postgresql(\/|$)/, /^\/bitnami\/postgresql(\/|$)/];
const usualPort = 5432;

/**
 * What a container says of its PostgreSQL; undefined: it is none, as far as it is seen. By its port, and where its data lies or what its
 * image is called: variables such as POSTGRES_PASSWORD are given to clients too.
 */
export function postgresServer(
  inspected: InspectedContainer,
  addresses: readonly PublishedAddress[],
): SurveyedServer | undefined {
  const environment = environmentOf(inspected);
  const dataFolder = dataFolderOf(inspected, environment);
  const image = baseName(inspected.Config.Image);
  const isNamed = images.test(image);
  if (clients.test(image)) return undefined;
  if (dataFolder === undefined && !isNamed) return undefined;
  const port = Number(environment.get('PGPORT') ?? usualPort);
  const exposed = Object.keys(inspected.Config.ExposedPorts ?? {});
  const isServed =
    exposed.includes(`${port}/tcp`) || addresses.some((each) => each.port === port) || isNamed;
  if (!isServed) return undefined;
  const user = environment.get('POSTGRES_USER') || 'postgres';
  const trusts = environment.get('POSTGRES_HOST_AUTH_METHOD') === 'trust';
  const inVariable = Boolean(environment.get('POSTGRES_PASSWORD'));
  const address = addresses.find((each) => each.port === port);
  return {
    user,
    database: environment.get('POSTGRES_DB') || user,
    ...(dataFolder === undefined ? {} : { dataFolder }),
    port,
    ...(address === undefined ? {} : { address }),
    hasPassword: !trusts && (inVariable || environment.has('POSTGRES_PASSWORD_FILE')),
    ...(inVariable && !trusts ? { passwordVariable: 'POSTGRES_PASSWORD' } : {}),
  };
}

function dataFolderOf(
  { Args, Mounts }: InspectedContainer,
  environment: ReadonlyMap<string, string>,
): string | undefined {
  const args = Args ?? [];
  const named = args[args.indexOf('-D') + 1];
  if (args.includes('-D') && named?.startsWith('/')) return posix.normalize(named);
  const variable = environment.get('PGDATA');
  if (variable?.startsWith('/')) return posix.normalize(variable);
  const home = (Mounts ?? []).find(({ Destination }) =>
    homes.some((each) => each.test(Destination)),
  );
  if (home === undefined) return undefined;
  return home.Destination.endsWith('/data')
    ? home.Destination
    : posix.join(home.Destination, 'data');
}

/** `registry:5000/library/postgres:17@sha256:…` is `postgres`. */
export function baseName(image: string): string {
  const path = image.split('@')[0] as string;
  return (path.split('/').at(-1) as string).split(':')[0] as string;
}
