import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { FaultyLocation } from '../../../test/faults/faulty-location.ts';
import { LifeboatError } from '../../core/index.ts';
import { testLocation } from './location-contract.ts';
import { MemoryLocation } from './memory-location.ts';
import { defaultRetryOptions, type RetryNotice, RetryPauses, retryAfter } from './retry-pauses.ts';
import { RetryingLocation } from './retrying-location.ts';

const quick = { attempts: 3, firstPauseMs: 1, longestPauseMs: 2 };
const bytes = Buffer.from('some bytes');
const name = createHash('sha256').update(bytes).digest('hex');

testLocation('retrying', async () => ({
  location: new RetryingLocation(new MemoryLocation(), quick),
  async [Symbol.asyncDispose]() {},
}));

it('gets through when the location comes back', async () => {
  const faulty = new FaultyLocation(new MemoryLocation(), {
    faults: [
      { operation: 'write', nth: 1, effect: 'error' },
      { operation: 'write', nth: 2, effect: 'lost-answer' },
      { operation: 'read', nth: 1, effect: 'error' },
      { operation: 'list', nth: 1, effect: 'error' },
      { operation: 'remove', nth: 1, effect: 'lost-answer' },
    ],
  });
  const location = new RetryingLocation(faulty, quick).nested('lifeboat');
  await location.write('data', name, bytes);
  expect(await location.read('data', name)).toEqual(new Uint8Array(bytes));
  await location.remove('data', name);
  expect(await location.list('data')).toEqual([]);
  faulty.assertFired();
});

it('gives up after the attempts it was given', async () => {
  const faults = [1, 2, 3].map((nth) => ({
    operation: 'read' as const,
    nth,
    effect: 'error' as const,
  }));
  const faulty = new FaultyLocation(new MemoryLocation(), { faults });
  await expect(new RetryingLocation(faulty, quick).read('data', name)).rejects.toMatchObject({
    code: 'location.unreachable',
  });
  expect(faulty.operations).toBe(3);
  faulty.assertFired();
});

it('tries once what would not help', async () => {
  const faulty = new FaultyLocation(new MemoryLocation(), {
    faults: [{ operation: 'list', nth: 1, effect: 'error', retryable: false }],
  });
  const location = new RetryingLocation(faulty, quick);
  await expect(location.list('data')).rejects.toThrow('injected');
  await expect(location.read('data', name)).rejects.toMatchObject({
    code: 'location.file-missing',
  });
  expect(faulty.operations).toBe(2);
  faulty.assertFired();
});

it('takes the config for written when its own first attempt went through unnoticed', async () => {
  const memory = new MemoryLocation();
  const faulty = new FaultyLocation(memory, {
    faults: [{ operation: 'write', kind: 'config', nth: 1, effect: 'lost-answer' }],
  });
  await new RetryingLocation(faulty, quick).write('config', 'config', bytes);
  expect(await memory.read('config', 'config')).toEqual(new Uint8Array(bytes));
  faulty.assertFired();
});

it('never takes the config of somebody else for its own', async () => {
  const memory = new MemoryLocation();
  const faulty = new FaultyLocation(memory, {
    faults: [{ operation: 'write', kind: 'config', nth: 1, effect: 'error' }],
  });
  const slow = { attempts: 3, firstPauseMs: 1, longestPauseMs: 1 };
  const location = new RetryingLocation(faulty, slow, () => {
    memory.write('config', 'config', Buffer.from('of another host'));
  });
  await expect(location.write('config', 'config', bytes)).rejects.toMatchObject({
    code: 'location.refused',
  });
});

it('says before each pause what it waits for, once for calls that fail together', async () => {
  const faults = [1, 2, 3].map((nth) => ({ operation: 'list', nth, effect: 'error' }) as const);
  const faulty = new FaultyLocation(new MemoryLocation(), { faults });
  const notices: RetryNotice[] = [];
  const location = new RetryingLocation(faulty, quick, (notice) => notices.push(notice));
  await Promise.all([location.list('data'), location.list('index'), location.list('keys')]);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatchObject({ location: 'memory:', attempt: 1 });
  expect(notices[0]?.message).toMatch(/^injected fault: error; trying again in \d/);
});

it('waits as long as the location asks, and gives up when that is too long', async () => {
  const asked = (retryAfterMs: number) => {
    const context = { retryAfterMs };
    return new LifeboatError('location.unreachable', 'busy', { retryable: true, context });
  };
  const pauses = new RetryPauses({ ...defaultRetryOptions, firstPauseMs: 100 });
  const pauseMs = pauses.after(asked(7_000), true) as number;
  expect(pauseMs).toBeGreaterThanOrEqual(7_000);
  expect(pauseMs).toBeLessThanOrEqual(7_100);
  expect(pauses.after(asked(130_000), true)).toBe(undefined);
  // A place that never answered gets less patience.
  expect(pauses.after(asked(60_000), false)).toBe(undefined);
  expect(pauses.after(asked(60_000), true)).toBeGreaterThanOrEqual(60_000);
  expect(retryAfter('7')).toEqual({ retryAfterMs: 7_000 });
  expect(retryAfter('soon')).toEqual({});
  expect(retryAfter(new Date(Date.now() - 5_000).toUTCString())).toEqual({});
  const inAMinute = retryAfter(new Date(Date.now() + 60_000).toUTCString()).retryAfterMs as number;
  expect(Math.abs(inAMinute - 60_000)).toBeLessThan(5_000);
});

it('reads again what does not have its name, and hands on what is stored so', async () => {
  const faults = [{ operation: 'read', nth: 1, effect: 'flip-bit' } as const];
  const memory = new MemoryLocation();
  await memory.write('index', name, bytes);
  const faulty = new FaultyLocation(memory, { faults });
  expect(await new RetryingLocation(faulty, quick).read('index', name)).toEqual(
    new Uint8Array(bytes),
  );
  faulty.assertFired();
  const damaged = new Uint8Array(bytes).fill(0);
  memory.read = async () => damaged;
  expect(await new RetryingLocation(memory, quick).read('index', name)).toEqual(damaged);
});
