import { join } from 'node:path';
import { parseByteSize } from '../../../config/index.ts';
import { LifeboatError } from '../../../core/index.ts';

export interface CacheOptions {
  /** Where copies of index, snapshots and trees are kept; `false`: nowhere. Default: see `cacheFolder`. */
  readonly cacheFolder?: string | false | undefined;
  readonly cacheLimitBytes?: number | undefined;
}

const defaultLimitBytes = 2 * 2 ** 30;

/**
 * `LIFEBOAT_CACHE_FOLDER` (`off`: none), or `lifeboat` in `XDG_CACHE_HOME` or `~/.cache`, where the options do not say.
 * Undefined: no cache.
 */
export function cacheFolder(
  options: CacheOptions,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if (options.cacheFolder !== undefined) return options.cacheFolder || undefined;
  const { LIFEBOAT_CACHE_FOLDER: named, XDG_CACHE_HOME: caches, HOME: home } = environment;
  if (named) return named === 'off' ? undefined : named;
  if (caches) return join(caches, 'lifeboat');
  return home ? join(home, '.cache/lifeboat') : undefined;
}

/** `LIFEBOAT_CACHE_LIMIT` (`500 MiB`), where the options do not say. It holds for all repositories together. */
export function cacheLimitBytes(options: CacheOptions, environment: NodeJS.ProcessEnv): number {
  if (options.cacheLimitBytes !== undefined) return options.cacheLimitBytes;
  const text = environment.LIFEBOAT_CACHE_LIMIT;
  if (!text) return defaultLimitBytes;
  const bytes = parseByteSize(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new LifeboatError('usage.invalid', `LIFEBOAT_CACHE_LIMIT is no size: ${text}`, {
    hint: 'Give a size with a unit, such as "500 MiB". LIFEBOAT_CACHE_FOLDER=off turns the cache off.',
  });
}
