import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { incompleteTag, LocalLocation, openRepository } from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/index.ts';
import {
  type LocalRepository,
  localRepository,
  testPassword,
} from '../support/local-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';

// The next backup goes on from the trees of the former one. One that cannot be read must not end it.

let source: string;
let place: LocalRepository;
beforeEach(async () => {
  source = temporaryFolder('former-tree');
  mkdirSync(join(source, 'deep', 'deeper'), { recursive: true });
  writeFileSync(join(source, 'deep', 'deeper', 'file'), randomBytes(300_000));
  place = await localRepository();
  await backUp();
});
afterEach(async () => {
  rmSync(source, { recursive: true });
  await place[Symbol.asyncDispose]();
});

/** As another process does. */
const open = () =>
  openRepository({
    location: new LocalLocation(place.folder),
    password: new Secret(testPassword),
  });

async function backUp() {
  await using repository = await open();
  const paths = [source];
  const summary = await backupFiles({ repository, source: 'files', paths, readers: 1 });
  const { tags } = await repository.findSnapshot(summary.snapshot);
  return { ...summary, isIncomplete: tags.includes(incompleteTag) };
}

function packOfTrees(): string {
  const packs = readdirSync(join(place.folder, 'data'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(place.folder, 'data', name))
    .filter((path) => statSync(path).isFile() && statSync(path).size < 100_000);
  expect(packs).toHaveLength(1);
  return packs[0] as string;
}

const damages: Readonly<Record<string, (path: string) => void>> = {
  'has a flipped bit': (path) => {
    const bytes = readFileSync(path);
    bytes[20] = (bytes[20] as number) ^ 1;
    rmSync(path);
    writeFileSync(path, bytes);
  },
  'is cut off': (path) => truncateSync(path, 20),
  'is gone': (path) => rmSync(path),
};

it.each(Object.keys(damages))('a backup goes on when a pack of former trees %s', async (kind) => {
  const pack = packOfTrees();
  damages[kind]?.(pack);
  // What changed since is stored, and its folder's tree is another one by that.
  writeFileSync(join(source, 'deep', 'new'), 'new');
  const { warnings, isIncomplete, counts } = await backUp();
  expect(counts.filesTotal).toBe(2);
  expect(warnings.join('\n')).toContain(basename(pack));
  expect(warnings.join('\n')).toContain('lifeboat check --read-data');
  // The deepest folder is as it was. Its tree counts as stored, unless its pack is known to be lost.
  const isNamedAgain = kind === 'has a flipped bit';
  const asItWas = `${join(source, 'deep', 'deeper')}: is as it was, but`;
  expect(warnings.some((warning) => warning.startsWith(asItWas))).toBe(isNamedAgain);
  expect(isIncomplete).toBe(isNamedAgain);
  expect((await backUp()).isIncomplete).toBe(isNamedAgain);
});

it('is whole again once the pack is repaired', async () => {
  const pack = packOfTrees();
  damages['has a flipped bit']?.(pack);
  expect((await backUp()).isIncomplete).toBe(true);
  await using repository = await open();
  await repository.repairPacks([basename(pack)]);
  expect(await backUp()).toMatchObject({ isIncomplete: false });
  expect(await backUp()).toMatchObject({ isIncomplete: false, warnings: [] });
  const newest = (await repository.snapshots()).at(-1);
  const deepest = join(source, 'deep', 'deeper', 'file');
  expect(await repository.findNode(newest?.tree as never, deepest)).toBeDefined();
});
