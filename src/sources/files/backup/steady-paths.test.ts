import { mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { localRepository } from '../../../../test/support/local-repository.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { incompleteTag } from '../../../repository/index.ts';
import { backupFiles } from './index.ts';
import { SteadyPaths } from './steady-paths.ts';

it('names paths that went or were exchanged, not files that were replaced', () => {
  const folder = temporaryFolder('steady-paths');
  const path = (name: string) => join(folder, name);
  for (const name of ['gone', 'exchanged', 'same']) mkdirSync(path(name));
  for (const name of ['file', 'removed']) writeFileSync(path(name), '');
  const all = ['gone', 'exchanged', 'same', 'file', 'removed', 'never there'].map(path);
  const steady = new SteadyPaths(all);
  expect(steady.changed()).toEqual([]);
  rmSync(path('gone'), { recursive: true });
  mkdirSync(path('other'));
  renameSync(path('other'), path('exchanged'));
  writeFileSync(path('new'), '');
  renameSync(path('new'), path('file'));
  unlinkSync(path('removed'));
  expect(steady.changed()).toEqual(['gone', 'exchanged', 'removed'].map(path));
  rmSync(path('same'), { recursive: true });
  const below = new SteadyPaths([path('other/below')]);
  mkdirSync(path('other/below'), { recursive: true });
  const reached = new SteadyPaths([path('other/below')]);
  renameSync(path('other'), path('moved'));
  // ENOTDIR from now on.
  writeFileSync(path('other'), '');
  expect(reached.changed()).toEqual([path('other/below')]);
  // What was never there did not change.
  expect(below.changed()).toEqual([]);
  rmSync(folder, { recursive: true });
});

it.each([
  ['another folder takes its place', 'source/folder', mkdirSync],
  ['a file takes the place of what holds it', 'source', (path: string) => writeFileSync(path, '')],
])('marks a backup as incomplete when %s', async (_, exchanged, put) => {
  const folder = temporaryFolder('steady-backup');
  const paths = [join(folder, 'source', 'folder')];
  mkdirSync(paths[0] as string, { recursive: true });
  writeFileSync(join(paths[0] as string, 'file'), 'text');
  await using place = await localRepository();
  const { repository } = place;
  const summary = await backupFiles({
    ...{ repository, source: 'files', paths },
    // Once the path was seen, something else gets its place.
    progress: ({ type }) => {
      if (type !== 'begin') return;
      setImmediate(() => {
        renameSync(join(folder, exchanged), join(folder, 'before'));
        put(join(folder, exchanged));
      });
    },
  });
  expect(summary.warnings.join()).toContain('was removed or exchanged meanwhile');
  const [snapshot] = await repository.snapshots();
  expect(snapshot?.tags).toContain(incompleteTag);
  rmSync(folder, { recursive: true });
});

it('says why when nothing of what was asked for can be reached', async () => {
  const folder = temporaryFolder('out-of-reach');
  writeFileSync(join(folder, 'file'), '');
  await using place = await localRepository();
  const paths = [join(folder, 'file', 'below')];
  const backup = backupFiles({ repository: place.repository, source: 'files', paths });
  await expect(backup).rejects.toMatchObject({
    code: 'file.unreadable',
    message: expect.stringContaining('ENOTDIR'),
  });
  rmSync(folder, { recursive: true });
});
