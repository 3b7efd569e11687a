import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type MemoryRepository,
  memoryRepository,
} from '../../../test/support/memory-repository.ts';
import {
  sceneSegmentBytes as size,
  storeSnapshot as store,
  storeLog,
  sceneStream as stream,
} from '../../../test/support/stored-scene.ts';
import { LifeboatError } from '../../core/index.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import type { Repository } from '../repository.ts';

async function pair(options: { readonly appendOnly?: boolean } = {}) {
  const stores: { from: MemoryRepository; to: MemoryRepository } = {
    from: await memoryRepository(),
    to: await memoryRepository(),
  };
  const from = stores.from.open();
  const to = stores.to.open(new MemoryLocation({ files: stores.to.files, ...options }));
  return {
    from,
    to,
    reopened: (location?: MemoryLocation) => stores.from.open(location),
    files: { from: stores.from.files, to: stores.to.files },
    async [Symbol.asyncDispose]() {
      await from[Symbol.asyncDispose]();
      await to[Symbol.asyncDispose]();
    },
  };
}

/** That a log has no snapshot here is known to these tests. */
async function errorsOf(repository: Repository) {
  const { findings } = await repository.check({ readData: true });
  return findings.filter(({ severity }) => severity === 'error');
}

const noise = (bytes: number) => randomBytes(bytes);
const text = (word: string) => Buffer.from(`${word} `.repeat(5000));

describe.concurrent('a copy to another repository', () => {
  it('takes everything, and nothing the second time', async () => {
    await using both = await pair();
    const { from, to } = both;
    await store(from, [noise(100_000), text('one'), text('two')]);
    await store(from, [text('one'), text('three')]);
    await storeLog(from, 3);
    await from.records.append({ kind: 'audit', source: 'shop', body: { n: 1 } });
    await from.records.append({ kind: 'audit', source: 'shop', body: { n: 2 } });
    const dry = await from.copyTo(to, { dryRun: true });
    expect(await to.snapshots()).toEqual([]);
    const report = await from.copyTo(to);
    expect(report).toMatchObject({ records: 2, logSegments: 5, problems: [], snapshotsPresent: 0 });
    const { blobs, blobBytes, logSegments, records } = report;
    expect(dry).toMatchObject({ blobs, blobBytes, logSegments, records, dryRun: true });
    expect(await errorsOf(to)).toEqual([]);
    const log = to.log('shop');
    const end = BigInt(3 * size + 100);
    expect(await log.coverage()).toEqual([{ stream, start: 0n, end }]);
    expect(await log.read(stream, 0n, end)).toEqual(await from.log('shop').read(stream, 0n, end));
    expect(await log.readFile('00000001.history')).toEqual(new Uint8Array(Buffer.from('history')));
    const stored = both.files.to.size;
    const again = await from.copyTo(to);
    expect(again).toMatchObject({ snapshots: [], snapshotsPresent: 2, blobs: 0, bytesStored: 0 });
    expect(again).toMatchObject({ logSegments: 0, records: 0 });
    expect(both.files.to.size).toBe(stored);
  });

  it('keeps snapshots what they were, with their first id as original', async () => {
    await using both = await pair();
    await using third = await pair();
    const id = await store(both.from, [text('one')], 'kept');
    await both.from.copyTo(both.to);
    await both.to.copyTo(third.to);
    const [first] = await both.from.snapshots();
    const { id: _, ...rest } = first as NonNullable<typeof first>;
    const [last] = await third.to.snapshots();
    expect(last).toMatchObject({ ...rest, original: id });
    expect(last?.id).not.toBe(id);
    expect(last?.parent).toBeUndefined();
  });

  it('keeps the graph of records: ids, writers, sequences, signatures, also through a second copy', async () => {
    await using both = await pair();
    await using third = await pair();
    const { from, to } = both;
    for (let n = 0; n < 5; n++) await from.records.append({ kind: 'audit', source: '', body: n });
    const known = await from.records.list();
    await from.copyTo(to);
    expect(await to.records.list()).toEqual(known);
    // The destination's own records go on from them.
    const own = await to.records.append({ kind: 'audit', source: '', body: 'own' });
    expect(own.heads).toEqual([known.at(-1)?.id]);
    await to.copyTo(third.to);
    expect(await third.to.records.list()).toEqual([...known, own]);
    // And back: what was there first is known by its own id.
    expect(await third.to.copyTo(from)).toMatchObject({ records: 1 });
    for (const each of [from, to, third.to]) expect(await errorsOf(each)).toEqual([]);
  });

  it('takes what is new only, and follows a log that grows', async () => {
    await using both = await pair();
    const { from, to } = both;
    const big = noise(300_000);
    await store(from, [big, text('one')]);
    await storeLog(from, 2);
    await from.copyTo(to);
    await store(from, [big, text('two')]);
    await storeLog(from, 4, 2);
    const report = await from.copyTo(to);
    // Two trees and one new content.
    expect(report).toMatchObject({ blobs: 3, snapshotsPresent: 1 });
    expect(report.blobBytes).toBeLessThan(100_000);
    expect(report.logSegments).toBe(3);
    const end = BigInt(4 * size + 100);
    expect(await to.log('shop').coverage()).toEqual([{ stream, start: 0n, end }]);
    expect(await errorsOf(to)).toEqual([]);
  });

  it('does not bring again what a prune of the destination took from a log', async () => {
    await using both = await pair();
    const { from, to } = both;
    await storeLog(from, 4);
    await from.copyTo(to);
    const logsNeeded = async () => new Map([['shop', BigInt(2 * size)]]);
    expect(await to.prune({ logsNeeded, keepMarkedMs: 0 })).toMatchObject({
      logSegmentsDropped: 2,
    });
    await storeLog(from, 5, 4);
    expect(await from.copyTo(to)).toMatchObject({ logSegments: 2, problems: [] });
    const start = BigInt(2 * size);
    const end = BigInt(5 * size + 100);
    expect(await to.log('shop').coverage()).toEqual([{ stream, start, end }]);
    expect(await from.copyTo(to)).toMatchObject({ logSegments: 0 });
  });

  it('copies the snapshots that were chosen', async () => {
    await using both = await pair();
    const { from, to } = both;
    await store(from, [noise(50_000)], 'no');
    const id = await store(from, [text('one')], 'yes');
    const report = await from.copyTo(to, { select: ({ tags }) => tags.includes('yes') });
    expect(report.snapshots.map(({ source }) => source)).toEqual([id]);
    expect(report.blobBytes).toBeLessThan(50_000);
  });

  it('works with a destination that lets nothing be removed', async () => {
    await using both = await pair({ appendOnly: true });
    await store(both.from, [text('one')]);
    await storeLog(both.from, 70);
    expect((await both.from.copyTo(both.to)).problems).toEqual([]);
    expect(await both.from.copyTo(both.to)).toMatchObject({ snapshots: [], logSegments: 0 });
    expect(await errorsOf(both.to)).toEqual([]);
  });

  it('leaves out a snapshot whose data is damaged, names it, and copies the others', async () => {
    await using both = await pair();
    const { from, to, files } = both;
    const good = await store(from, [text('good')]);
    const before = new Set(files.from.keys());
    const bad = await store(from, [noise(40_000), noise(40_000)]);
    const pack = [...files.from].find(([path, bytes]) => {
      return path.startsWith('data/') && !before.has(path) && bytes.length > 40_000;
    });
    const bytes = pack?.[1] as Uint8Array;
    bytes[100] = (bytes[100] as number) ^ 1;
    const report = await from.copyTo(to);
    expect(report.snapshots.map(({ source }) => source)).toEqual([good]);
    expect(report.problems).toEqual([expect.stringContaining(`snapshot ${bad.slice(0, 8)}`)]);
    expect(await errorsOf(to)).toEqual([]);
  });

  it.each([0, 1])('takes a blob from another pack when pack %i is damaged', async (which) => {
    await using both = await pair();
    const { from, files } = both;
    const content = noise(40_000);
    await store(from, [content, noise(10)]);
    // Another host that knew nothing of it stores the same.
    const index = [...files.from].filter(([path]) => path.startsWith('index/'));
    for (const [path] of index) files.from.delete(path);
    await using other = both.reopened();
    await store(other, [content]);
    for (const [path, bytes] of index) files.from.set(path, bytes);
    const packs = [...files.from].filter(([path, bytes]) => {
      return path.startsWith('data/') && bytes.length > 40_000;
    });
    expect(packs).toHaveLength(2);
    const bytes = packs[which]?.[1] as Uint8Array;
    bytes[100] = (bytes[100] as number) ^ 1;
    await using fresh = both.reopened();
    const report = await fresh.copyTo(both.to);
    expect(await errorsOf(both.to)).toEqual([]);
    // The other content lies in the first pack, and is whole unless its bytes were hit.
    expect(report.problems).toEqual([]);
    expect(report.snapshots).toHaveLength(2);
  });

  it('names a damaged segment of a log and copies the others', async () => {
    await using both = await pair();
    const { from, to, files } = both;
    await storeLog(from, 3);
    const [path] = [...files.from.keys()].filter((each) => each.startsWith('lifeboat/data/'));
    files.from.set(path as string, new Uint8Array(10));
    await using fresh = both.reopened();
    const report = await fresh.copyTo(to);
    expect(report.problems).toHaveLength(1);
    expect(report.logSegments).toBe(4);
    expect(await errorsOf(to)).toEqual([]);
  });

  it('leaves alone a log of another cluster that has the same name there', async () => {
    await using both = await pair();
    const { from, to } = both;
    await storeLog(from, 2);
    await to.log('shop').appendSegment(stream, 0n, Buffer.alloc(size, 99));
    await from.log('other').appendSegment(stream, 0n, Buffer.alloc(size, 7));
    const report = await from.copyTo(to);
    expect(report.problems).toEqual([expect.stringContaining('log shop')]);
    expect(await to.log('other').coverage()).toHaveLength(1);
  });

  it('does not publish again what another copy has published meanwhile', async () => {
    const stores = { from: await memoryRepository(), to: await memoryRepository() };
    await using from = stores.from.open();
    await store(from, [text('one')]);
    let isIntruded = false;
    class Intruded extends MemoryLocation {
      override async write(...args: Parameters<MemoryLocation['write']>): Promise<void> {
        if (args[0] === 'index' && !isIntruded) {
          isIntruded = true;
          await using source = stores.from.open();
          await using other = stores.to.open();
          await source.copyTo(other);
        }
        await super.write(...args);
      }
    }
    await using to = stores.to.open(new Intruded({ files: stores.to.files }));
    expect((await from.copyTo(to)).snapshots).toEqual([]);
    expect(isIntruded).toBe(true);
    expect(await to.snapshots()).toHaveLength(1);
    expect(await errorsOf(to)).toEqual([]);
  });

  it('copies from a place that takes no lock, and warns', async () => {
    await using both = await pair();
    const id = await store(both.from, [text('one')]);
    class ReadOnly extends MemoryLocation {
      override async write(): Promise<void> {
        throw new LifeboatError('location.refused', 'could not write: read-only');
      }
    }
    await using from = both.reopened(new ReadOnly({ files: both.files.from }));
    const warnings: string[] = [];
    const report = await from.copyTo(both.to, {
      progress: (event) => void (event.type === 'warning' && warnings.push(event.message)),
    });
    expect(report.snapshots.map(({ source }) => source)).toEqual([id]);
    expect(warnings).toEqual([expect.stringContaining('cannot be locked')]);
  });

  it('refuses a repository as its own copy, and ends when it is told to', async () => {
    await using both = await pair();
    const { from, to } = both;
    await store(from, [text('one')]);
    await expect(from.copyTo(from)).rejects.toMatchObject({ code: 'usage.invalid' });
    const signal = AbortSignal.abort(new LifeboatError('cancelled', 'cancelled'));
    await expect(from.copyTo(to, { signal })).rejects.toMatchObject({ code: 'cancelled' });
    for (const each of [from, to]) expect(await each.location.list('locks')).toEqual([]);
  });
});
