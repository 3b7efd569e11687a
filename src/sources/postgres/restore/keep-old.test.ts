import { spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { finishKeeping, keepOld } from './keep-old.ts';
import { beginUnfinished, markerName } from './unfinished-restore.ts';

const facts = {
  format: 1,
  source: 'database',
  systemId: '7',
  begun: '2026-11-26T09:00:00Z',
} as const;

/** A folder with a data directory, as far as moving it is concerned. */
async function oldCluster() {
  const place = temporaryFolder('keep-old');
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const folder = join(place, 'main');
  await mkdir(folder);
  await writeFile(join(folder, 'PG_VERSION'), '18');
  const account = { account: 'nobody', uid: 65534 };
  return { place, folder, cluster: { folder, systemId: '7', unfinished: undefined, ...account } };
}

test('the old folder is moved, an empty one with the marker takes its place', async () => {
  const { place, folder, cluster } = await oldCluster();
  await keepOld(cluster, join(place, 'kept'), facts);
  expect(await readdir(join(place, 'kept'))).toEqual(['PG_VERSION']);
  expect(await readdir(folder)).toEqual([markerName]);
  expect((await readdir(place)).sort()).toEqual(['kept', 'main']);
});

test('what lies at the name that is needed for a moment is not taken over', async () => {
  const { place, folder, cluster } = await oldCluster();
  await mkdir(`${folder}.restoring`);
  await writeFile(join(`${folder}.restoring`, 'mine'), 'precious');
  await expect(keepOld(cluster, join(place, 'kept'), facts)).rejects.toMatchObject({
    code: 'target.not-empty',
  });
  expect(await readdir(folder)).toEqual(['PG_VERSION']);
  expect(await readdir(`${folder}.restoring`)).toEqual(['mine']);
  await rm(`${folder}.restoring`, { recursive: true });

  // Half restored, and by chance of that name: no leftover of ours.
  await beginUnfinished(await made(`${folder}.restoring`), facts);
  await writeFile(join(`${folder}.restoring`, 'PG_VERSION'), '18');
  await rename(folder, join(place, 'away'));
  await finishKeeping(folder);
  expect((await readdir(place)).sort()).toEqual(['away', 'main.restoring']);
});

test('a server that was started meanwhile keeps its folder', async () => {
  const { place, folder, cluster } = await oldCluster();
  await copyFile('/bin/sleep', join(place, 'postgres'));
  const server = spawn(join(place, 'postgres'), ['600'], { cwd: folder, stdio: 'ignore' });
  onTestFinished(() => void server.kill('SIGKILL'));
  await new Promise((resolve) => server.once('spawn', resolve));
  await expect(keepOld(cluster, join(place, 'kept'), facts)).rejects.toMatchObject({
    code: 'target.in-use',
  });
  expect(await readdir(folder)).toEqual(['PG_VERSION']);
  expect((await readdir(place)).sort()).toEqual(['main', 'postgres']);
});

test('a move that cannot be done leaves nothing behind', async () => {
  const { place, folder, cluster } = await oldCluster();
  const nowhere = join(place, 'no-such-folder/kept');
  await expect(keepOld(cluster, nowhere, facts)).rejects.toMatchObject({ code: 'file.unreadable' });
  expect(await readdir(place)).toEqual(['main']);
  expect(await readdir(folder)).toEqual(['PG_VERSION']);
});

test('one killed between the renames is finished, also through a link; one before is cleared away', async () => {
  const { place, folder } = await oldCluster();
  const stage = await made(`${folder}.restoring`);
  const owner = { pid: 999_999_999, started: 'never' };
  const text = JSON.stringify({ ...facts, kept: join(place, 'kept'), owner });
  await writeFile(join(stage, markerName), text);
  await rename(folder, join(place, 'kept'));
  const link = join(place, 'link');
  await symlink('main', link);
  await finishKeeping(link);
  expect(await readdir(folder)).toEqual([markerName]);

  await writeFile(join(await made(stage), markerName), text);
  await finishKeeping(link);
  expect((await readdir(place)).sort()).toEqual(['kept', 'link', 'main']);
});

async function made(folder: string): Promise<string> {
  await mkdir(folder);
  return folder;
}
