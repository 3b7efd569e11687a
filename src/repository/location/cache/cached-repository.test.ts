import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FaultyLocation } from '../../../../test/faults/faulty-location.ts';
import { memoryRepository } from '../../../../test/support/memory-repository.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import type { Repository, TreeNode } from '../../index.ts';
import { MemoryLocation } from '../memory-location.ts';
import { CacheStore } from './cache-store.ts';
import { CachedLocation } from './cached-location.ts';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder('cache');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Reads every tree of the newest snapshot. */
async function walk(repository: Repository): Promise<string[]> {
  const names: string[] = [];
  const visit = async (nodes: readonly TreeNode[]) => {
    for (const node of nodes) {
      names.push(node.name);
      if (node.subtree !== undefined) await visit(await repository.readTree(node.subtree));
    }
  };
  const [snapshot] = await repository.snapshots();
  if (snapshot !== undefined) await visit(await repository.readTree(snapshot.tree));
  return names;
}

async function store(repository: Repository): Promise<void> {
  await using writer = await repository.startBackup();
  const { id } = await writer.saveData(Buffer.from('content'));
  const common = { mode: 0o755, mtimeNs: 1n, uid: 0, gid: 0 };
  const file = { ...common, name: 'file', type: 'file', sizeBytes: 7, content: [id] } as const;
  const subtree = await writer.saveTree([file]);
  const tree = await writer.saveTree([{ ...common, name: 'folder', type: 'dir', subtree }]);
  const time = new Date();
  const paths = ['/folder'];
  await writer.publishSnapshot({ time, tree, paths, tags: [], filesTotal: 1, bytesTotal: 7 });
}

it('reads index, snapshots and trees from the place once, and checks the place itself', async () => {
  const { files, open } = await memoryRepository();
  await using plain = open();
  await store(plain);
  const process = () => {
    const place = new FaultyLocation(new MemoryLocation({ files }), {});
    return { place, repository: open(new CachedLocation(place, new CacheStore(folder, 2 ** 30))) };
  };
  const reads = (place: FaultyLocation) =>
    place.calls.filter(({ operation }) => operation === 'read').map(({ kind }) => kind);

  const first = process();
  await using one = first.repository;
  expect(await walk(one)).toEqual(['folder', 'file']);
  // Both trees are in one pack, which is fetched whole.
  expect(reads(first.place).sort()).toEqual(['config', 'data', 'index', 'snapshots']);

  const second = process();
  await using two = second.repository;
  expect(await walk(two)).toEqual(['folder', 'file']);
  expect(reads(second.place)).toEqual(['config']);

  // Damage of the place is found, although copies of what is damaged are at hand.
  for (const kind of ['index/', 'snapshots/']) {
    const [path, bytes] = [...files].find(([each]) => each.startsWith(kind)) as [
      string,
      Uint8Array,
    ];
    files.set(path, Uint8Array.from(bytes).fill(0, 40, 50));
    const { findings } = await two.check();
    expect(findings.length).toBeGreaterThan(0);
    files.set(path, bytes);
  }
  expect((await two.check({ readData: true })).findings).toEqual([]);
});

it('has at hand what this host wrote itself', async () => {
  const { files, open } = await memoryRepository();
  const place = new FaultyLocation(new MemoryLocation({ files }), {});
  const location = new CachedLocation(place, new CacheStore(folder, 2 ** 30));
  await using writing = open(location);
  await store(writing);
  await using reading = open(location);
  const before = place.calls.length;
  expect(await walk(reading)).toEqual(['folder', 'file']);
  const reads = place.calls.slice(before).filter(({ operation }) => operation === 'read');
  expect(reads).toEqual([]);
});
