import { parseByteSize } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { CacheOptions } from './cache/cache-options.ts';
import type { LockMode } from './object-lock.ts';
import type { RetryNotice, RetryOptions } from './retry-pauses.ts';
import type { RateLimits } from './throttled-location.ts';

/** How a place is used, beside its address. Everything has a default. */
export interface LocationOptions extends RateLimits, CacheOptions {
  /** Where credentials and settings of the places are looked up. Default: the process's. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  readonly retry?: Partial<RetryOptions> | undefined;
  /** For that long after the newest snapshot nobody can remove what is stored (`lock:`). Only S3 can do it. */
  readonly lock?: { readonly durationMs: number; readonly mode: LockMode } | undefined;
  /** Told before each pause of a retry: whoever waits must know why. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

/**
 * Rate limits in bytes per second from `LIFEBOAT_LIMIT_UPLOAD` and `LIFEBOAT_LIMIT_DOWNLOAD` (`5 MiB`, `800kB`), where
 * the options do not say.
 */
export function rateLimits(options: LocationOptions, environment: NodeJS.ProcessEnv): RateLimits {
  return {
    uploadBytesPerSecond:
      options.uploadBytesPerSecond ?? rateOf('LIFEBOAT_LIMIT_UPLOAD', environment),
    downloadBytesPerSecond:
      options.downloadBytesPerSecond ?? rateOf('LIFEBOAT_LIMIT_DOWNLOAD', environment),
  };
}

function rateOf(variable: string, environment: NodeJS.ProcessEnv): number | undefined {
  const text = environment[variable];
  if (text === undefined || text === '') return undefined;
  const bytes = parseByteSize(text);
  if (bytes !== undefined && bytes >= 1024) return bytes;
  throw new LifeboatError('usage.invalid', `${variable} is no rate: ${text}`, {
    hint: 'Give bytes per second with a unit, at least 1 KiB, such as "5 MiB".',
  });
}
