import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import type { Repository, TreeNode } from '../../../repository/index.ts';
import { planDelta } from './delta-plan.ts';

const folderNode = (name: string) => ({ name, type: 'dir', subtree: name }) as never as TreeNode;
const fileNode = (name: string) => ({ name, type: 'file', sizeBytes: 0 }) as TreeNode;
const trees: Record<string, readonly TreeNode[]> = {
  data: [folderNode('global'), folderNode('pg_wal')],
  global: [fileNode('pg_control')],
  pg_wal: [folderNode('archive_status')],
  archive_status: [],
};

test('in a folder that pg_wal leads to, only WAL is removed', async () => {
  const place = temporaryFolder('delta');
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const folder = join(place, 'data');
  const elsewhere = join(place, 'disk');
  for (const path of [folder, elsewhere, join(folder, 'global')]) await mkdir(path);
  await symlink(elsewhere, join(folder, 'pg_wal'));
  for (const name of ['lost+found', 'archive_status', 'another-cluster', 'summaries']) {
    await mkdir(join(elsewhere, name));
  }
  for (const name of ['00000001000000000000002A', '00000002.history', 'xlogtemp.12', 'notes.txt']) {
    await writeFile(join(elsewhere, name), '');
  }
  await writeFile(join(folder, 'global/stray'), '');
  const plan = await planDelta({
    repository: { readTree: async (id: string) => trees[id] } as never as Repository,
    folder,
    data: folderNode('data'),
    tablespaces: new Map(),
    skip: () => false,
  });
  expect(plan.extra.toSorted()).toEqual([
    'global/stray',
    'pg_wal/00000001000000000000002A',
    'pg_wal/00000002.history',
    'pg_wal/summaries',
    'pg_wal/xlogtemp.12',
  ]);
  expect(plan.newFolders).toEqual([]);
});
