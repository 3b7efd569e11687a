import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FaultyLocation } from '../../../../test/faults/faulty-location.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { testLocation } from '../location-contract.ts';
import { MemoryLocation } from '../memory-location.ts';
import { CacheStore } from './cache-store.ts';
import { CachedLocation } from './cached-location.ts';

testLocation('cached', async () => {
  const folder = temporaryFolder('cache');
  const memory = new MemoryLocation();
  // Without a config nothing is kept: what is tested lies in an area of a repository that has one.
  await memory.write('config', 'config', randomBytes(100));
  const location = new CachedLocation(memory, new CacheStore(folder, 2 ** 30)).nested('area');
  const read = location.read.bind(location);
  location.read = (kind, name, ...rest) => {
    if (kind === 'data') location.expectTrees?.([name]);
    return read(kind, name, ...rest);
  };
  return {
    location,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

let folder: string;
let memory: MemoryLocation;
let counted: FaultyLocation;

beforeEach(async () => {
  folder = temporaryFolder('cache');
  memory = new MemoryLocation();
  await memory.write('config', 'config', randomBytes(100));
  counted = new FaultyLocation(memory, {});
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (limitBytes = 2 ** 30) =>
  new CachedLocation(counted, new CacheStore(folder, limitBytes));

async function stored(sizeBytes = 1000, kind: 'index' | 'data' = 'index') {
  const bytes = new Uint8Array(randomBytes(sizeBytes));
  const name = createHash('sha256').update(bytes).digest('hex');
  await memory.write(kind, name, bytes);
  return { name, bytes };
}

function copies(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => /^[0-9a-f]{64}$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

it('asks the place once for a file, in this process and the next', async () => {
  const { name, bytes } = await stored();
  const first = open();
  expect(await first.read('index', name)).toEqual(bytes);
  expect(await first.read('index', name, { offset: 10, length: 5 })).toEqual(bytes.slice(10, 15));
  // The config, to know whose copies these are, and the file.
  expect(counted.operations).toBe(2);
  expect(await open().read('index', name, { offset: 0, length: 3 })).toEqual(bytes.slice(0, 3));
  expect(counted.operations).toBe(3);
  await expect(open().read('index', name, { offset: 999, length: 2 })).rejects.toMatchObject({
    code: 'repository.damaged',
  });
});

it('fetches once for all who want a file at the same time', async () => {
  const { name, bytes } = await stored(5000, 'data');
  const location = open();
  await location.read('config', 'config');
  location.expectTrees([name]);
  const parts = await Promise.all(
    Array.from({ length: 20 }, (_, i) => location.read('data', name, { offset: i, length: 7 })),
  );
  parts.forEach((part, i) => {
    expect(part).toEqual(bytes.slice(i, i + 7));
  });
  expect(counted.operations).toBe(2);
  const other = await stored(5000, 'data');
  await location.read('data', other.name, { offset: 0, length: 7 });
  expect(copies()).toHaveLength(1);
});

it('serves nothing that was changed, cut or swapped in its folder, and heals', async () => {
  const { name, bytes } = await stored();
  const location = open();
  const damages: ((path: string) => Uint8Array)[] = [
    (path) => Buffer.from(readFileSync(path)).fill(0, 10, 20),
    (path) => readFileSync(path).subarray(0, 500),
    () => new Uint8Array(),
    () => randomBytes(1000),
  ];
  for (const damage of damages) {
    await location.read('index', name);
    const [path = ''] = copies();
    writeFileSync(path, damage(path));
    expect(await location.read('index', name)).toEqual(bytes);
    expect(await location.read('index', name, { offset: 1, length: 30 })).toEqual(
      bytes.slice(1, 31),
    );
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  }
});

it('keeps no damaged bytes of the place', async () => {
  const { name } = await stored();
  const wrong = randomBytes(1000);
  memory.read = async (kind) => new Uint8Array(kind === 'config' ? Buffer.from('c') : wrong);
  expect(await open().read('index', name)).toEqual(new Uint8Array(wrong));
  expect(copies()).toEqual([]);
});

it('keeps repositories apart, and nested areas', async () => {
  const { name } = await stored();
  await open().read('index', name);
  const other = new MemoryLocation();
  await other.write('config', 'config', randomBytes(100));
  const elsewhere = new CachedLocation(other, new CacheStore(folder, 2 ** 30));
  await expect(elsewhere.read('index', name)).rejects.toMatchObject({
    code: 'location.file-missing',
  });
  await expect(open().nested('lifeboat').read('index', name)).rejects.toMatchObject({
    code: 'location.file-missing',
  });
});

it('lets the place itself be seen', async () => {
  const { name } = await stored();
  const location = open();
  await location.read('index', name);
  await memory.remove('index', name);
  expect(await location.list('index')).toEqual([]);
  await expect(location.direct.read('index', name)).rejects.toMatchObject({
    code: 'location.file-missing',
  });
});

it('stays below its limit; what was used last stays', async () => {
  const files: { readonly name: string }[] = [];
  for (let i = 0; i < 40; i++) files.push(await stored(1000));
  const location = open(20_000);
  for (const [i, { name }] of files.entries()) {
    await location.read('index', name);
    const path = copies().find((each) => each.endsWith(name)) as string;
    utimesSync(path, i + 1_700_000_000, Date.now() / 1000 - 10_000 + i);
  }
  const sizes = copies().map((path) => statSync(path).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(22_000);
  expect(copies().some((path) => path.endsWith(files.at(-1)?.name as string))).toBe(true);
  expect(readdirSync(folder)).toContain('CACHEDIR.TAG');
});

it('does without its folder when there can be none', async () => {
  const { name, bytes } = await stored();
  const blocked = join(folder, 'file');
  writeFileSync(blocked, '');
  const location = new CachedLocation(counted, new CacheStore(join(blocked, 'x'), 2 ** 30));
  expect(await location.read('index', name)).toEqual(bytes);
  await location.write('index', name, bytes);
});

it('calls a fetch off only when nobody waits for it any more', async () => {
  const { name, bytes } = await stored();
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const read = memory.read.bind(memory);
  memory.read = async (kind, file, range, signal) => {
    if (kind === 'config') return await read(kind, file, range);
    started.resolve();
    await finish.promise;
    return await read(kind, file, range, signal);
  };
  const location = open();
  const gone = new AbortController();
  const first = location.read('index', name, undefined, gone.signal);
  const second = location.read('index', name);
  await started.promise;
  gone.abort();
  await expect(first).rejects.toMatchObject({ code: 'cancelled' });
  finish.resolve();
  expect(await second).toEqual(bytes);
});
