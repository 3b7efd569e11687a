import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LifeboatError, Secret } from '../../core/index.ts';
import { initRepository } from '../init-repository.ts';
import type { FileKind } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { openRepository } from '../open-repository.ts';
import type { BackupWriter, BlobId, Repository, SnapshotId } from '../repository.ts';

const password = new Secret('pw');

/** Fails, or stops for good, at a chosen write of a kind. */
class FailingLocation extends MemoryLocation {
  writes: string[] = [];
  refuse: (kind: FileKind, bytes: Uint8Array) => LifeboatError | undefined = () => undefined;

  override async write(kind: FileKind, name: string, bytes: Uint8Array): Promise<void> {
    const error = this.refuse(kind, bytes);
    if (error !== undefined) throw error;
    await super.write(kind, name, bytes);
    this.writes.push(kind);
  }
}

const make = async (location: MemoryLocation = new MemoryLocation()): Promise<Repository> =>
  await initRepository({ location, password });

async function publish(writer: BackupWriter, content: readonly BlobId[]): Promise<SnapshotId> {
  const node = { name: 'f', type: 'file', mode: 0o644, mtimeNs: 1n, uid: 0, gid: 0 } as const;
  const tree = await writer.saveTree([{ ...node, content }]);
  const [paths, tags] = [['/f'], ['t']];
  return await writer.publishSnapshot({
    time: new Date(),
    tree,
    paths,
    tags,
    filesTotal: 1,
    bytesTotal: 1,
  });
}

async function read(repository: Repository, content: readonly BlobId[]): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of repository.readFileContent(content)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const ids = async (saves: Promise<{ id: BlobId }>[]) =>
  (await Promise.all(saves)).map(({ id }) => id);
const copy = (bytes: Uint8Array) => new Uint8Array(bytes);

describe('backup writer', () => {
  it('gives back every byte in order, at every size and compressibility', async () => {
    await using repository = await make();
    const sizes = [1, 100, 65_536, 65_537, 1_000_000, 9_000_000, 20_000_000];
    const blobs = sizes.flatMap((size) => [randomBytes(size), Buffer.alloc(size, 'abc')]);
    const writer = await repository.startBackup();
    const content = await ids(blobs.map((blob) => writer.saveData(copy(blob))));
    const id = await publish(writer, content);
    await writer[Symbol.asyncDispose]();
    expect((await read(repository, content)).equals(Buffer.concat(blobs))).toBe(true);
    const again = [...content].reverse();
    expect((await read(repository, again)).equals(Buffer.concat(blobs.reverse()))).toBe(true);
    expect((await repository.check({ readData: true })).findings).toEqual([]);
    expect(await repository.findSnapshot(id.slice(0, 8))).toMatchObject({ id, tags: ['t'] });
    expect(Buffer.from(await repository.readBlob('data', content[0] as BlobId))).toEqual(
      blobs.at(-1),
    );
  });

  it('stores the same bytes once: within a backup, in the next, and after reopening', async () => {
    const location = new MemoryLocation();
    await using repository = await make(location);
    const bytes = randomBytes(100_000);
    const first = await repository.startBackup();
    const saves = await Promise.all([1, 2, 3].map(() => first.saveData(copy(bytes))));
    expect(saves.map(({ isNew }) => isNew)).toEqual([true, false, false]);
    await publish(first, [saves[0]?.id as BlobId]);
    expect(first.totals()).toMatchObject({ blobsNew: 2 });
    await first[Symbol.asyncDispose]();
    for (const again of [repository, await openRepository({ location, password })]) {
      await using second = await again.startBackup();
      expect(await second.saveData(copy(bytes))).toEqual({ id: saves[0]?.id, isNew: false });
    }
  });

  it('does not count on blobs of a backup whose index was never written', async () => {
    await using repository = await make();
    const bytes = randomBytes(100_000);
    const abandoned = await repository.startBackup();
    await abandoned.saveData(copy(bytes));
    await using writer = await repository.startBackup();
    expect(await writer.saveData(copy(bytes))).toMatchObject({ isNew: true });
    await abandoned[Symbol.asyncDispose]();
    const content = await ids([writer.saveData(copy(bytes))]);
    await publish(writer, content);
    expect((await read(repository, content)).equals(bytes)).toBe(true);
    expect((await repository.check({ readData: true })).findings).toEqual([]);
  });

  it('leaves buffers alone that it cannot own, and takes views', async () => {
    await using repository = await make();
    await using writer = await repository.startBackup();
    const shared = new Uint8Array(new SharedArrayBuffer(1000)).fill(1);
    const large = randomBytes(5000);
    const content = await ids([
      writer.saveData(shared),
      writer.saveData(large.subarray(100, 200)),
      writer.saveData(Buffer.from('from the pool')),
    ]);
    expect(large.length).toBe(5000);
    await publish(writer, content);
    const expected = Buffer.concat([
      shared,
      large.subarray(100, 200),
      Buffer.from('from the pool'),
    ]);
    expect((await read(repository, content)).equals(expected)).toBe(true);
  });

  it('writes packs, then the index, then the snapshot, and removes its lock', async () => {
    const location = new FailingLocation();
    await using repository = await make(location);
    location.writes = [];
    const writer = await repository.startBackup();
    const saves = Array.from({ length: 40 }, () => writer.saveData(copy(randomBytes(1_000_000))));
    await publish(writer, await ids(saves));
    await writer[Symbol.asyncDispose]();
    const order = ['locks', 'data', 'index', 'snapshots'];
    const ranks = location.writes.map((kind) => order.indexOf(kind));
    expect(ranks).toEqual(ranks.toSorted());
    expect(new Set(location.writes)).toEqual(new Set(order));
    expect(await location.list('locks')).toEqual([]);
  });

  it('publishes nothing once somebody took its lock away', async () => {
    const location = new FailingLocation();
    await using repository = await make(location);
    const takeLocks = async () => {
      for (const { name } of await location.list('locks')) await location.remove('locks', name);
    };
    await using writer = await repository.startBackup();
    const content = await ids([writer.saveData(copy(randomBytes(1000)))]);
    await takeLocks();
    await expect(publish(writer, content)).rejects.toMatchObject({ code: 'repository.locked' });
    expect(await location.list('index')).toEqual([]);
    expect(await location.list('snapshots')).toEqual([]);
  });

  it('says that the disk is full, to everyone who waits, and keeps what was there', async () => {
    const location = new FailingLocation();
    await using repository = await make(location);
    const kept = await repository.startBackup();
    await publish(kept, await ids([kept.saveData(copy(randomBytes(1000)))]));
    await kept[Symbol.asyncDispose]();
    const full = new LifeboatError('disk.full', 'no space left');
    location.refuse = (kind) => (kind === 'data' ? full : undefined);
    const writer = await repository.startBackup();
    const failing = async () => {
      for (;;) await writer.saveData(copy(randomBytes(1_000_000)));
    };
    await expect(failing()).rejects.toMatchObject({ code: 'disk.full' });
    await expect(publish(writer, [])).rejects.toMatchObject({ code: 'disk.full' });
    await writer[Symbol.asyncDispose]();
    expect(await location.list('locks')).toEqual([]);
    const report = await repository.check({ readData: true });
    expect(report).toMatchObject({ findings: [], snapshots: 1 });
  });

  it('ends at once when it is cancelled', async () => {
    await using repository = await make();
    const abort = new AbortController();
    await using writer = await repository.startBackup({ signal: abort.signal });
    await writer.saveData(copy(randomBytes(1000)));
    abort.abort();
    await expect(writer.saveData(copy(randomBytes(1000)))).rejects.toMatchObject({
      code: 'cancelled',
    });
    await expect(publish(writer, [])).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('bounds what is in work', async () => {
    const location = new FailingLocation();
    await using repository = await make(location);
    const gate = Promise.withResolvers<void>();
    const write = location.write.bind(location);
    location.write = async (kind, name, bytes) => {
      if (kind === 'data') await gate.promise;
      await write(kind, name, bytes);
    };
    await using writer = await repository.startBackup();
    let accepted = 0;
    const feeding = (async () => {
      const saves: Promise<{ id: BlobId }>[] = [];
      for (let i = 0; i < 200; i++) {
        const save = writer.saveData(copy(randomBytes(1_000_000)));
        saves.push(save);
        await save;
        accepted++;
      }
      return await ids(saves);
    })();
    // Nothing can be written: the queues fill and the feeder is held back, far from 200 MB.
    let before = -1;
    while (accepted !== before) {
      before = accepted;
      await new Promise((done) => setTimeout(done, 500));
    }
    expect(accepted).toBeLessThan(150);
    gate.resolve();
    const content = await feeding;
    await publish(writer, content);
    expect((await repository.check()).findings).toEqual([]);
  });

  it('stopped after any operation leaves a repository in which all that was published is whole', async () => {
    const bytes = [randomBytes(50_000), randomBytes(50_000)];
    for (let stopAfter = 0; ; stopAfter++) {
      const location = new FailingLocation();
      const first = await make(location);
      let operations = 0;
      location.refuse = () => {
        operations++;
        if (operations <= stopAfter) return undefined;
        return new LifeboatError('location.unreachable', 'stopped');
      };
      const published = await (async () => {
        const writer = await first.startBackup();
        const content = await ids(bytes.map((each) => writer.saveData(copy(each))));
        return { id: await publish(writer, content), content };
      })().catch(() => undefined);
      await first[Symbol.asyncDispose]();
      location.refuse = () => undefined;
      await using after = await openRepository({ location, password });
      const report = await after.check({ readData: true });
      expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(report.snapshots).toBe(published === undefined ? 0 : 1);
      if (published === undefined) continue;
      expect((await read(after, published.content)).equals(Buffer.concat(bytes))).toBe(true);
      expect(stopAfter).toBeGreaterThanOrEqual(4);
      break;
    }
  });
});
