import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backupFiles } from '../../src/sources/index.ts';
import { lifeboat } from '../support/command-line.ts';
import {
  type LocalRepository,
  localRepository,
  testPassword,
} from '../support/local-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { fileNode, saved, storeTree } from '../support/stored-tree.ts';

let place: LocalRepository;
let target: string;

beforeAll(async () => {
  place = await localRepository();
  target = temporaryFolder('cli-restore');
  await storeTree(place.repository, async (writer) => [
    fileNode({ name: 'kept', content: await saved(writer, 'kept'), sizeBytes: 4 }),
    fileNode({ name: 'lost', content: ['ab'.repeat(32) as never], sizeBytes: 9 }),
  ]);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  rmSync(target, { recursive: true, force: true });
});

const restore = (...args: string[]) =>
  lifeboat(['restore', '-r', place.folder, '--target', target, '--json', ...args], {
    env: { LIFEBOAT_PASSWORD: testPassword },
  });
const text = () => readFileSync(join(target, 'kept'), 'utf8');

it('existing files are changed only after the plan and the name of the target', {
  timeout: 60_000,
}, async () => {
  const first = await restore();
  expect(first.exitCode, first.stderr).toBe(3);
  expect(first.records.at(-1)).toMatchObject({
    type: 'restored-files',
    newFiles: 1,
    problems: [{ path: 'lost' }],
  });

  writeFileSync(join(target, 'kept'), 'CHANGED');
  utimesSync(join(target, 'kept'), 5, 5);
  const plan = await restore('--dry-run');
  expect(plan.records.at(-1)).toMatchObject({ type: 'restore-plan', replacedFiles: 1 });
  for (const args of [[], ['--yes', 'other']]) {
    const refused = await restore(...args);
    expect(refused.exitCode).toBe(2);
    expect(JSON.stringify(refused.records.at(-1))).toContain('confirmation.missing');
    expect(text()).toBe('CHANGED');
  }
  const kept = await restore('--overwrite', 'never');
  expect([kept.exitCode, text()]).toEqual([3, 'CHANGED']);
  const done = await restore('--yes', target);
  expect([done.exitCode, text()]).toEqual([3, 'kept']);
  const wrong = await restore('--overwrite', 'sometimes');
  expect(wrong.exitCode).toBe(2);
});

it('a file goes back in place to where it was', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder('in-place');
  try {
    const file = join(folder, 'file');
    writeFileSync(file, 'as it was');
    await backupFiles({ repository: place.repository, source: 'documents', paths: [folder] });
    rmSync(file);
    const args = [
      'restore',
      '-r',
      place.folder,
      '--in-place',
      '--path',
      file,
      '--yes',
      dirname(file),
    ];
    const env = { LIFEBOAT_PASSWORD: testPassword };
    const done = await lifeboat(args, { env });
    expect(done.exitCode, done.stderr).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('as it was');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
