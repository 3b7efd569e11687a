import { spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { beginInPlace } from './begin-in-place.ts';

const facts = {
  format: 1,
  source: 'database',
  systemId: '7',
  begun: '2026-11-26T09:00:00Z',
} as const;

/** A data directory in which a process with the name of a server works. */
async function takenFolder(): Promise<string> {
  const place = temporaryFolder('begin');
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const folder = join(place, 'data');
  await mkdir(join(folder, 'global'), { recursive: true });
  await writeFile(join(folder, 'global/pg_control'), 'control');
  await copyFile('/bin/sleep', join(place, 'postgres'));
  const server = spawn(join(place, 'postgres'), ['600'], { cwd: folder, stdio: 'ignore' });
  onTestFinished(() => void server.kill('SIGKILL'));
  await new Promise((resolve) => server.once('spawn', resolve));
  return folder;
}

test('a server that was started just before gets its control file back', async () => {
  const folder = await takenFolder();
  await expect(beginInPlace(folder, facts, true)).rejects.toMatchObject({ code: 'target.in-use' });
  expect(await readdir(folder)).toEqual(['global']);
  expect(await readdir(join(folder, 'global'))).toEqual(['pg_control']);
});

test('a half restored folder does not become one that starts', async () => {
  const folder = await takenFolder();
  await expect(beginInPlace(folder, facts, false)).rejects.toMatchObject({ code: 'target.in-use' });
  expect(await readdir(join(folder, 'global'))).toEqual(['pg_control.before-restore']);
  expect(await readdir(folder)).toContain('lifeboat-restore-in-place');
});
