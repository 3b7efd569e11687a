import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { MemoryLocation } from '../../src/repository/index.ts';
import { testLocation } from '../../src/repository/location/location-contract.ts';
import { type Fault, FaultyLocation } from './faulty-location.ts';

testLocation('faulty, without faults', async () => ({
  location: new FaultyLocation(new MemoryLocation(), {}),
  async [Symbol.asyncDispose]() {},
}));

const bytes = Buffer.from('some bytes');
const name = createHash('sha256').update(bytes).digest('hex');

function broken(...faults: Fault[]) {
  const memory = new MemoryLocation();
  return { memory, location: new FaultyLocation(memory, { faults }) };
}

it('does nothing, or all without saying so, or half', async () => {
  const { memory, location } = broken(
    { operation: 'write', kind: 'data', nth: 1, effect: 'error' },
    { operation: 'write', kind: 'index', nth: 1, effect: 'lost-answer' },
    { operation: 'remove', nth: 1, effect: 'lost-answer' },
    { operation: 'write', kind: 'config', nth: 1, effect: 'half-write' },
  );
  await expect(location.write('data', name, bytes)).rejects.toThrow('injected');
  expect(await memory.list('data')).toEqual([]);
  await expect(location.write('index', name, bytes)).rejects.toThrow('injected');
  expect(await memory.list('index')).toHaveLength(1);
  await expect(location.remove('index', name)).rejects.toThrow('injected');
  expect(await memory.list('index')).toEqual([]);
  await expect(location.write('config', 'config', bytes)).rejects.toThrow('injected');
  expect(await memory.list('config')).toEqual([{ name: 'config', sizeBytes: 5 }]);
  location.assertFired();
});

it('answers with wrong bits, with less, and late', async () => {
  const { memory, location } = broken(
    { operation: 'read', nth: 1, effect: 'flip-bit' },
    { operation: 'read', nth: 2, effect: 'truncate' },
    { operation: 'list', area: 'lifeboat/', nth: 1, effect: 'truncate' },
    { operation: 'read', nth: 3, effect: 'slow' },
  );
  await memory.write('data', name, bytes);
  await memory.nested('lifeboat').write('data', name, bytes);
  expect(Buffer.compare(await location.read('data', name), bytes)).not.toBe(0);
  expect(await location.read('data', name)).toHaveLength(5);
  expect(await location.list('data')).toHaveLength(1);
  expect(await location.nested('lifeboat').list('data')).toHaveLength(0);
  const late = location.read('data', name, undefined, AbortSignal.timeout(1));
  await expect(late).rejects.toMatchObject({ code: 'cancelled' });
  location.assertFired();
});

it('counts and names every call, so that a suite can break each in turn', async () => {
  const work = async (location: FaultyLocation) => {
    await location.write('data', name, bytes);
    await location
      .nested('lifeboat')
      .read('index', name)
      .catch(() => {});
  };
  const { location } = broken();
  await work(location);
  expect(location.calls).toEqual([
    { operation: 'write', kind: 'data', name, area: '' },
    { operation: 'read', kind: 'index', name, area: 'lifeboat/' },
  ]);
  const { location: second } = broken({ operation: 'any', nth: 2, effect: 'error' });
  await work(second);
  second.assertFired();
  expect(() =>
    broken({ operation: 'list', nth: 1, effect: 'error' }).location.assertFired(),
  ).toThrow('never happened');
});
