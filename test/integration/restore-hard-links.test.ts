import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ProgressEvent, Secret } from '../../src/core/index.ts';
import {
  initRepository,
  openLocation,
  type Repository,
  type Snapshot,
} from '../../src/repository/index.ts';
import { backupFiles, type RestoreFilesOptions, restoreFiles } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';

const names = ['a/first', 'b/second', 'c/third'] as const;
const text = 'the same bytes under three names';
let folder: string;
let source: string;
let target: string;
let repository: Repository;
let snapshot: Snapshot;

beforeAll(async () => {
  folder = temporaryFolder('hard-links');
  source = join(folder, 'source');
  target = join(folder, 'target');
  for (const name of ['a', 'b', 'c']) mkdirSync(join(source, name), { recursive: true });
  writeFileSync(join(source, names[0]), text);
  for (const name of names.slice(1)) linkSync(join(source, names[0]), join(source, name));
  writeFileSync(join(source, 'alone'), 'alone');
  const location = openLocation(join(folder, 'repository'));
  repository = await initRepository({ location, password: new Secret('pw') });
  await backupFiles({ repository, source: 'files', paths: [source] });
  snapshot = (await repository.snapshots())[0] as Snapshot;
});
afterAll(async () => {
  await repository[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(() => rmSync(target, { recursive: true, force: true }));

const restore = async (more: Partial<RestoreFilesOptions> = {}) => {
  const options = { repository, snapshot, path: source, target, ...more };
  const plan = await restoreFiles({ ...options, isPlan: true });
  const progress: Extract<ProgressEvent, { type: 'progress' }>[] = [];
  const result = await restoreFiles({
    ...options,
    progress: (event) => event.type === 'progress' && progress.push(event),
  });
  expect(result.problems).toEqual([]);
  return { plan: plan.counts, result: result.counts, last: progress.at(-1) };
};
const inodes = () => names.map((name) => statSync(join(target, name)).ino);

it('counts every name as a file and the bytes once, in plan, result and progress', async () => {
  const { plan, result } = await restore();
  expect(result).toMatchObject({ newFiles: 4, hardLinks: 2, newBytes: text.length + 5 });
  expect(plan).toEqual(result);
  expect(new Set(inodes()).size).toBe(1);
  const again = await restore();
  expect(again.result).toMatchObject({ newFiles: 0, sameFiles: 4, hardLinks: 2 });
  expect(again.result.sameBytes).toBe(text.length + 5);
  expect(again.plan).toEqual(again.result);
});

it('ends its progress at its total', async () => {
  const { last } = await restore({ path: undefined });
  expect(last).toMatchObject({ done: text.length + 5, total: text.length + 5 });
});

describe('over names that exist', () => {
  beforeEach(async () => {
    await restore();
  });

  it('keeps the one that is right, whichever it is, and links the others to it', async () => {
    for (const kept of [0, 1, 2]) {
      rmSync(target, { recursive: true });
      await restore();
      const right = names[kept] as string;
      const others = names.filter((name) => name !== right);
      for (const name of others) unlinkSync(join(target, name));
      writeFileSync(join(target, others[0] as string), 'something else');
      const { ino } = statSync(join(target, right));
      const { plan, result } = await restore();
      expect(result).toMatchObject({ sameFiles: 2, newFiles: 1, replacedFiles: 1, hardLinks: 2 });
      expect(result).toMatchObject({ newBytes: 0, replacedBytes: 0 });
      expect(plan).toEqual(result);
      expect(inodes()).toEqual([ino, ino, ino]);
    }
  });

  it('says in the plan that all names change when the file does', async () => {
    writeFileSync(join(target, names[0]), 'changed under all its names');
    const { plan, result } = await restore();
    expect(result).toMatchObject({ replacedFiles: 3, replacedBytes: text.length, hardLinks: 2 });
    expect(plan).toEqual(result);
    expect(readFileSync(join(target, names[2]), 'utf8')).toBe(text);
  });

  it.each(['never', 'if-newer'] as const)(
    'leaves what %s leaves alone, and links nothing to it',
    async (overwrite) => {
      for (const name of names) unlinkSync(join(target, name));
      writeFileSync(join(target, names[0]), 'mine, and newer');
      writeFileSync(join(target, names[1]), 'mine too');
      const later = Date.now() / 1000 + 1000;
      for (const name of names.slice(0, 2)) utimesSync(join(target, name), later, later);
      const { plan, result } = await restore({ overwrite });
      const kept = overwrite === 'never' ? 3 : 2;
      expect(result).toMatchObject({ keptEntries: kept, newFiles: 1, hardLinks: 0 });
      expect(plan).toEqual(result);
      const texts = names.map((name) => readFileSync(join(target, name), 'utf8'));
      expect(texts).toEqual(['mine, and newer', 'mine too', text]);
    },
  );
});

it('lists in the plan what a folder holds that --delete clears away for a file or a link', async () => {
  await restore();
  unlinkSync(join(target, names[1]));
  mkdirSync(join(target, names[1]));
  writeFileSync(join(target, names[1], 'inside'), '');
  const { plan, result } = await restore({ deleteExtra: true });
  expect(plan.deletedPaths.toSorted()).toEqual(['b/second', 'b/second/inside']);
  expect(plan).toEqual(result);
  expect(new Set(inodes()).size).toBe(1);
});
