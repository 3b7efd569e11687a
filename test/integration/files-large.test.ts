import { randomBytes, randomFillSync } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { isLifeboatError, LifeboatError, Secret, sleep } from '../../src/core/index.ts';
import {
  type BackupWriter,
  type BlobId,
  type FileKind,
  initRepository,
  isCheckpoint,
  LocalLocation,
  openRepository,
  type Repository,
} from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';

const MiB = 2 ** 20;
const password = new Secret('correct horse');
let root: string;
let source: string;
let folders = 0;

/** Whatever is to happen when packs are finished and snapshots are written. */
class WatchedLocation extends LocalLocation {
  packs = 0;
  onPack: (number: number) => Promise<void> | void = () => {};
  onSnapshot: () => void = () => {};
  override async adoptPack(name: string, temporary: string, signal?: AbortSignal) {
    await this.onPack(++this.packs);
    await super.adoptPack(name, temporary, signal);
  }
  override async write(kind: FileKind, name: string, bytes: Uint8Array, signal?: AbortSignal) {
    await super.write(kind, name, bytes, signal);
    if (kind === 'snapshots') this.onSnapshot();
  }
}

beforeAll(() => {
  root = temporaryFolder('large');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => rmSync(source, { recursive: true, force: true }));

async function newScene(): Promise<{ location: WatchedLocation; repository: Repository }> {
  source = join(root, `source ${++folders}`);
  mkdirSync(source);
  const location = new WatchedLocation(join(root, `repository ${folders}`));
  return { location, repository: await initRepository({ location, password }) };
}

function makeLargeFiles(): void {
  const path = (name: string) => join(source, name);
  const mixed = randomFillSync(Buffer.alloc(25 * MiB + 7));
  mixed.fill(0, 5 * MiB, 9 * MiB);
  mixed.fill('some words, again and again', 12 * MiB, 20 * MiB);
  writeFileSync(path('mixed'), mixed);
  writeFileSync(path('sparse'), randomFillSync(Buffer.alloc(7 * MiB)));
  truncateSync(path('sparse'), 23 * MiB);
  appendFileSync(path('sparse'), randomFillSync(Buffer.alloc(6 * MiB)));
  mkdirSync(path('folder'));
  for (let i = 0; i < 40; i++) writeFileSync(join(source, 'folder', `${i}`), randomBytes(10_000));
}

/** But what an interrupted backup may leave behind. */
async function findings(repository: Repository): Promise<readonly unknown[]> {
  const { findings } = await repository.check({ readData: true });
  return findings.filter(({ severity }) => severity !== 'hint');
}

/** With the same cuts it is the same. */
async function sourceTree(repository: Repository): Promise<BlobId> {
  const { tree } = await repository.findSnapshot('latest');
  return (await repository.findNode(tree, source))?.subtree as BlobId;
}

async function contentOf(repository: Repository, name: string): Promise<Buffer> {
  const { tree } = await repository.findSnapshot('latest');
  const node = await repository.findNode(tree, join(source, name));
  const parts: Uint8Array[] = [];
  for (const id of node?.content ?? []) parts.push(await repository.readBlob('data', id));
  const content = Buffer.concat(parts);
  expect(content.length).toBe(node?.sizeBytes);
  return content;
}

/** The same repository; what each of its sinks was given is told. */
function withFigures(repository: Repository): { repository: Repository; bytes: () => number[] } {
  const grants: ReturnType<BackupWriter['grantSink']>[] = [];
  const watched = new Proxy(repository, {
    get(target, name) {
      if (name !== 'startBackup') return bound(target, name);
      return async (...args: Parameters<Repository['startBackup']>) => {
        const writer = await target.startBackup(...args);
        return new Proxy(writer, {
          get(inner, member) {
            if (member !== 'grantSink') return bound(inner, member);
            return () => {
              const grant = inner.grantSink();
              grants.push(grant);
              return grant;
            };
          },
        }) as BackupWriter;
      };
    },
  });
  return {
    repository: watched,
    bytes: () => grants.map(({ figures }) => new Float64Array(figures)[2] as number),
  };
}

function bound<Target extends object>(target: Target, name: string | symbol): unknown {
  const value = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}

it('large files are cut the same, whatever the number of threads', async () => {
  const { repository, location } = await newScene();
  await using _ = repository;
  makeLargeFiles();
  const backup = { repository, source: 'test', paths: [source] };
  const first = await backupFiles({ ...backup, readers: 1 });
  const tree = await sourceTree(repository);
  await location.remove('snapshots', first.snapshot);
  for (const readers of [2, 3, 8]) {
    const again = await backupFiles({ ...backup, readers });
    expect(again.counts.bytesRead).toBe(again.bytesTotal);
    // The folders that lead there may have changed.
    expect(again.bytesNew).toBeLessThan(20_000);
    expect(await sourceTree(repository)).toBe(tree);
    await location.remove('snapshots', again.snapshot);
  }
});

it('several threads save one large file', async () => {
  const { repository, location } = await newScene();
  await using _ = repository;
  const bytes = randomFillSync(Buffer.alloc(64 * MiB));
  writeFileSync(join(source, 'image'), bytes);
  // Whoever has a pack under way waits: there is time for all to come to it.
  location.onPack = () => sleep(100);
  const watched = withFigures(repository);
  await backupFiles({
    repository: watched.repository,
    source: 'test',
    paths: [source],
    readers: 3,
  });
  const shares = watched.bytes();
  expect(shares.length).toBe(3);
  for (const share of shares) expect(share).toBeGreaterThan(MiB);
  expect((await contentOf(repository, 'image')).equals(bytes)).toBe(true);
  expect(await findings(repository)).toEqual([]);
});

it.each([1, 2, 3, 8])(
  'a backup of large and small files with %i threads is whole',
  async (readers) => {
    const { repository } = await newScene();
    await using _ = repository;
    makeLargeFiles();
    // Several owners at once, who help each other once they are done.
    for (let i = 0; i < 2; i++) {
      const folder = join(source, `owner ${i}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'large'), randomFillSync(Buffer.alloc((17 + 4 * i) * MiB)));
      writeFileSync(join(folder, 'small'), 'small');
    }
    const done = await backupFiles({ repository, source: 'test', paths: [source], readers });
    expect(done.warnings).toEqual([]);
    expect(done.counts.bytesRead).toBe(done.bytesTotal);
    for (const name of ['mixed', 'sparse', 'owner 0/large', 'owner 1/large']) {
      const content = await contentOf(repository, name);
      expect(content.equals(readFileSync(join(source, name)))).toBe(true);
    }
    expect(await findings(repository)).toEqual([]);
  },
);

it('a large file that shrinks and grows while several read it is read again', async () => {
  const { repository, location } = await newScene();
  await using _ = repository;
  const path = join(source, 'image');
  const former = randomFillSync(Buffer.alloc(64 * MiB));
  writeFileSync(path, former);
  location.onPack = (number) => {
    if (number !== 1) return;
    truncateSync(path, 20 * MiB);
    appendFileSync(path, randomFillSync(Buffer.alloc(7 * MiB)));
  };
  const done = await backupFiles({ repository, source: 'test', paths: [source], readers: 2 });
  expect(done.warnings).toEqual([]);
  // It may have been read before the first pack was written.
  const wasRead = done.bytesTotal === former.length ? former : readFileSync(path);
  expect((await contentOf(repository, 'image')).equals(wasRead)).toBe(true);
});

it('a large file that never stands still is stored as it was read, and told', async () => {
  const { repository } = await newScene();
  await using _ = repository;
  const path = join(source, 'image');
  writeFileSync(path, randomFillSync(Buffer.alloc(48 * MiB)));
  const fd = openSync(path, 'r+');
  const changing = setInterval(() => writeSync(fd, randomBytes(10), 0, 10, 30 * MiB), 2);
  try {
    const done = await backupFiles({ repository, source: 'test', paths: [source], readers: 3 });
    expect(done.warnings).toEqual([expect.stringContaining('changed while it was read')]);
  } finally {
    clearInterval(changing);
    closeSync(fd);
  }
  expect((await contentOf(repository, 'image')).length).toBe(48 * MiB);
  expect(await findings(repository)).toEqual([]);
});

it('a failure ends a backup in the middle of a large file', async () => {
  const { repository, location } = await newScene();
  await using _ = repository;
  writeFileSync(join(source, 'image'), randomFillSync(Buffer.alloc(64 * MiB)));
  location.onPack = () => {
    throw new LifeboatError('location.refused', 'the disk is full');
  };
  const failed = backupFiles({ repository, source: 'test', paths: [source], readers: 3 });
  await expect(failed).rejects.toThrow('the disk is full');
  expect(await location.list('locks')).toEqual([]);
});

it('checkpoints in the middle of a large file name nothing that is not stored', async () => {
  const { repository, location } = await newScene();
  await using _ = repository;
  for (let i = 0; i < 30; i++) writeFileSync(join(source, `a ${i}`), randomBytes(300_000));
  writeFileSync(join(source, 'image'), randomFillSync(Buffer.alloc(100 * MiB)));
  for (let i = 0; i < 30; i++) writeFileSync(join(source, `z ${i}`), randomBytes(300_000));
  const interruption = new AbortController();
  location.onSnapshot = () => interruption.abort();
  const { signal } = interruption;
  const backup = { repository, source: 'test', paths: [source], readers: 3 };
  const error = await backupFiles({ ...backup, checkpointEveryMs: 50, signal }).catch(
    (error: unknown) => error,
  );
  expect(isLifeboatError(error, 'cancelled')).toBe(true);
  location.onSnapshot = () => {};
  await using again = await openRepository({ location, password });
  const interrupted = await again.snapshots();
  expect(interrupted.length).toBeGreaterThan(0);
  expect(interrupted.every(isCheckpoint)).toBe(true);
  expect(await findings(again)).toEqual([]);
  const done = await backupFiles({ ...backup, repository: again });
  expect(done.counts.filesUnmodified).toBeGreaterThan(0);
  expect((await again.snapshots()).map(({ id }) => id)).toEqual([done.snapshot]);
});
