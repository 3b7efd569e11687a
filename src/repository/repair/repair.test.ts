import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashesOf, hashesWanted, storeFiles } from '../../../test/support/stored-files.ts';
import { fileNode, folderNode, storeTree } from '../../../test/support/stored-tree.ts';
import { Secret } from '../../core/index.ts';
import { initRepository } from '../init-repository.ts';
import type { ByteRange, FileKind } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { openRepository } from '../open-repository.ts';
import type { Repository, SnapshotId } from '../repository.ts';
import { sha256 } from '../stored-file.ts';

const password = new Secret('pw');
let files: Map<string, Uint8Array>;
let repository: Repository;
let first: SnapshotId;
let second: SnapshotId;
const kept = { kept: randomBytes(250_000) };
const early = { ...kept, early: randomBytes(200_000) };
const late = { ...kept, late: randomBytes(300_000) };

beforeEach(async () => {
  files = new Map();
  repository = await initRepository({ location: new MemoryLocation({ files }), password });
  first = await storeFiles(repository, early);
  second = await storeFiles(repository, late);
});

afterEach(() => repository[Symbol.asyncDispose]());

const pathsOf = (kind: FileKind) => [...files.keys()].filter((path) => path.startsWith(`${kind}/`));
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const errors = async () => {
  const { findings } = await repository.check({ readData: true });
  return findings.filter(({ severity }) => severity === 'error');
};

async function expectWhole(): Promise<void> {
  expect(await errors()).toEqual([]);
  expect(await hashesOf(repository, first)).toEqual(hashesWanted(early));
  expect(await hashesOf(repository, second)).toEqual(hashesWanted(late));
}

/** The largest pack that the second snapshot added: with /late. */
function packOfLate(): string {
  const sizes = pathsOf('data').map((path) => ({ path, size: files.get(path)?.length ?? 0 }));
  const near = sizes.find(({ size }) => size > 300_000 && size < 302_000);
  return near?.path as string;
}

describe('repair index', () => {
  it('changes nothing where nothing is wrong', async () => {
    const before = [...files.keys()];
    const report = await repository.repairIndex();
    expect(report).toMatchObject({ packsRead: 0, packsAdded: 0, indexFilesReplaced: 0 });
    expect([...files.keys()]).toEqual(before);
  });

  it('names again what a missing, damaged or swapped index file named, and reads only that', async () => {
    const [one, other] = pathsOf('index') as [string, string];
    const [oneBytes, otherBytes] = [files.get(one), files.get(other)] as [Uint8Array, Uint8Array];
    const damages: (() => void)[] = [
      () => void files.delete(one),
      () => void files.set(one, randomBytes(100)),
      () => void files.set(one, new Uint8Array(0)),
      () => void files.set(one, oneBytes.subarray(0, 50)),
      () => void files.set(one, otherBytes),
    ];
    for (const damage of damages) {
      for (const path of pathsOf('index')) files.delete(path);
      files.set(one, oneBytes).set(other, otherBytes);
      damage();
      expect((await errors()).length).toBeGreaterThan(0);
      expect(await repository.repairIndex({ dryRun: true })).toMatchObject({ packsAdded: 2 });
      expect((await errors()).length).toBeGreaterThan(0);
      const report = await repository.repairIndex();
      expect(report).toMatchObject({ packsAdded: 2, packsRead: 2, packsDamaged: [] });
      await expectWhole();
    }
  });

  it('makes everything anew from the packs when no index file is to be trusted', async () => {
    const report = await repository.repairIndex({ readAllPacks: true });
    expect(report).toMatchObject({ packsRead: 4, packsAdded: 0, indexFilesReplaced: 2 });
    expect(pathsOf('index')).toHaveLength(1);
    await expectWhole();
    for (const path of pathsOf('index')) files.delete(path);
    expect(await repository.repairIndex()).toMatchObject({ packsAdded: 4 });
    await expectWhole();
  });

  it('lets go what is not there, and says which packs it cannot read', async () => {
    const lost = packOfLate();
    files.delete(lost);
    const junk = randomBytes(300);
    files.set(`data/${sha256(junk)}`, junk);
    const report = await repository.repairIndex();
    expect(report.packsMissing).toEqual([nameOf(lost)]);
    expect(report.packsDamaged).toMatchObject([{ name: sha256(junk) }]);
    const found = await errors();
    expect(found).not.toContainEqual(expect.objectContaining({ kind: 'pack' }));
    expect(found).toContainEqual(expect.objectContaining({ kind: 'blob', problem: 'in no index' }));
  });
});

describe('repair packs', () => {
  it('saves every blob that is whole', async () => {
    const path = packOfLate();
    const bytes = (files.get(path) as Uint8Array).slice();
    bytes[150_000] = (bytes[150_000] as number) ^ 1;
    files.set(path, bytes);
    expect(await repository.repairPacks([nameOf(path)], { dryRun: true })).toMatchObject([
      { blobs: 3, blobsSaved: 2 },
    ]);
    const [report] = await repository.repairPacks([nameOf(path)]);
    expect(report).toMatchObject({ blobs: 3, blobsSaved: 2, lost: [{ type: 'data' }] });
    expect(files.has(path)).toBe(true);
    const found = await errors();
    expect(found).toMatchObject([{ kind: 'blob', name: report?.lost[0]?.id }]);
    const [repaired] = (await repository.repairSnapshots({ dryRun: false })).filter(
      ({ outcome }) => outcome === 'repaired',
    );
    expect(repaired?.losses).toEqual([
      { path: 'folder/late', what: 'shortened', bytesLost: 100_000 },
    ]);
    await repository.location.remove('snapshots', second);
    expect(await repository.prune({ keepMarkedMs: 0 })).toMatchObject({ packsRecovered: 0 });
    expect(files.has(path)).toBe(false);
    expect(await errors()).toEqual([]);
  });

  it('saves what it can of a pack that was cut short', async () => {
    const path = packOfLate();
    files.set(path, (files.get(path) as Uint8Array).subarray(0, 250_000));
    const [report] = await repository.repairPacks([nameOf(path)]);
    expect(report).toMatchObject({ blobs: 3, blobsSaved: 2 });
  });

  it('refuses names that are none', async () => {
    const name = 'ab'.repeat(32);
    await expect(repository.repairPacks([name])).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});

describe('repair snapshots', () => {
  it('finds nothing to do where nothing is lost', async () => {
    const results = await repository.repairSnapshots({ dryRun: false });
    expect(results.map(({ outcome }) => outcome)).toEqual(['whole', 'whole']);
    expect(pathsOf('snapshots')).toHaveLength(2);
  });

  it('says what would be lost, then writes a twin without it and keeps the old one', async () => {
    files.delete(packOfLate());
    const before = [...files.keys()].sort();
    const dry = await repository.repairSnapshots();
    expect([...files.keys()].sort()).toEqual(before);
    const affected = dry.find(({ outcome }) => outcome === 'repaired');
    expect(affected).toMatchObject({
      id: second,
      losses: [{ path: 'folder/late', what: 'shortened', bytesLost: 300_000 }],
    });
    const results = await repository.repairSnapshots({ dryRun: false });
    const twin = results.find(({ id }) => id === second)?.repairedId as SnapshotId;
    expect(await repository.findSnapshot(twin)).toMatchObject({
      original: second,
      tags: ['repaired'],
      paths: ['/folder'],
    });
    expect(await hashesOf(repository, twin)).toEqual(
      hashesWanted({ ...kept, late: new Uint8Array(0) }),
    );
    expect(pathsOf('snapshots')).toHaveLength(3);
    const forgotten = await repository.repairSnapshots({ dryRun: false, forget: true });
    expect(forgotten.filter((each) => each.forgotten).map(({ id }) => id)).toEqual([second]);
    expect(await repository.repairIndex()).toMatchObject({ packsMissing: [expect.any(String)] });
    expect(await errors()).toEqual([]);
  });

  it('names what nothing can be saved of, and unreadable ones', async () => {
    for (const path of pathsOf('data')) {
      if ((files.get(path)?.length ?? 0) < 5000) files.delete(path);
    }
    files.set(`snapshots/${first}`, randomBytes(400));
    const results = await repository.repairSnapshots({ dryRun: false, forget: true });
    expect(results.map(({ id, outcome, forgotten }) => [id, outcome, forgotten]).sort()).toEqual(
      [
        [first, 'unreadable', true],
        [second, 'lost', true],
      ].sort(),
    );
    expect(pathsOf('snapshots')).toEqual([]);
  });

  it('reads many folders at a time, each once', async () => {
    await storeTree(repository, async (writer) => {
      const folder = async (name: string, files: readonly string[]) =>
        folderNode(name, await writer.saveTree(files.map((each) => fileNode({ name: each }))));
      const names = Array.from({ length: 40 }, (_, number) => `folder ${number + 100}`);
      const inner = await Promise.all(names.map((name) => folder(name, [`in ${name}`])));
      return [folderNode('deep', await writer.saveTree(inner)), ...inner];
    });
    let [underWay, most, reads] = [0, 0, 0];
    class CountingLocation extends MemoryLocation {
      override async read(kind: FileKind, name: string, range?: ByteRange) {
        if (kind !== 'data') return await super.read(kind, name, range);
        reads++;
        most = Math.max(most, ++underWay);
        await setTimeout(1);
        underWay--;
        return await super.read(kind, name, range);
      }
    }
    await using counted = await openRepository({
      location: new CountingLocation({ files }),
      password,
    });
    const results = await counted.repairSnapshots();
    expect(results.map(({ outcome }) => outcome)).toEqual(['whole', 'whole', 'whole']);
    // Two of each of the two other snapshots, two roots of the third, 40 folders.
    expect(reads).toBe(2 * 2 + 2 + 40);
    expect(most).toBeGreaterThan(8);
  });

  it('refuses while an index file cannot be read', async () => {
    files.set(pathsOf('index')[0] as string, randomBytes(300));
    await expect(repository.repairSnapshots({ dryRun: false })).rejects.toMatchObject({
      code: 'repository.damaged',
      hint: expect.stringContaining('repair index'),
    });
    expect(pathsOf('snapshots')).toHaveLength(2);
  });
});
