import { LifeboatError } from '../../../core/index.ts';

/** Where an S3 repository lies and how it is reached. Holds no credentials. */
export interface S3Address {
  /** Undefined: Amazon's own, or what `AWS_ENDPOINT_URL_S3` names. */
  readonly endpoint: string | undefined;
  readonly bucket: string;
  /** Without slashes at its ends; empty for the bucket itself. */
  readonly prefix: string;
  readonly region: string | undefined;
  readonly pathStyle: boolean;
  readonly anonymous: boolean;
  readonly profile: string | undefined;
  /** The bucket is read as it was then, from the versions it keeps. */
  readonly versionsAt: Date | undefined;
}

const hint =
  'Write s3:https://host/bucket/prefix, or s3:s3.amazonaws.com/bucket/prefix for Amazon S3. Credentials come from the environment, profile files or the role of the machine.';

/**
 * `s3:https://host:port/bucket/prefix`, `s3:host/bucket/prefix`, `s3:bucket/prefix` (Amazon), with
 * `?region=`, `path-style=`, `anonymous=`, `profile=` and `versions=` after it. Errors: `usage.invalid`.
 */
export function parseS3Address(text: string, environment: NodeJS.ProcessEnv): S3Address {
  const [place = '', query = ''] = splitOnce(text.slice('s3:'.length), '?');
  const { host, path } = /^https?:\/\//.test(place) ? fromUrl(place) : fromWords(place);
  const [bucket = '', rest = ''] = splitOnce(path.replace(/^\/+/, ''), '/');
  const prefix = rest.split('/').filter((each) => each !== '');
  if (!/^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/i.test(bucket))
    throw invalid('it names no bucket');
  if (prefix.some((each) => each === '..' || each === '.')) throw invalid('its prefix has dots');
  const parameters = parametersOf(query);
  const amazon = /^(?:https:\/\/)?s3(?:[.-](?:dualstack\.)?([a-z0-9-]+))?\.amazonaws\.com$/.exec(
    host ?? '',
  );
  const endpoint = amazon ? undefined : host;
  const custom = endpoint ?? environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL;
  const pathStyle = parameters['path-style'] ?? 'auto';
  return {
    endpoint,
    bucket,
    prefix: prefix.join('/'),
    region: parameters.region ?? amazon?.[1],
    pathStyle:
      choice('path-style', pathStyle, ['auto', 'true', 'false']) === 'auto'
        ? // Few servers of one's own have a name per bucket; a dot in a name breaks certificates at Amazon.
          custom !== undefined || bucket.includes('.')
        : pathStyle === 'true',
    anonymous: choice('anonymous', parameters.anonymous ?? 'false', ['true', 'false']) === 'true',
    profile: parameters.profile,
    versionsAt: parameters.versions === undefined ? undefined : moment(parameters.versions),
  };
}

/** As the user would write it, without what only says how it is reached. */
export function describeS3(address: S3Address): string {
  const { endpoint, bucket, prefix, versionsAt } = address;
  const path = prefix === '' ? bucket : `${bucket}/${prefix}`;
  const at = versionsAt === undefined ? '' : `?versions=${versionsAt.toISOString()}`;
  return `s3:${endpoint ?? 's3.amazonaws.com'}/${path}${at}`;
}

function fromUrl(place: string): { host: string; path: string } {
  const url = new URL(place);
  if (url.username !== '' || url.password !== '') throw invalid('it holds credentials');
  return { host: url.origin, path: decodeURIComponent(url.pathname) };
}

/** restic's way without a scheme means HTTPS. A first word with a dot or port is a host. */
function fromWords(text: string): { host: string | undefined; path: string } {
  const place = text.replace(/^\/\//, '');
  if (place.includes('@')) throw invalid('it holds credentials');
  const [first = '', rest] = splitOnce(place, '/');
  const isHost = rest !== undefined && (/[.:]/.test(first) || first === 'localhost');
  if (!isHost) return { host: undefined, path: place };
  return { host: new URL(`https://${first}`).origin, path: rest };
}

const names = ['region', 'path-style', 'anonymous', 'profile', 'versions'] as const;

function parametersOf(query: string): Partial<Record<(typeof names)[number], string>> {
  const parameters: Partial<Record<(typeof names)[number], string>> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const known = names.find((each) => each === name);
    // Not quoted: somebody may have put a key there.
    if (known === undefined) throw invalid(`after ? it may have ${names.join(', ')}`);
    parameters[known] = value;
  }
  return parameters;
}

function choice<Word extends string>(name: string, value: string, words: readonly Word[]): Word {
  const word = words.find((each) => each === value);
  if (word === undefined) throw invalid(`${name} is one of ${words.join(', ')}`);
  return word;
}

function moment(text: string): Date {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) {
    throw invalid('versions is a moment such as 2026-11-20T00:00:00Z');
  }
  return at;
}

function splitOnce(text: string, at: string): [string, string?] {
  const place = text.indexOf(at);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}

function invalid(fact: string): LifeboatError {
  return new LifeboatError('usage.invalid', `cannot use this S3 address: ${fact}`, { hint });
}
