import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { feedFolderName, fetchScript, restoreCommand } from './fetch-script.ts';

let data: string;
const inFeed = (...names: string[]) => join(data, feedFolderName, ...names);

beforeEach(() => {
  data = temporaryFolder('fetch script');
  for (const name of ['', 'ready', 'wanted', 'absent']) mkdirSync(inFeed(name));
  mkdirSync(join(data, 'pg_wal'));
  writeFileSync(inFeed('fetch'), fetchScript(process.pid));
});
afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

/** As the server runs it: in the data folder, through the shell, with the names put in. */
function restore(name: string): Promise<number> {
  const command = restoreCommand.replaceAll('%f', name).replaceAll('%p', 'pg_wal/RECOVERYXLOG');
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', command], { cwd: data }, (error) => {
      resolve(error === null ? 0 : Number(error.code));
    });
  });
}

const name = '000000010000000000000001';

test('what lies ready is there at once', async () => {
  writeFileSync(inFeed('ready', name), 'wal');
  expect(await restore(name)).toBe(0);
  expect(readFileSync(join(data, 'pg_wal/RECOVERYXLOG'), 'utf8')).toBe('wal');
  expect(existsSync(inFeed('ready', name))).toBe(false);
});

test('what does not is asked for, and waited for', async () => {
  const exit = restore(name);
  await expect.poll(() => existsSync(inFeed('wanted', name))).toBe(true);
  writeFileSync(inFeed('ready', name), 'late');
  expect(await exit).toBe(0);
  expect(readFileSync(join(data, 'pg_wal/RECOVERYXLOG'), 'utf8')).toBe('late');
});

test('absent is 1; a failure, or a Lifeboat that is gone, is 255', async () => {
  writeFileSync(inFeed('absent', '00000002.history'), '');
  expect(await restore('00000002.history')).toBe(1);
  writeFileSync(inFeed('failed'), '');
  expect(await restore(name)).toBe(255);
  rmSync(inFeed('failed'));

  const gone = spawn('true');
  await once(gone, 'exit');
  writeFileSync(inFeed('fetch'), fetchScript(gone.pid as number));
  expect(await restore(name)).toBe(255);
  rmSync(inFeed(), { recursive: true });
  expect(await restore(name)).toBe(255);
});
