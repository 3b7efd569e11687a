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
  rmSync(folder, { recursive: true });
});

it('marks a backup whose folder is exchanged as incomplete', async () => {
  const folder = temporaryFolder('steady-backup');
  mkdirSync(join(folder, 'source'));
  writeFileSync(join(folder, 'source', 'file'), 'text');
  await using place = await localRepository();
  const { repository } = place;
  const paths = [join(folder, 'source')];
  const summary = await backupFiles({
    ...{ repository, source: 'files', paths },
    // Once the path was seen, another one gets its place.
    progress: ({ type }) => {
      if (type !== 'begin') return;
      setImmediate(() => {
        renameSync(paths[0] as string, join(folder, 'before'));
        mkdirSync(paths[0] as string);
      });
    },
  });
  expect(summary.warnings.join()).toContain('was removed or exchanged meanwhile');
  const [snapshot] = await repository.snapshots();
  expect(snapshot?.tags).toContain(incompleteTag);
  rmSync(folder, { recursive: true });
});
