import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import {
  initRepository,
  MemoryLocation,
  openRepository,
  type Repository,
} from '../../src/repository/index.ts';
import { encodeLock, ownLock } from '../../src/repository/lock/lock-file.ts';
import { ResticRepository } from '../../src/repository/restic-repository.ts';
import { writeStoredJson } from '../../src/repository/stored-file.ts';
import { noSnapshots } from '../support/no-snapshots.ts';
import { hashesOf, hashesWanted, storeFiles } from '../support/stored-files.ts';

// Each kind of file, damaged in each way: check names it and what it affects, what is whole is still there, and what
// can be repaired is.

type Files = Map<string, Uint8Array>;

const damages = {
  missing: (files: Files, path: string) => void files.delete(path),
  truncated: (files: Files, path: string) => {
    const bytes = files.get(path) as Uint8Array;
    files.set(path, bytes.subarray(0, bytes.length - 5));
  },
  flipped: (files: Files, path: string) => {
    const bytes = (files.get(path) as Uint8Array).slice();
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    files.set(path, bytes);
  },
  swapped: (files: Files, path: string) => {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const other = [...files.keys()].find((each) => each.startsWith(folder) && each !== path);
    files.set(path, files.get(other as string) as Uint8Array);
  },
  empty: (files: Files, path: string) => void files.set(path, new Uint8Array(0)),
} as const;

const masterKey = keyFromBytes(randomBytes(64));
const one = { kept: randomBytes(150_000), one: randomBytes(120_000) };
const two = { kept: one.kept, two: randomBytes(130_000) };
const segments = [1, 2, 3].map(() => new Uint8Array(randomBytes(500)));
let scene: Files;
let ids: [string, string];
/** What the second snapshot added: its data and its trees. */
let packsOfTwo: readonly string[];
const sizeOf = (path: string) => scene.get(path)?.length ?? 0;
const packOfData = () => packsOfTwo.find((path) => sizeOf(path) > 130_000) as string;
const packOfTrees = () => packsOfTwo.find((path) => sizeOf(path) < 5000) as string;

function open(files: Files): Repository {
  const config = { version: 2, id: 'ab'.repeat(32), chunkerPolynomial: 0n } as never;
  return new ResticRepository({ location: new MemoryLocation({ files }), masterKey, config });
}

beforeAll(async () => {
  scene = noSnapshots(masterKey);
  await using repository = open(scene);
  const first = await storeFiles(repository, one);
  const packsOfOne = new Set(scene.keys());
  ids = [first, await storeFiles(repository, two)];
  packsOfTwo = pathsIn(scene, 'data').filter((path) => !packsOfOne.has(path));
  const log = repository.log('database');
  for (const [number, bytes] of segments.entries()) {
    await log.appendSegment('00000001', BigInt(number * 500), bytes);
  }
  for (const body of ['first', 'middle', 'last']) {
    await repository.records.append({ kind: 'audit', source: '', body });
  }
});

const pathsIn = (files: Files, folder: string) =>
  [...files.keys()].filter((path) => path.startsWith(`${folder}/`)).sort();
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

async function findingsOf(repository: Repository) {
  return (await repository.check({ readData: true })).findings;
}

const errorsOf = async (repository: Repository) =>
  (await findingsOf(repository)).filter(({ severity }) => severity === 'error');

describe.each(Object.entries(damages))('%s', (damage, apply) => {
  it('index file: named, and made again from the packs', async () => {
    for (const path of pathsIn(scene, 'index').slice(-1)) {
      const files = new Map(scene);
      apply(files, path);
      await using repository = open(files);
      const found = await errorsOf(repository);
      // Of one that is missing nothing is known but what it named.
      if (damage === 'missing') expect(found[0]?.affects.length).toBeGreaterThan(0);
      else
        expect(found).toContainEqual(
          expect.objectContaining({ kind: 'index', name: nameOf(path) }),
        );
      await repository.repairIndex();
      expect(await errorsOf(repository)).toEqual([]);
      expect(await hashesOf(repository, ids[0])).toEqual(hashesWanted(one));
      expect(await hashesOf(repository, ids[1])).toEqual(hashesWanted(two));
    }
  });

  it('snapshot: named, the other restores, and the rest is clean once it is given up', async () => {
    const files = new Map(scene);
    apply(files, `snapshots/${ids[1]}`);
    await using repository = open(files);
    if (damage !== 'missing') {
      expect(await errorsOf(repository)).toContainEqual(
        expect.objectContaining({ kind: 'snapshot', name: ids[1] }),
      );
      await expect(repository.prune()).rejects.toMatchObject({ code: 'repository.damaged' });
      await repository.repairSnapshots({ dryRun: false, forget: true });
    }
    expect(await hashesOf(repository, ids[0])).toEqual(hashesWanted(one));
    await repository.prune({ keepMarkedMs: 0 });
    expect(await errorsOf(repository)).toEqual([]);
  });

  it('pack of data: named with the paths, and everything else restores', async () => {
    const files = new Map(scene);
    const path = packOfData();
    apply(files, path);
    await using repository = open(files);
    const found = await errorsOf(repository);
    expect(found).toContainEqual(expect.objectContaining({ kind: 'pack', name: nameOf(path) }));
    expect(found.flatMap(({ affects }) => affects)).toContainEqual(expect.stringContaining('two'));
    expect(await hashesOf(repository, ids[0])).toEqual(hashesWanted(one));
    await repairAll(repository, path);
    const [twin] = (await repository.snapshots()).filter(({ tags }) => tags.includes('repaired'));
    // A flipped bit takes one blob of 100 KB; the other one is saved.
    const { kept } = await hashesOf(repository, twin?.id ?? '');
    expect(kept).toBe(hashesWanted(one).kept);
  });

  it('pack of trees: named with the snapshot, and everything else restores', async () => {
    const files = new Map(scene);
    const path = packOfTrees();
    apply(files, path);
    await using repository = open(files);
    const found = await errorsOf(repository);
    expect(found).toContainEqual(expect.objectContaining({ kind: 'pack', name: nameOf(path) }));
    const affects = found.flatMap((each) => each.affects);
    expect(affects).toContainEqual(expect.stringMatching(/^snapshot /));
    await repairAll(repository, path);
  });

  it('lock: held or nobody, never passed over in silence', async () => {
    const files = new Map(scene);
    const location = new MemoryLocation({ files });
    const access = { location, masterKey, version: 2 as const };
    const names = [];
    for (const hostname of ['elsewhere', 'there']) {
      const lock = { ...ownLock(false), hostname };
      names.push(await writeStoredJson(access, 'locks', encodeLock(lock)));
    }
    const [name, other] = names as [string, string];
    apply(files, `locks/${name}`);
    files.delete(`locks/${other}`);
    await using repository = open(files);
    const isNobody = damage === 'missing' || damage === 'empty';
    if (isNobody) expect(await errorsOf(repository)).toEqual([]);
    else {
      await expect(repository.check()).rejects.toMatchObject({
        code: 'repository.locked',
        message: expect.stringContaining(name),
      });
      expect(await repository.unlock()).toMatchObject([{ name, removed: false }]);
      await repository.unlock({ removeAll: true });
    }
    await repository.prune();
    expect(await errorsOf(repository)).toEqual([]);
  });

  it('segment of a log: named with its span, and the others are read', async () => {
    for (const path of pathsIn(scene, 'lifeboat/data').slice(-1)) {
      const files = new Map(scene);
      apply(files, path);
      await using repository = open(files);
      const [finding, ...more] = await errorsOf(repository);
      expect(more).toEqual([]);
      expect(finding).toMatchObject({ kind: 'log', name: `data/${nameOf(path)}` });
      expect(finding?.affects[0]).toContain('log database, stream 00000001');
      const log = repository.log('database');
      const reads = segments.map((_, number) => {
        const start = BigInt(number * 500);
        return log.read('00000001', start, start + 500n).then(
          () => 'whole',
          () => 'lost',
        );
      });
      expect((await Promise.all(reads)).sort()).toEqual(['lost', 'whole', 'whole']);
    }
  });

  it('manifest of a log: named, its segment is kept, and appending again heals it', async () => {
    const [path] = pathsIn(scene, 'lifeboat/locks') as [string];
    const files = new Map(scene);
    apply(files, path);
    await using repository = open(files);
    const found = await findingsOf(repository);
    // Of one that is missing the segment is left, which nothing names.
    const severity = damage === 'missing' ? 'hint' : 'error';
    expect(found).toContainEqual(expect.objectContaining({ kind: 'log', severity }));
    const log = repository.log('database');
    for (const [number, bytes] of segments.entries()) {
      await log.appendSegment('00000001', BigInt(number * 500), bytes);
    }
    await using reopened = open(files);
    const all = await reopened.log('database').read('00000001', 0n, 1500n);
    expect(Buffer.compare(all, Buffer.concat(segments))).toBe(0);
  });

  it('record: named, and the others are listed', async () => {
    await using whole = open(scene);
    const middle = (await whole.records.list()).find(({ body }) => body === 'middle');
    const files = new Map(scene);
    apply(files, `lifeboat/snapshots/${middle?.id}`);
    await using repository = open(files);
    expect(await errorsOf(repository)).toContainEqual(
      expect.objectContaining({ kind: 'record', name: middle?.id }),
    );
    const bodies = (await repository.records.list()).map(({ body }) => body);
    expect(bodies).toEqual(['first', 'last']);
  });
});

/** As the guide says: packs, index, snapshots; then prune. */
async function repairAll(repository: Repository, pack: string): Promise<void> {
  await repository.repairIndex();
  const isThere = (await repository.location.list('data')).some(
    ({ name }) => name === nameOf(pack),
  );
  if (isThere) await repository.repairPacks([nameOf(pack)]);
  const results = await repository.repairSnapshots({ dryRun: false, forget: true });
  expect(results.find(({ id }) => id === ids[0])?.outcome).toBe('whole');
  await repository.prune({ keepMarkedMs: 0 });
  expect(await errorsOf(repository)).toEqual([]);
  expect(await hashesOf(repository, ids[0])).toEqual(hashesWanted(one));
}

describe('config and keys', () => {
  const password = new Secret('pw');
  let files: Files;
  beforeAll(async () => {
    files = new Map();
    const repository = await initRepository({ location: new MemoryLocation({ files }), password });
    await storeFiles(repository, one);
    await repository[Symbol.asyncDispose]();
  });
  afterAll(() => files.clear());

  it.each(['missing', 'truncated', 'flipped', 'empty'] as const)('%s: named', async (damage) => {
    for (const path of ['config/config', ...pathsIn(files, 'keys')]) {
      const damaged = new Map(files);
      damages[damage](damaged, path);
      const location = new MemoryLocation({ files: damaged });
      const kind = path.startsWith('config') ? 'config' : 'key';
      await expect(openRepository({ location, password })).rejects.toMatchObject({
        code: 'repository.damaged',
        message: expect.stringContaining(kind),
      });
      damaged.set(path, files.get(path) as Uint8Array);
      await using repository = await openRepository({ location, password });
      expect(await errorsOf(repository)).toEqual([]);
    }
  });
});
