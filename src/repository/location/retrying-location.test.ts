import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { FaultyLocation } from '../../../test/faults/faulty-location.ts';
import { testLocation } from './location-contract.ts';
import { MemoryLocation } from './memory-location.ts';
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

it('tries once what would not help, and what must not happen twice', async () => {
  const faulty = new FaultyLocation(new MemoryLocation(), {
    faults: [
      { operation: 'write', kind: 'config', nth: 1, effect: 'lost-answer' },
      { operation: 'list', nth: 1, effect: 'error', retryable: false },
    ],
  });
  const location = new RetryingLocation(faulty, quick);
  await expect(location.write('config', 'config', bytes)).rejects.toThrow('lost-answer');
  await expect(location.list('data')).rejects.toThrow('injected');
  await expect(location.read('data', name)).rejects.toMatchObject({
    code: 'location.file-missing',
  });
  expect(faulty.operations).toBe(3);
  faulty.assertFired();
});
