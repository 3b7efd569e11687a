import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryLocation } from '../../src/repository/index.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';
import { storeLog, storeSnapshot } from '../support/stored-scene.ts';
import { type Fault, FaultyLocation } from './faulty-location.ts';

let from: MemoryRepository;
let empty: MemoryRepository;

beforeAll(async () => {
  from = await memoryRepository();
  empty = await memoryRepository();
  await using repository = from.open();
  const big = randomBytes(50_000);
  await storeSnapshot(repository, [big, Buffer.from('one')]);
  await storeSnapshot(repository, [big, Buffer.from('two')]);
  await storeLog(repository, 3);
  for (let n = 0; n < 3; n++) {
    await repository.records.append({ kind: 'audit', source: 'shop', body: n });
  }
});

/** A destination that knows nothing of the others, behind a location with faults. */
function destination(options: ConstructorParameters<typeof FaultyLocation>[1]) {
  const files = new Map(empty.files);
  const inner = new MemoryLocation({ files });
  const faulty = new FaultyLocation(inner, options);
  return {
    files,
    faulty,
    inner,
    open: () => empty.open(inner),
    openFaulty: () => empty.open(faulty),
  };
}

async function countOperations(): Promise<number> {
  const { faulty, openFaulty } = destination({});
  await using source = from.open();
  await using to = openFaulty();
  await source.copyTo(to);
  return faulty.operations;
}

/** Whatever happened: what is there is sound, and the next copy completes it without bringing anything twice. */
async function expectSoundAndResumable(place: ReturnType<typeof destination>) {
  // Of a process that was killed; it would become stale by itself.
  for (const { name } of await place.inner.list('locks')) await place.inner.remove('locks', name);
  await using to = place.open();
  const broken = (await to.check({ readData: true })).findings;
  expect(broken.filter(({ severity }) => severity === 'error')).toEqual([]);
  await using source = from.open();
  const report = await source.copyTo(to);
  expect(report.problems).toEqual([]);
  expect(report.snapshots.length + report.snapshotsPresent).toBe(2);
  const after = (await to.check({ readData: true })).findings;
  expect(after.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(await to.snapshots()).toHaveLength(2);
  expect(await to.records.list()).toHaveLength(3);
  expect(await to.log('shop').coverage()).toEqual(await source.log('shop').coverage());
  const again = await source.copyTo(to);
  expect(again).toMatchObject({ snapshots: [], blobs: 0, logSegments: 0, records: 0 });
}

const groupSize = 6;

/** In groups, because most of the time is spent waiting for locks to settle. */
async function inGroups<Item>(items: readonly Item[], run: (item: Item) => Promise<void>) {
  for (let at = 0; at < items.length; at += groupSize) {
    await Promise.all(items.slice(at, at + groupSize).map(run));
  }
}

describe('a copy whose destination fails', () => {
  it('stops at any operation, as when it is killed, and goes on the next time', async () => {
    const total = await countOperations();
    expect(total).toBeGreaterThan(30);
    const everyNth = process.env.LIFEBOAT_SOAK ? 1 : 4;
    const stops = Array.from({ length: total - 1 }, (_, nth) => nth + 1);
    await inGroups(
      stops.filter((nth) => nth % everyNth === 0),
      async (nth) => {
        const place = destination({ stopAfterOperations: nth });
        await using source = from.open();
        await using to = place.openFaulty();
        const report = await source.copyTo(to).catch((error) => {
          expect(error).toMatchObject({ code: 'location.unreachable' });
        });
        // It may succeed when only its lock was left to be removed.
        if (report !== undefined) {
          expect(nth).toBeGreaterThanOrEqual(total - 2);
          expect(report.snapshots).toHaveLength(2);
        }
        await expectSoundAndResumable(place);
      },
    );
  }, 120_000);

  const kinds = ['data', 'index', 'snapshots', 'locks'] as const;
  const effects = ['error', 'half-write', 'lost-answer'] as const;
  const faults = kinds.flatMap((kind) =>
    effects.map((effect): Fault => ({ operation: 'write', kind, nth: 1, effect })),
  );
  const more: Fault[] = [
    ...['snapshots', 'index', 'data'].map((kind): Fault => {
      return { operation: 'list', kind: kind as Fault['kind'] & string, nth: 1, effect: 'error' };
    }),
    { operation: 'write', kind: 'snapshots', nth: 5, effect: 'lost-answer' },
    { operation: 'remove', kind: 'locks', nth: 1, effect: 'error' },
    { operation: 'create', nth: 1, effect: 'lost-answer' },
  ];

  it('survives a call that fails, half succeeds, or succeeds without saying so', async () => {
    await inGroups([...faults, ...more], async (fault) => {
      const place = destination({ faults: [fault] });
      await using source = from.open();
      await using to = place.openFaulty();
      await source.copyTo(to).catch((error) => {
        expect(error).toMatchObject({ code: 'location.unreachable' });
      });
      place.faulty.assertFired();
      await expectSoundAndResumable(place);
    });
  }, 180_000);
});
