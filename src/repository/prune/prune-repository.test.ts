import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashesOf, hashesWanted, storeFiles } from '../../../test/support/stored-files.ts';
import { type ProgressEvent, Secret } from '../../core/index.ts';
import { initRepository } from '../init-repository.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { openRepository } from '../open-repository.ts';
import type { Repository } from '../repository.ts';
import { sha256 } from '../stored-file.ts';

const password = new Secret('pw');
const hourMs = 60 * 60_000;
let files: Map<string, Uint8Array>;
let location: MemoryLocation;
let repository: Repository;

beforeEach(async () => {
  files = new Map();
  location = new MemoryLocation({ files });
  repository = await initRepository({ location, password });
});

afterEach(() => repository[Symbol.asyncDispose]());

const kept = { kept: randomBytes(450_000), small: randomBytes(1000) };
const lost = { lost: randomBytes(900_000) };
const packs = () => [...files.keys()].filter((path) => path.startsWith('data/')).sort();
const forget = (id: string) => location.remove('snapshots', id);

async function expectSound(
  ids: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>,
): Promise<void> {
  await using reopened = await openRepository({ location, password });
  const report = await reopened.check({ readData: true });
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  for (const [id, wanted] of Object.entries(ids)) {
    expect(await hashesOf(reopened, id)).toEqual(hashesWanted(wanted));
  }
}

describe('prune', () => {
  it('changes nothing where everything is needed', async () => {
    const id = await storeFiles(repository, kept);
    const before = [...files.keys()].sort();
    const report = await repository.prune();
    expect(report).toMatchObject({ packsUnneeded: 0, packsRepacked: 0, filesMarked: 0 });
    expect([...files.keys()].sort()).toEqual(before);
    await expectSound({ [id]: kept });
  });

  it('takes unneeded packs out of the index first, and removes them in a later run', async () => {
    const id = await storeFiles(repository, kept);
    const wanted = packs();
    await forget(await storeFiles(repository, lost));
    const all = packs();
    const dry = await repository.prune({ dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, packsUnneeded: 2, blobsUnused: 11 });
    expect(packs()).toEqual(all);
    const first = await repository.prune();
    expect(first).toMatchObject({ packsUnneeded: 2, filesMarked: 2, filesRemoved: 0 });
    expect(first.removableFrom?.getTime()).toBeGreaterThan(Date.now() + 22 * hourMs);
    expect(packs()).toEqual(all);
    expect((await repository.check()).blobs).toBe(dry.blobsUsed);
    await expectSound({ [id]: kept });
    expect(await repository.prune()).toMatchObject({ filesMarked: 2, filesRemoved: 0 });
    const last = await repository.prune({ keepMarkedMs: 0 });
    expect(last).toMatchObject({
      filesMarked: 0,
      filesRemoved: 2,
      bytesRemoved: first.bytesMarked,
    });
    expect(packs()).toEqual(wanted);
    expect([...files.keys()].filter((path) => path.startsWith('lifeboat/'))).toEqual([]);
    await expectSound({ [id]: kept });
  });

  it('removes at once when asked to', async () => {
    await forget(await storeFiles(repository, lost));
    const id = await storeFiles(repository, kept);
    const report = await repository.prune({ keepMarkedMs: 0 });
    expect(report).toMatchObject({ filesRemoved: 2, filesMarked: 0 });
    expect(packs()).toHaveLength(2);
    await expectSound({ [id]: kept });
  });

  it('repacks what is needed of partly used packs, as far as waste exceeds the limit', async () => {
    const first = await storeFiles(repository, { ...kept, ...lost });
    const id = await storeFiles(repository, kept);
    await forget(first);
    const bytesBefore = (await repository.prune({ dryRun: true })).bytes;
    expect(await repository.prune({ dryRun: true, maxUnused: { share: 1 } })).toMatchObject({
      packsRepacked: 0,
    });
    expect(await repository.prune({ dryRun: true, maxRepackBytes: 10_000 })).toMatchObject({
      packsRepacked: 0,
    });
    const report = await repository.prune({ keepMarkedMs: 0 });
    expect(report.packsRepacked).toBe(1);
    expect(report.bytesUnusedAfter).toBe(0);
    const after = await repository.prune({ dryRun: true });
    expect(after).toMatchObject({ packsRepacked: 0, packsUnneeded: 0, bytesUnused: 0 });
    expect(after.bytes).toBeLessThan(bytesBefore - 850_000);
    await expectSound({ [id]: kept });
  });

  it('joins many small packs', async () => {
    const ids: Record<string, Record<string, Uint8Array>> = {};
    for (let number = 0; number < 11; number++) {
      const own = { [`file ${number}`]: randomBytes(2000) };
      ids[await storeFiles(repository, own)] = own;
    }
    expect(packs()).toHaveLength(22);
    await repository.prune({ keepMarkedMs: 0 });
    expect(packs()).toHaveLength(2);
    expect([...files.keys()].filter((path) => path.startsWith('index/'))).toHaveLength(1);
    await expectSound(ids);
  });

  it('keeps one of two copies of a blob', async () => {
    const id = await storeFiles(repository, kept);
    const indexes = [...files].filter(([path]) => path.startsWith('index/'));
    // As when two programs store the same at the same time.
    for (const [path] of indexes) files.delete(path);
    await using other = await openRepository({ location, password });
    const twin = await storeFiles(other, kept);
    for (const [path, bytes] of indexes) files.set(path, bytes);
    expect(packs()).toHaveLength(4);
    await repository.prune({ keepMarkedMs: 0 });
    expect(packs()).toHaveLength(2);
    await expectSound({ [id]: kept, [twin]: kept });
  });

  it('marks packs that no index names, and removes them when they stay so', async () => {
    const id = await storeFiles(repository, kept);
    const orphan = randomBytes(500);
    files.set(`data/${sha256(orphan)}`, orphan);
    const before = await repository.prune();
    expect(before).toMatchObject({ packsUnindexed: 1, filesMarked: 1, filesRemoved: 0 });
    expect(await repository.prune({ keepMarkedMs: 0 })).toMatchObject({ filesRemoved: 1 });
    await expectSound({ [id]: kept });
  });

  it('takes back what it marked when a program without locks came to need it', async () => {
    const id = await storeFiles(repository, lost);
    const snapshot = files.get(`snapshots/${id}`) as Uint8Array;
    await forget(id);
    await repository.prune();
    files.set(`snapshots/${id}`, snapshot);
    expect(await repository.prune({ keepMarkedMs: 0 })).toMatchObject({
      packsRecovered: 2,
      filesRemoved: 0,
    });
    await expectSound({ [id]: lost });
    expect(await repository.prune()).toMatchObject({ packsRecovered: 0, filesMarked: 0 });
  });
});

describe('prune refuses, and changes nothing,', () => {
  async function expectRefusal(wanted: object, path?: string): Promise<void> {
    const before = [...files.keys()].filter((each) => !each.startsWith('locks/')).sort();
    await expect(repository.prune({ keepMarkedMs: 0 }), path).rejects.toMatchObject(wanted);
    expect([...files.keys()].sort(), path).toEqual(before);
  }

  it('when a snapshot, an index file or a tree is damaged, or what a snapshot needs is missing', async () => {
    await storeFiles(repository, kept);
    await storeFiles(repository, { ...kept, ...lost });
    for (const [path, bytes] of [...files]) {
      if (/^(config|keys)/.test(path)) continue;
      files.delete(path);
      const isNeeded = path.startsWith('data/');
      if (isNeeded) await expectRefusal({ code: 'repository.damaged' }, `${path} missing`);
      const changed = bytes.slice();
      changed[20] = (changed[20] as number) ^ 1;
      files.set(path, changed);
      if (!isNeeded) await expectRefusal({ code: 'repository.damaged' }, `${path} changed`);
      files.set(path, bytes.subarray(0, bytes.length - 1));
      await expectRefusal({ code: 'repository.damaged' }, `${path} cut`);
      files.set(path, bytes);
    }
  });

  it('when a blob that is to be repacked is damaged', async () => {
    const first = await storeFiles(repository, { ...kept, ...lost });
    const id = await storeFiles(repository, kept);
    await forget(first);
    for (const path of packs()) {
      const bytes = files.get(path) as Uint8Array;
      const changed = bytes.slice();
      // Everything but the header.
      for (let at = 0; at < bytes.length - 2000; at += 500)
        changed[at] = 1 ^ (changed[at] as number);
      if (bytes.length < 2000) continue;
      files.set(path, changed);
      await expect(repository.prune({ keepMarkedMs: 0 })).rejects.toMatchObject({
        code: 'repository.damaged',
        message: expect.stringContaining(path),
      });
      files.set(path, bytes);
    }
    await expectSound({ [id]: kept });
  });

  it('where nothing may be removed', async () => {
    await forget(await storeFiles(repository, lost));
    const appendOnly = new MemoryLocation({ files, appendOnly: true });
    await using other = await openRepository({ location: appendOnly, password });
    const before = [...files.keys()].sort();
    await expect(other.prune()).rejects.toMatchObject({
      code: 'location.refused',
      message: expect.stringContaining('append-only'),
    });
    expect([...files.keys()].sort()).toEqual(before);
    expect(await other.prune({ dryRun: true })).toMatchObject({ packsUnneeded: 2 });
  });

  it('beside a running backup, naming it; or waits for it, saying so', async () => {
    await forget(await storeFiles(repository, lost));
    const writer = await repository.startBackup();
    await expect(repository.prune()).rejects.toMatchObject({
      code: 'repository.locked',
      message: expect.stringMatching(/locked by backup by process \d+ of .+@.+, since 2\d{3}-/),
    });
    const events: ProgressEvent[] = [];
    const progress = (event: ProgressEvent) => {
      events.push(event);
      if (event.type === 'note') void writer[Symbol.asyncDispose]();
    };
    await repository.prune({ lockWaitMs: 20_000, progress });
    expect(events).toContainEqual({
      type: 'note',
      message: expect.stringMatching(/backup by process .*; waiting for up to/),
    });
  });

  it('when a snapshot appears although the repository is locked', async () => {
    await forget(await storeFiles(repository, { ...kept, ...lost }));
    const id = await storeFiles(repository, kept);
    const stranger = randomBytes(200);
    let armed = true;
    const progress = (event: ProgressEvent) => {
      if (armed && event.type === 'begin' && event.task === 'repack') {
        files.set(`snapshots/${sha256(stranger)}`, stranger);
        armed = false;
      }
    };
    await expect(repository.prune({ progress })).rejects.toMatchObject({
      code: 'repository.locked',
      hint: expect.stringContaining('rustic'),
    });
    expect(armed).toBe(false);
    files.delete(`snapshots/${sha256(stranger)}`);
    await expectSound({ [id]: kept });
  });
});
