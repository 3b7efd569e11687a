import { createHash, randomBytes } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { testLocation } from './location-contract.ts';
import { MemoryLocation } from './memory-location.ts';
import { ThrottledLocation } from './throttled-location.ts';
import { TokenBucket } from './token-bucket.ts';

const quick = { uploadBytesPerSecond: 2 ** 30, downloadBytesPerSecond: 2 ** 30 };

testLocation('throttled', async () => ({
  location: new ThrottledLocation(new MemoryLocation(), quick),
  async [Symbol.asyncDispose]() {},
}));

afterEach(() => {
  vi.useRealTimers();
});

const kib = 1024;

/** Runs the clock until every call is through; when each was, in ms. */
async function times(calls: readonly Promise<unknown>[]): Promise<number[]> {
  const startMs = performance.now();
  const ended = Promise.all(calls.map((call) => call.then(() => performance.now() - startMs)));
  await vi.runAllTimersAsync();
  return ended;
}

it('lets so many bytes per second through, whatever asks for them', async () => {
  vi.useFakeTimers();
  const bucket = new TokenBucket(100 * kib);
  const [last] = await times([bucket.take(1032 * kib)]);
  // 32 KiB were saved up: 1000 KiB are left, at 100 KiB/s.
  expect(last).toBeGreaterThanOrEqual(10_000);
  expect(last).toBeLessThan(10_400);
});

it('is fair: a small call is not held up by large ones before it', async () => {
  vi.useFakeTimers();
  const bucket = new TokenBucket(128 * kib);
  const [large, other, small] = await times([
    bucket.take(1024 * kib),
    bucket.take(1024 * kib),
    bucket.take(kib),
  ]);
  expect(small).toBeLessThan(1_000);
  expect(large).toBeGreaterThan(14_000);
  expect(Math.abs((large as number) - (other as number))).toBeLessThan(1_000);
});

it('lets nobody wait who is gone, and nobody wait for him', async () => {
  vi.useFakeTimers();
  const bucket = new TokenBucket(32 * kib);
  const gone = new AbortController();
  const first = bucket.take(3_200 * kib, gone.signal);
  const refused = expect(first).rejects.toMatchObject({ code: 'cancelled' });
  const second = bucket.take(32 * kib);
  gone.abort();
  await refused;
  const [ended] = await times([second]);
  expect(ended).toBeLessThan(2_100);
});

it('counts both ways apart, nested areas included', async () => {
  vi.useFakeTimers();
  const bytes = new Uint8Array(randomBytes(320 * kib));
  const name = createHash('sha256').update(bytes).digest('hex');
  const rate = 32 * kib;
  const location = new ThrottledLocation(new MemoryLocation(), { uploadBytesPerSecond: rate });
  const [, up] = await times([
    location.write('data', name, bytes),
    location.nested('lifeboat').write('data', name, bytes),
  ]);
  expect(up).toBeGreaterThan(18_000);
  const [whole, part] = await times([
    location.read('data', name),
    location.read('data', name, { offset: 0, length: 1000 }),
  ]);
  expect([whole, part]).toEqual([0, 0]);
});
