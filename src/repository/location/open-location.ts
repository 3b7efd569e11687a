import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LifeboatError } from '../../core/index.ts';
import { cacheFolder, cacheLimitBytes } from './cache/cache-options.ts';
import { CacheStore } from './cache/cache-store.ts';
import { CachedLocation } from './cache/cached-location.ts';
import { openGcs } from './gcs/gcs-location.ts';
import { LocalLocation } from './local-location.ts';
import type { Location } from './location.ts';
import { type LocationOptions, rateLimits } from './location-options.ts';
import { parseRcloneLocation } from './rclone/rclone-location.ts';
import { parseRestLocation } from './rest-location.ts';
import { RetryingLocation } from './retrying-location.ts';
import { openS3 } from './s3/open-s3.ts';
import { ThrottledLocation } from './throttled-location.ts';

interface LocationOpener {
  /** What stands before the colon; a text without any is a path. */
  readonly scheme: string;
  readonly example: string;
  /** Reached over a network: calls are tried again. */
  readonly remote: boolean;
  /** Can keep what is stored from being removed. */
  readonly lockable?: boolean;
  open(text: string, environment: NodeJS.ProcessEnv, options: LocationOptions): Location;
}

/** Every place a repository can live in. */
const openers: readonly LocationOpener[] = [
  {
    scheme: 'file',
    example: 'file:///var/backups/lifeboat',
    remote: false,
    open: (text) => new LocalLocation(fileURLToPath(text)),
  },
  {
    scheme: 'rest',
    example: 'rest:https://host:8000/name/',
    remote: true,
    open: parseRestLocation,
  },
  {
    scheme: 'gs',
    example: 'gs:bucket:/prefix',
    remote: true,
    open: openGcs,
  },
  {
    scheme: 'rclone',
    example: 'rclone:remote:path',
    remote: true,
    open: parseRcloneLocation,
  },
  {
    scheme: 's3',
    example: 's3:https://host/bucket/prefix',
    remote: true,
    lockable: true,
    open: (text, environment, { lock }) => openS3(text, { environment, lock }),
  },
];

/**
 * The location that `text` names, as in the configuration: `/path`, `file:///path`, `rest:https://host:8000/name/`,
 * with retries, rate limits and cache around it. Does no work; errors are `usage.invalid`.
 */
export function openLocation(text: string, options: LocationOptions = {}): Location {
  const environment = options.environment ?? process.env;
  const { place, remote } = openPlace(text, environment, options);
  const limits = rateLimits(options, environment);
  let location = place;
  if (limits.uploadBytesPerSecond || limits.downloadBytesPerSecond) {
    location = new ThrottledLocation(location, limits);
  }
  if (!remote) return location;
  // Around the limits: what is sent twice is paid twice. The cache outside: what is at hand costs nothing.
  location = new RetryingLocation(location, options.retry, options.onRetry);
  const folder = cacheFolder(options, environment);
  if (folder === undefined) return location;
  return new CachedLocation(
    location,
    new CacheStore(folder, cacheLimitBytes(options, environment)),
  );
}

function openPlace(
  text: string,
  environment: NodeJS.ProcessEnv,
  options: LocationOptions,
): { readonly place: Location; readonly remote: boolean } {
  const scheme = /^([a-z][a-z0-9]*):/.exec(text)?.[1];
  if (text === '' || text.includes('\0')) throw unknownLocation('it is empty');
  if (options.lock !== undefined) refuseLockUnless(scheme);
  if (scheme === undefined) return { place: new LocalLocation(resolve(text)), remote: false };
  const opener = openers.find((each) => each.scheme === scheme);
  if (opener === undefined) throw unknownLocation(`nothing here opens "${scheme}:"`);
  try {
    return { place: opener.open(text, environment, options), remote: opener.remote };
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    // Without the cause: it quotes the address, which may hold a password.
    throw unknownLocation(`the address after "${scheme}:" is malformed`);
  }
}

function refuseLockUnless(scheme: string | undefined): void {
  const able = openers.filter((each) => each.lockable);
  if (able.some((each) => each.scheme === scheme)) return;
  throw new LifeboatError('usage.invalid', 'this repository location cannot be locked', {
    hint: `Leave \`lock:\` out, or use ${able.map((each) => each.example).join(', ')}.`,
  });
}

function unknownLocation(fact: string): LifeboatError {
  const examples = ['/var/backups/lifeboat', ...openers.map((each) => each.example)];
  return new LifeboatError('usage.invalid', `cannot use this repository location: ${fact}`, {
    hint: `A location looks like one of: ${examples.join(', ')}.`,
  });
}
