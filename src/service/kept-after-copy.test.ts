import { describe, expect, it } from 'vitest';
import { memoryRepository } from '../../test/support/memory-repository.ts';
import { storeSnapshot } from '../../test/support/stored-scene.ts';
import { keptAfterCopy } from './kept-after-copy.ts';
import type { KeptSource } from './kept-sources.ts';

const policy = { last: 2, minimum: 1 };

describe('what a copy with a retention of its own brings', () => {
  it('is what it would keep, and nothing it forgot comes again', async () => {
    await using from = (await memoryRepository()).open();
    await using to = (await memoryRepository()).open();
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) {
      ids.push(await storeSnapshot(from, [Buffer.from(`shop ${n}`)], 'source:shop'));
    }
    const other = await storeSnapshot(from, [Buffer.from('other')], 'source:other');
    const kept = [{ name: 'shop', kind: 'postgres', policy }] as const;
    const wanted = async (sources: readonly KeptSource[]) =>
      keptAfterCopy(await from.snapshots(), await to.snapshots(), sources);
    const first = await wanted(kept);
    // Of a source without a policy everything is brought.
    expect([...first].sort()).toEqual([ids[2], ids[3], other].sort());
    await from.copyTo(to, { select: ({ id }) => first.has(id) });
    expect([...(await wanted(kept))]).toEqual([]);
    const next = await storeSnapshot(from, [Buffer.from('shop 5')], 'source:shop');
    expect([...(await wanted(kept))]).toEqual([next]);
    // Without a policy the older ones come as well.
    const all = await wanted([]);
    expect([...all].sort()).toEqual([ids[0], ids[1], next].sort());
  });
});
