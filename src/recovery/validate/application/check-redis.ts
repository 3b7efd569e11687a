import { randomUUID } from 'node:crypto';
import type { RedisCheckSetting } from '../../../config/index.ts';
import { throwIfAborted } from '../../../core/index.ts';
import { type Finding, fails, holds } from './application-result.ts';
import type { CheckSurroundings } from './check-surroundings.ts';

const keySeconds = 60;

/** Sets a key that nobody else uses, reads it and removes it; should the removal not be reached, it goes by itself after a minute. */
export async function checkRedis(
  check: RedisCheckSetting,
  { secret }: CheckSurroundings,
  signal: AbortSignal,
): Promise<Finding> {
  const password = check.password && (await secret('password of the check', check.password));
  const { Redis } = await import('ioredis');
  const redis = new Redis(check.redis, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectionName: 'lifeboat-check',
    ...(password ? { password: password.reveal() } : {}),
  });
  // Without a listener the first error would end the process; the promise of the command says the same.
  let broken: Error | undefined;
  redis.on('error', (error: Error) => {
    broken ??= error;
  });
  const end = () => redis.disconnect();
  signal.addEventListener('abort', end, { once: true });
  const key = `lifeboat:check:${randomUUID()}`;
  try {
    await redis.connect();
    await redis.set(key, key, 'EX', keySeconds);
    const read = await redis.get(key);
    await redis.del(key);
    return read === key
      ? holds('set, read and removed a key')
      : fails('a key that was set is not there');
  } catch (error) {
    throwIfAborted(signal);
    const { message } = broken ?? (error as Error);
    return fails(`the server does not take a key: ${message}`);
  } finally {
    signal.removeEventListener('abort', end);
    redis.disconnect();
  }
}
